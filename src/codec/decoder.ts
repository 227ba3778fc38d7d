/** One direction of one connection, decoded chunk by chunk: the codec's decoder as an iterable. */
import { FLAG_FINAL, FLAG_OPCODE, FRAGMENT_SIZE, FRAGMENTS, WINDOW, WINDOW_SIZE } from '../../assembly/abi.ts';
import { checkBytes } from './check.ts';
import { FAULTS, ProtocolFault } from './faults.ts';
import { type LinearMemory, NEXT_WORD } from './memory.ts';

/** A stretch of one frame's payload, unmasked and, for text, validated. Control frames always come whole. */
export interface Fragment {
  /** The message's opcode on every piece of a data message (never OP_CONTINUATION), or the control opcode. */
  readonly opcode: number;
  /** True on the last piece of a message, and on every control frame. */
  readonly final: boolean;
  /** A view; valid until the next call on any object of the same Codec. */
  readonly data: Uint8Array;
}

/** Which end of a connection it is. RFC 6455 §5.1: a server reads frames that are masked, a client sends them. */
export type Role = 'server' | 'client';

/** Which decoder of a codec is being iterated; the window has room for one. */
export interface Iteration {
  decoder: Decoder | undefined;
}

export class Decoder {
  readonly #memory: LinearMemory;
  readonly #iteration: Iteration;
  #record: number;
  #received = 0;
  #fault: ProtocolFault | undefined;

  /** @internal Use `codec.decoder(options)`. */
  constructor(memory: LinearMemory, iteration: Iteration, record: number) {
    this.#memory = memory;
    this.#iteration = iteration;
    this.#record = record;
  }

  /**
   * Takes bytes as they arrived, in chunks of any size, and yields what they complete. A payload piece is yielded as
   * soon as it is here: a frame need not be whole. One iteration at a time per Codec: beginning another throws; breaking
   * out of one ends its decoder. Throws ProtocolFault where the peer broke RFC 6455, after the fragments before it.
   */
  decode(chunk: Uint8Array): Generator<Fragment, void, undefined> {
    checkBytes('chunk', chunk);
    return this.#decode(chunk, chunk.length);
  }

  /** Runs from the first step on: by then, and between any two, `chunk` may be no longer the `length` bytes that came. */
  *#decode(chunk: Uint8Array, length: number): Generator<Fragment, void, undefined> {
    checkLength(chunk, length);
    if (this.#iteration.decoder)
      throw new Error('another decode of this codec is still being iterated: finish it, or break out of it');
    if (!this.#record) throw new Error('this decoder has ended: ask the codec for another');
    if (this.#fault) throw this.#fault;
    this.#iteration.decoder = this;
    let finished = false;
    try {
      for (let offset = 0; offset < length; offset += WINDOW_SIZE) {
        checkLength(chunk, length);
        yield* this.#decodeWindow(chunk.subarray(offset, offset + WINDOW_SIZE));
      }
      finished = true;
    } finally {
      this.#iteration.decoder = undefined;
      if (!finished && !this.#fault) this.free();
    }
  }

  *#decodeWindow(bytes: Uint8Array): Generator<Fragment, void, undefined> {
    const { exports, words, buffer, window } = this.#memory;
    const end = WINDOW + bytes.length;
    let ptr = WINDOW;
    window.set(bytes);
    do {
      const count = exports.decode(this.#record, ptr, end);
      ptr = words[NEXT_WORD]!;
      if (count < 0) {
        this.#fault = new ProtocolFault(FAULTS.get(-count)!, this.#received + ptr - WINDOW);
        throw this.#fault;
      }
      const last = (FRAGMENTS + count * FRAGMENT_SIZE) >> 2;
      for (let word = FRAGMENTS >> 2; word < last; word += FRAGMENT_SIZE >> 2) {
        const flags = words[word + 2]!;
        const data = new Uint8Array(buffer, words[word]!, words[word + 1]!);
        yield { opcode: flags & FLAG_OPCODE, final: (flags & FLAG_FINAL) !== 0, data };
        if (!this.#record) throw new Error('this decoder was freed while it was being iterated');
      }
    } while (ptr < end);
    this.#received += bytes.length;
  }

  /** Gives the decoder's record back. */
  free(): void {
    if (!this.#record) return;
    this.#memory.records.give(this.#record);
    this.#record = 0;
  }
}

function checkLength(chunk: Uint8Array, length: number): void {
  if (chunk.length !== length) throw new TypeError('the chunk was transferred or resized before it was all decoded');
}
