/**
 * UTF-8 judged one byte at a time, straight from the grammar of RFC 3629 §4. Slow, and short enough to be checked against
 * the RFC by eye: each row is one line of the ABNF, the range of the first byte and of those that must follow it.
 */
type Range = readonly [low: number, high: number];

const TAIL: Range = [0x80, 0xbf];

const SEQUENCES: readonly (readonly [Range, ...Range[]])[] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], TAIL],
  [[0xe0, 0xe0], [0xa0, 0xbf], TAIL],
  [[0xe1, 0xec], TAIL, TAIL],
  [[0xed, 0xed], [0x80, 0x9f], TAIL],
  [[0xee, 0xef], TAIL, TAIL],
  [[0xf0, 0xf0], [0x90, 0xbf], TAIL, TAIL],
  [[0xf1, 0xf3], TAIL, TAIL, TAIL],
  [[0xf4, 0xf4], [0x80, 0x8f], TAIL, TAIL],
];

/** Judges one text. */
export class Utf8Judge {
  #awaited: readonly Range[] = [];

  /** Takes the next byte; false where no text can have it here. */
  take(byte: number): boolean {
    const [range, ...rest] = this.#awaited;
    if (range) {
      this.#awaited = rest;
      return range[0] <= byte && byte <= range[1];
    }
    const sequence = SEQUENCES.find(([[low, high]]) => low <= byte && byte <= high);
    this.#awaited = sequence?.slice(1) ?? [];
    return sequence !== undefined;
  }

  /** The bytes so far stop inside a character. */
  get unfinished(): boolean {
    return this.#awaited.length > 0;
  }
}

/** Returns where the first byte stands that makes `bytes` invalid, their length where they stop inside a character, or -1. */
export function findInvalid(bytes: Uint8Array): number {
  const judge = new Utf8Judge();
  const offset = bytes.findIndex(byte => !judge.take(byte));
  return offset < 0 && judge.unfinished ? bytes.length : offset;
}
