/**
 * A network in memory, between two contexts, in which nothing moves until it is told to. It does what TCP does to a
 * transport: the kernel takes a write by pieces as it has room, reading the caller's bytes only then; bytes arrive cut
 * anywhere; either end closes, resets or vanishes. What has not been taken is not copied, so memory that is used again
 * too soon is seen by the reader.
 */
import { WINDOW_SIZE } from '../../assembly/abi.ts';
import type { Intake } from '../../src/transport/intake.ts';
import type { Transport, TransportOwner } from '../../src/transport/transport.ts';

const SPOILT = 0xc1;
const RESET = new Error('read ECONNRESET');

export interface WireOptions {
  /** Bytes that the kernel takes before it must be told that there is more room. */
  readonly room: number;
  readonly stretch: number;
  readonly patient: boolean;
  readonly takeLeast: number;
  /** Whether what was delivered lies in the window until the next thing happens to the network, or till the call returns. */
  readonly lasting: boolean;
}

export class Wire implements Transport {
  readonly remoteAddress = undefined;
  readonly stretch: number;
  readonly patient: boolean;
  readonly takeLeast: number;
  readonly owner: TransportOwner;
  readonly #intake: Intake;
  readonly #lasting: boolean;
  other!: Wire;

  room: number;
  /** What it has taken and not yet delivered. */
  readonly #way: Uint8Array[] = [];
  #pending: Uint8Array[] | null = null;
  #ending = false;
  #paused = false;
  #error: Error | undefined;

  /** Whether the owner has been told of the peer's FIN, and of the end of everything. */
  ended = false;
  closed = false;
  /** No byte moves any more; the owner hears of it at the next `close`. */
  destroyed = false;

  constructor(owner: TransportOwner, intake: Intake, { room, stretch, patient, takeLeast, lasting }: WireOptions) {
    this.owner = owner;
    this.#intake = intake;
    this.room = room;
    this.stretch = stretch;
    this.patient = patient;
    this.takeLeast = takeLeast;
    this.#lasting = lasting;
  }

  // ── the context's side ──

  write(chunk: Uint8Array): boolean {
    return this.writev([chunk]);
  }

  get untaken(): number | undefined {
    return this.#pending?.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  take(bytes: Uint8Array, at: number, length: number): number {
    if (this.#pending) throw new Error('bytes were to be taken before the last write was over');
    if (this.#ending) throw new Error('bytes were to be taken behind the end');
    if (this.destroyed) return 0;
    const part = Math.min(length, this.room);
    this.room -= part;
    if (part) this.#way.push(bytes.slice(at, at + part));
    return part;
  }

  writev(chunks: readonly Uint8Array[]): boolean {
    if (this.#pending) throw new Error('a write began before the last one was over');
    if (this.#ending) throw new Error('a write came behind the end');
    this.#pending = [...chunks];
    this.#take();
    if (this.#pending.length) return false;
    this.#pending = null;
    return true;
  }

  end(): void {
    if (this.#pending) throw new Error('the end came before the last write was over');
    this.#ending = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  // ── the network's ──

  /** Gives the kernel room for `length` more bytes of this side's. */
  drain(length: number): void {
    if (this.closed || this.destroyed) return;
    this.room += length;
    if (!this.#pending) return;
    this.#take();
    if (this.#pending.length) return;
    this.#pending = null;
    this.owner.written();
  }

  /** Brings up to `length` bytes of this side's to the other; behind the last, FIN. */
  deliver(length: number): void {
    const { other } = this;
    this.#intake.finish();
    if (other.destroyed || other.closed || other.ended || other.#paused) return;
    if (!this.#way.length) {
      if (!(this.#ending && !this.#pending) && !this.destroyed) return;
      other.ended = true;
      other.owner.ended();
      return;
    }
    const window = this.#intake.window.fill(SPOILT);
    let put = 0;
    for (let left = Math.min(length, WINDOW_SIZE); left && this.#way.length; ) {
      const chunk = this.#way[0]!;
      const part = chunk.subarray(0, left);
      window.set(part, put);
      put += part.length;
      left -= part.length;
      if (part.length === chunk.length) this.#way.shift();
      else this.#way[0] = chunk.subarray(part.length);
    }
    this.#intake.receive(other.owner, put, this.#lasting);
  }

  /** Resets the connection, for both ends. */
  reset(): void {
    for (const end of [this, this.other]) {
      if (!end.destroyed) end.#error = RESET;
      end.destroyed = true;
    }
  }

  /** Tells the owner that all is over, where it is: after a reset, after destroy, or when both sides have ended. */
  close(): void {
    if (this.closed) return;
    if (!this.destroyed && !(this.ended && this.#ending)) return;
    this.destroyed = true;
    // The completions in which a walk ends that waited do not know of it yet.
    this.#intake.finish();
    this.closed = true;
    this.owner.closed(this.#error);
    if (!this.#pending) return;
    this.#pending = null;
    this.owner.written();
  }

  get #idle(): boolean {
    return !this.#way.length && !this.#pending;
  }

  /** Whether nothing of this side's is on its way, as far as the other side reads. */
  get quiet(): boolean {
    const { other } = this;
    if (other.destroyed || other.closed || other.ended) return true;
    return this.#idle && !this.#ending && !this.destroyed;
  }

  #take(): void {
    const pending = this.#pending!;
    while (pending.length && (this.room || !pending[0]!.length)) {
      const chunk = pending[0]!;
      const part = chunk.slice(0, this.room);
      this.room -= part.length;
      if (part.length) this.#way.push(part);
      if (part.length === chunk.length) pending.shift();
      else pending[0] = chunk.subarray(part.length);
    }
  }
}
