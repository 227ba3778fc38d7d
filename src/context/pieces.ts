/**
 * Fragments in a row, as decode writes them: those of the window that is being walked, and those that nobody read in
 * time, copied out of it once.
 */
import { FLAG_ASCII, FLAG_FINAL, FLAG_OPCODE, FRAGMENT_SIZE, OP_TEXT } from '../../assembly/abi.ts';

export const WORDS = FRAGMENT_SIZE >> 2;

/** A copy of this many bytes or fewer is quicker by a loop. */
const LOOP_MOST = 48;

/** Copies `length` bytes. */
export function copy(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  if (length > LOOP_MOST) {
    target.set(length === source.length ? source : source.subarray(from, from + length), at);
    return;
  }
  const end = from + length;
  // Four a round are a third quicker than one.
  for (; from + 4 <= end; from += 4, at += 4) {
    target[at] = source[from]!;
    target[at + 1] = source[from + 1]!;
    target[at + 2] = source[from + 2]!;
    target[at + 3] = source[from + 3]!;
  }
  for (; from < end; from++, at++) target[at] = source[from]!;
}

export class Pieces {
  /** Address in `bytes`, length, flags; three words each. */
  readonly table: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The next fragment's first word, and the word behind the last. */
  cursor = 0;
  limit = 0;
  /** Bytes taken, of pieces that are being gathered. */
  used = 0;
  next: Pieces | null = null;
  /** Whose fragments these are, of those in the window. */
  owner: unknown = null;
  /** Which walk of the window it is; 0 for pieces that were copied out of it. */
  walk = 0;

  // What take() took last, and where it lay.
  at = 0;
  length = 0;
  ascii = false;
  utf8 = false;
  final = false;

  constructor(table: Uint32Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>) {
    this.table = table;
    this.bytes = bytes;
  }

  /** Room for `bytes` bytes in `count` fragments. */
  static of(bytes: number, count: number): Pieces {
    return new Pieces(new Uint32Array(count * WORDS), new Uint8Array(bytes));
  }

  get empty(): boolean {
    return this.cursor === this.limit;
  }

  /** Takes the next fragment as it lies, or copies as much of it as `data` holds. */
  take(data: Uint8Array | null): void {
    const { table, cursor } = this;
    const at = table[cursor]!;
    const length = table[cursor + 1]!;
    const flags = table[cursor + 2]!;
    this.at = at;
    this.utf8 = (flags & FLAG_OPCODE) === OP_TEXT;
    this.ascii = (flags & FLAG_ASCII) !== 0;
    if (data !== null && data.length < length) {
      const part = data.length;
      copy(data, 0, this.bytes, at, part);
      table[cursor] = at + part;
      table[cursor + 1] = length - part;
      this.length = part;
      this.final = false;
      return;
    }
    this.cursor = cursor + WORDS;
    this.length = length;
    this.final = (flags & FLAG_FINAL) !== 0;
    if (data !== null) copy(data, 0, this.bytes, at, length);
  }
}
