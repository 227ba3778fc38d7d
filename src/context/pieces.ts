/**
 * Fragments in a row, as decode writes them: those of the window that is being walked, and those that nobody read in
 * time, copied out of it once. Fresh memory costs more than the bytes that are put there: a block is filled again once every
 * fragment in it was copied to its reader or given back by him; otherwise it stays his.
 */
import { FLAG_FINAL, FRAGMENT_SIZE } from '../../assembly/abi.ts';
import { copy, copyOut, remember } from './copy.ts';
import type { FragmentResult } from './result.ts';

export const WORDS = FRAGMENT_SIZE >> 2;

/** Blocks that are kept to be filled again: so many a thread, and for no fewer bytes than a quarter of theirs. */
const SPARE_MOST = 8;
const SPARE_TIMES = 4;
const spare: Pieces[] = [];

export class Pieces {
  /** Address in `bytes`, length, flags; three words each. */
  readonly table: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** That of `bytes`, which costs as much to ask for as a view. */
  readonly buffer: ArrayBuffer;
  /** The next fragment's first word, and the word behind the last. */
  cursor = 0;
  limit = 0;
  /** Bytes taken, of pieces that are being gathered. */
  used = 0;
  next: Pieces | null = null;
  /** Fragments that were handed out where they lie, and have not been given back; and whether none is to come. */
  #out = 0;
  #over = false;
  /** Whose fragments these are, of those in the window. */
  owner: unknown = null;
  /** Which walk of the window it is; 0 for pieces that were copied out of it. */
  walk = 0;

  #view: DataView | null = null;

  constructor(table: Uint32Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>) {
    this.table = table;
    this.bytes = bytes;
    this.buffer = bytes.buffer;
  }

  /** Room for `bytes` bytes in `count` fragments. */
  static of(bytes: number, count: number): Pieces {
    for (let index = spare.length - 1; index >= 0; index--) {
      const pieces = spare[index]!;
      const room = pieces.bytes.length;
      if (room < bytes || room > bytes * SPARE_TIMES || pieces.table.length < count * WORDS) continue;
      spare[index] = spare[spare.length - 1]!;
      spare.pop();
      pieces.cursor = pieces.limit = pieces.used = 0;
      pieces.#over = false;
      return pieces;
    }
    return new Pieces(new Uint32Array(count * WORDS), new Uint8Array(bytes));
  }

  /** A copy of `length` bytes from `at` on, which is handed out. */
  static copyOf(bytes: Uint8Array, at: number, length: number): Pieces {
    const pieces = Pieces.of(length, 0);
    copy(pieces.bytes, 0, bytes, at, length);
    pieces.#out = 1;
    pieces.#over = true;
    return pieces;
  }

  /** What eight bytes at a time are copied from. */
  get view(): DataView {
    return (this.#view ??= new DataView(this.buffer));
  }

  get empty(): boolean {
    return this.cursor === this.limit;
  }

  /** Whether its memory is here: who was lent a fragment of it may have transferred them all. */
  get intact(): boolean {
    return this.bytes.length >= this.used;
  }

  /** One more looks at what was handed out, and will give it back. */
  hold(): this {
    this.#out++;
    return this;
  }

  /** A fragment that was taken as it lies is not looked at any more. */
  giveBack(): void {
    if (--this.#out === 0 && this.#over) this.#spare();
  }

  /** Nothing more is put here, and all has been taken. */
  finish(): void {
    this.#over = true;
    this.next = null;
    if (this.#out === 0) this.#spare();
  }

  #spare(): void {
    if (spare.push(this) > SPARE_MOST) spare.shift();
  }

  /** Takes the next fragment as it lies, and has `result` tell of it. Returns its bytes. */
  lend(result: FragmentResult): number {
    const { table, cursor, walk } = this;
    const length = table[cursor + 1]!;
    this.cursor = cursor + WORDS;
    if (!walk) this.#out++;
    remember(this);
    result.describe(table[cursor + 2]!);
    result.locate(this.bytes, table[cursor]!, length, walk, walk ? null : this);
    return length;
  }

  /** Copies as much of the next fragment as `data` holds, and has `result` tell of it. Returns whether that was all. */
  fill(data: Uint8Array, result: FragmentResult): boolean {
    const { table, cursor } = this;
    const at = table[cursor]!;
    const length = table[cursor + 1]!;
    const flags = table[cursor + 2]!;
    const part = Math.min(length, data.length);
    const whole = part === length;
    copyOut(data, this.bytes, at, part);
    if (whole) this.cursor = cursor + WORDS;
    else {
      table[cursor] = at + part;
      table[cursor + 1] = length - part;
    }
    result.describe(whole ? flags : flags & ~FLAG_FINAL);
    result.locate(data, 0, part, 0, null);
    return whole;
  }
}
