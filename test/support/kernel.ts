/**
 * A kernel that a test has in its hands: it takes of what it is offered as much as it is told to, and holds a write until
 * it is told to let go. What a write gave is read only then, as a kernel does; what it took at once is read at once.
 */
import { readFrameHeader } from '../../src/codec/header.ts';
import { Context } from '../../src/context/context.ts';
import type { WebSocketOptions } from '../../src/context/contract.ts';
import { limitsOf } from '../../src/context/options.ts';
import type { Transport, TransportOwner } from '../../src/transport/transport.ts';
import { engine, watch } from './pair.ts';
import type { Watched } from './watched.ts';
import { writeFrame } from './wire.ts';

const SPOILT = 0xc1;

/** How much of so many bytes is taken at once; of a write, all or nothing. */
export type Appetite = (length: number) => number;

export class Kernel implements Transport {
  readonly remoteAddress = undefined;
  readonly stretch = 262_144;
  readonly patient: boolean;
  readonly takeLeast: number;
  readonly owner: TransportOwner;
  appetite: Appetite;
  /** What it was offered by take, and given by a write; in bytes. */
  readonly offered: number[] = [];
  readonly written: number[] = [];
  ended = false;
  /** What of the write that is held a test says that it has not taken. */
  untaken: number | undefined = undefined;
  #sent: Uint8Array[] = [];
  #held: readonly Uint8Array[] | null = null;

  constructor(owner: TransportOwner, takeLeast: number, appetite: Appetite, patient: boolean) {
    this.owner = owner;
    this.patient = patient;
    this.takeLeast = takeLeast;
    this.appetite = appetite;
  }

  take(bytes: Uint8Array, at: number, length: number): number {
    this.#check();
    this.offered.push(length);
    const part = this.appetite(length);
    this.#sent.push(bytes.slice(at, at + part));
    return part;
  }

  write(chunk: Uint8Array): boolean {
    return this.writev([chunk]);
  }

  writev(chunks: readonly Uint8Array[]): boolean {
    this.#check();
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.written.push(length);
    this.#held = chunks;
    if (this.appetite(length) < length) return false;
    this.#swallow();
    return true;
  }

  get holds(): boolean {
    return this.#held !== null;
  }

  /** Lets go of the write that is held. */
  release(): void {
    if (!this.#held) return;
    this.#swallow();
    this.owner.written();
  }

  end(): void {
    this.#check();
    this.ended = true;
  }

  destroy(): void {
    this.ended = true;
    setImmediate(() => {
      this.owner.closed(undefined);
      this.#held = null;
      this.owner.written();
    });
  }

  pause(): void {}
  resume(): void {}

  /** Brings these bytes in one chunk. */
  receive(...bytes: Uint8Array[]): void {
    engine.intake.feed(this.owner, Buffer.concat(bytes));
  }

  /** Puts these bytes into the window, as a read of a socket's does: over those of the last. */
  read(...bytes: Uint8Array[]): void {
    const { intake } = engine;
    const chunk = Buffer.concat(bytes);
    intake.window.fill(SPOILT).set(chunk);
    intake.receive(this.owner, chunk.length, true);
  }

  /** The frames that the peer has by now. Throws where the last one is not whole. */
  get frames(): Frame[] {
    const all = Buffer.concat(this.#sent);
    const frames: Frame[] = [];
    for (let at = 0; at < all.length; ) {
      const header = readFrameHeader(all, at);
      if (!header) throw new Error(`${all.length - at} bytes are no frame`);
      const start = at + header.headerLength;
      at = start + header.payloadLength;
      if (at > all.length) throw new Error(`${at - all.length} bytes of a frame are missing`);
      frames.push({ opcode: header.opcode, final: header.final, data: all.subarray(start, at) });
    }
    return frames;
  }

  #swallow(): void {
    for (const chunk of this.#held!) this.#sent.push(chunk.slice());
    this.#held = null;
  }

  #check(): void {
    if (this.#held) throw new Error('one write at a time');
    if (this.ended) throw new Error('nothing comes behind the end');
  }
}

export interface Frame {
  readonly opcode: number;
  readonly final: boolean;
  readonly data: Uint8Array;
}

export interface Held {
  readonly context: Watched;
  readonly kernel: Kernel;
}

/** Opens a server's context on a kernel that takes everything, until it is told otherwise. */
export function openOnKernel(
  options: WebSocketOptions = {},
  takeLeast = 4096,
  appetite: Appetite = all => all,
  patient = takeLeast === Number.POSITIVE_INFINITY,
): Held {
  let kernel!: Kernel;
  const context = new Context({
    engine,
    record: engine.memory.records.take(),
    role: 'server',
    protocol: '',
    limits: limitsOf(options),
    onCleanup: () => {},
    onFault: () => {},
    transport: owner => (kernel = new Kernel(owner, takeLeast, appetite, patient)),
  });
  return { context: watch(context), kernel };
}

/** A frame as a client sends it. */
export function masked(opcode: number, data: Uint8Array | string, final = true): Uint8Array {
  return writeFrame({ opcode, final, data: Buffer.from(data), key: Uint8Array.of(0x37, 0xfa, 0x21, 0x3d) });
}
