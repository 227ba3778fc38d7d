/**
 * Texts for the UTF-8 kernels, and what a kernel should answer to them: judged byte by byte, with what the last character
 * lacks carried.
 */
import { UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE } from '../../assembly/abi.ts';
import { Utf8Judge } from '../reference/utf8.ts';

/** By the rule for the leads of a block: none, two, three, both, three with a second byte to look at, four, any. */
export const FILLERS = ['a', 'é', '人', 'e人é', 'ไ', '한', '😀', '😀人a', 'a😀é人'];
export const MIXED = Buffer.from(
  `plain, élan, Щука, ไทย, 한글, 漢字。 ${'日'.repeat(30)} ${'ж'.repeat(40)} \u{10ffff}😀\ud7ff\ue000\u0800ÿ\u0080`,
);
/** Bytes at the edges of every range of Unicode's table 3-7. */
export const EDGES = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
  0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff,
];

/** What a kernel should answer. */
export function judge(data: Uint8Array): number {
  const slow = new Utf8Judge();
  let whole = 0;
  for (const [i, byte] of data.entries()) {
    if (!slow.take(byte)) return UTF8_INVALID;
    if (!slow.unfinished) whole = i + 1;
  }
  const rest = data.subarray(whole);
  const carried = rest.reduce((sum, byte, i) => sum | (byte << (8 * i)), rest.length << UTF8_COUNT_SHIFT);
  return carried | (data.some(byte => byte > 0x7f) ? UTF8_WIDE : 0);
}

/** Fills `length` bytes with whole characters of `filler`, and with ASCII what is left over. */
export function fill(filler: string, length: number): Buffer {
  const text = Buffer.from(filler.repeat(length)).subarray(0, length);
  const open = (judge(text) >>> UTF8_COUNT_SHIFT) & 3;
  return text.fill(0x2e, length - open);
}
