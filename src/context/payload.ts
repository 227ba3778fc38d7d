/**
 * A payload, where it lies. A large one is sent from there: header and caller's bytes, a stretch at a time. The bytes are the
 * context's from the call on until it ends.
 */
import type { LinearMemory } from '../codec/memory.ts';
import type { Outbox } from './outbox.ts';
import { EMPTY, FragmentResult, lent } from './result.ts';

/** A caller's payload longer than this is sent from where it lies. */
export const COPY_MOST = 16_384;

/** Where the payload lies in the bytes that `locate` returned last. */
export const located = { at: 0, length: 0 };

/** Returns the bytes among which a write's payload lies: linear memory's own, where it is large and lies there. */
export function locate(data: Uint8Array | FragmentResult, memory: LinearMemory): Uint8Array {
  if (data instanceof FragmentResult) {
    located.at = data.bytes ? data.at : 0;
    located.length = data.bytes ? data.cbIO : 0;
    return data.bytes ?? EMPTY;
  }
  located.length = data.length;
  if (data === lent.view && data.length === lent.length) {
    located.at = lent.at;
    return lent.bytes;
  }
  // A payload that is copied anyway may lie where it will.
  const inMemory = data.length > COPY_MOST && data.buffer === memory.buffer;
  located.at = inMemory ? data.byteOffset : 0;
  return inMemory ? memory.bytes : data;
}

export class Payload {
  /** Whether any of it is still to be sent. */
  waits = false;
  /** Whether a stretch of it is in the transport's hands. */
  inHands = false;
  #bytes = EMPTY;
  #length = 0;
  /** The first unsent byte, -1 while its frame has not begun. */
  #at = -1;
  /** First byte of its frame's header. */
  #first = 0;

  begin(first: number, bytes: Uint8Array, at: number, length: number): void {
    this.waits = true;
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
    this.#length = length;
    this.#at = -1;
    this.#first = first;
  }

  /** Bytes that are still to be sent. */
  get unsent(): number {
    return this.waits ? this.#length - Math.max(this.#at, 0) : 0;
  }

  /** Whether its frame is begun, and the rest is still with the caller. */
  get midFrame(): boolean {
    return this.waits && this.#at >= 0;
  }

  /** Whether nothing of its frame has gone out: it can be taken back as if it had never been written. */
  get untouched(): boolean {
    return this.waits && this.#at < 0;
  }

  /** Whether the caller's bytes are not what they were: transferred, or resized. */
  get robbed(): boolean {
    return this.waits && this.#bytes.length !== this.#length;
  }

  /** Gives up to `most` bytes more to `outbox`, behind the header before the first. */
  lend(outbox: Outbox, most: number): void {
    if (this.#at < 0) {
      this.#at = 0;
      outbox.header(this.#first, this.#length);
    }
    const at = this.#at;
    const length = Math.min(most, this.#length - at);
    this.#at += length;
    outbox.lend(this.#bytes, at, length);
    if (this.#at === this.#length) this.forget();
  }

  /** Copies what is left to `outbox`. */
  copy(outbox: Outbox): void {
    outbox.body(this.#bytes, this.#at, this.#length - this.#at, this.#at);
    this.forget();
  }

  /** Nothing more of it is sent. */
  forget(): void {
    this.waits = false;
    this.#bytes = EMPTY;
  }
}
