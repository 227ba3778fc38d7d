/**
 * Pieces to messages. A message that comes in one piece is made from it where it lies; the pieces of a longer one are
 * kept until its last, small ones gathered in blocks, so that a message of empty or one-byte fragments costs no more
 * than its bytes.
 */
import { markAsUntransferable } from 'node:worker_threads';
import { copy } from '../context/copy.ts';
import { lend } from '../context/result.ts';
import { decodeText } from './text.ts';

export type Message = string | Uint8Array;

const SMALL = 4096;
const BLOCK_LEAST = 512;
const BLOCK_MOST = 65_536;

let slab = new Uint8Array(0);
let slabUsed = 0;

/** Whose buffer was asked for last, which costs as much as a view. */
let viewed = slab;
let viewedBuffer = slab.buffer;

/** Returns a view of bytes beside which others lie: who transfers his buffer must not take theirs with it. */
function view(bytes: Uint8Array<ArrayBuffer>, at: number, length: number): Uint8Array {
  if (bytes !== viewed) {
    viewed = bytes;
    viewedBuffer = bytes.buffer;
    markAsUntransferable(viewedBuffer);
  }
  return lend(bytes, at, length, viewedBuffer);
}

/** Returns a copy of `length` bytes from `at` on. Allocation costs more than the bytes, so small copies share one. */
export function copyOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  // Buffer's own slice would share.
  if (length > SMALL) return Uint8Array.prototype.slice.call(bytes, at, at + length);
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(BLOCK_MOST);
    slabUsed = 0;
  }
  const from = slabUsed;
  slabUsed += length;
  copy(slab, from, bytes, at, length);
  return view(slab, from, length);
}

/**
 * Returns `length` bytes from `at` on as the caller's to keep: those that are `reused` copied, others where they lie, unless
 * a few would keep very many.
 */
export function keep(bytes: Uint8Array, at: number, length: number, reused: boolean): Uint8Array {
  if (reused || (length < SMALL && bytes.length > BLOCK_MOST)) return copyOf(bytes, at, length);
  return view(bytes as Uint8Array<ArrayBuffer>, at, length);
}

export class Gathering {
  /** Bytes gathered. */
  #length = 0;
  /** The beginning of a message has been discarded: its rest is no message. */
  torn = false;
  /** Longest message, 0 for no limit. */
  readonly #limit: number;
  readonly #tooLarge: () => Error;
  /** Whether a piece has been added since the last message was taken. */
  #begun = false;
  #parts: Uint8Array[] = [];
  /** The block that is being filled, behind `#parts`, and how far. */
  #block: Uint8Array | null = null;
  #used = 0;

  constructor(limit: number, tooLarge: () => Error) {
    this.#limit = limit;
    this.#tooLarge = tooLarge;
  }

  /** Adds a piece; returns the message where that was its last. Throws where it would be too long. */
  piece(
    bytes: Uint8Array,
    at: number,
    length: number,
    text: boolean,
    final: boolean,
    ascii: boolean,
    reused: boolean,
  ): Message | undefined {
    if (this.torn) {
      this.torn = !final;
      return undefined;
    }
    if (this.#limit && this.#length + length > this.#limit) throw this.#tooLarge();
    if (final && !this.#begun) return text ? decodeText(bytes, at, length, ascii) : keep(bytes, at, length, reused);
    this.#add(bytes, at, length, reused);
    return final ? this.#take(text) : undefined;
  }

  #add(bytes: Uint8Array, at: number, length: number, reused: boolean): void {
    this.#begun = true;
    this.#length += length;
    if (length >= SMALL) {
      this.#closeBlock();
      this.#parts.push(keep(bytes, at, length, reused));
    } else if (length) {
      const block = this.#room(length);
      block.set(bytes.subarray(at, at + length), this.#used);
      this.#used += length;
    }
  }

  /** Returns the message, and is empty again. */
  #take(text: boolean): Message {
    this.#closeBlock();
    const parts = this.#parts;
    const length = this.#length;
    this.#parts = [];
    this.#begun = false;
    this.#length = 0;
    const whole = parts.length === 1 ? parts[0]! : join(parts, length);
    return text ? decodeText(whole, 0, length, false) : whole;
  }

  #room(length: number): Uint8Array {
    if (this.#block && this.#used + length <= this.#block.length) return this.#block;
    this.#closeBlock();
    return (this.#block = new Uint8Array(Math.max(length, BLOCK_LEAST, Math.min(this.#length, BLOCK_MOST))));
  }

  #closeBlock(): void {
    if (this.#block) this.#parts.push(this.#block.subarray(0, this.#used));
    this.#block = null;
    this.#used = 0;
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
