/**
 * Linear memory as JavaScript sees it: the window, the table of fragments, and two free lists. The map is drawn in
 * assembly/memory.ts.
 */
import { NEXT, RECORD_SIZE, RECORDS, WINDOW, WINDOW_SIZE } from '../../assembly/abi.ts';
import { type Exports, instantiate } from './module.ts';

/** Bytes of a send page. */
export const PAGE_SIZE = 65_536;

/** Index of the NEXT cell in `words`. */
export const NEXT_WORD = NEXT >> 2;

/** Stretches of equal size between two addresses. A free one's first word names the next free one. */
class Pool {
  readonly size: number;
  readonly end: number;
  readonly #words: Uint32Array;
  #untouched: number;
  #free = 0;
  /** How many are taken. */
  taken = 0;

  constructor(words: Uint32Array, start: number, end: number, size: number) {
    this.#words = words;
    this.#untouched = start;
    this.end = end;
    this.size = size;
  }

  /** Takes a stretch; returns its address, 0 where none is left. */
  take(): number {
    let ptr = this.#free;
    if (ptr) {
      this.#free = this.#words[ptr >> 2]!;
    } else if (this.#untouched + this.size <= this.end) {
      ptr = this.#untouched;
      this.#untouched += this.size;
    } else {
      return 0;
    }
    this.taken++;
    return ptr;
  }

  give(ptr: number): void {
    this.#words[ptr >> 2] = this.#free;
    this.#free = ptr;
    this.taken--;
  }
}

export class LinearMemory {
  readonly exports: Exports;
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** All of memory as 32-bit words: `words[address >> 2]`. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Where bytes to decode are put. */
  readonly window: Uint8Array<ArrayBuffer>;
  readonly records: Pool;
  readonly pages: Pool;

  /** `size` in bytes, a multiple of 65,536; `records` is how many decoders it holds. */
  constructor(module: WebAssembly.Module, size: number, records: number) {
    this.exports = instantiate(module, size);
    this.buffer = this.exports.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Uint32Array(this.buffer);
    this.window = new Uint8Array(this.buffer, WINDOW, WINDOW_SIZE);
    const recordsEnd = RECORDS + records * RECORD_SIZE;
    this.records = new Pool(this.words, RECORDS, recordsEnd, RECORD_SIZE);
    const pages = Math.ceil(recordsEnd / PAGE_SIZE) * PAGE_SIZE;
    this.pages = new Pool(this.words, pages, this.buffer.byteLength, PAGE_SIZE);
  }
}
