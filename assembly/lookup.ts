/**
 * Judges UTF-8 (Unicode, table 3-7) by vectors of sixteen bytes.
 *
 * It is the lookup that J. Keiser and D. Lemire describe in "Validating UTF-8 In Less Than One Instruction Per Byte". Every
 * byte is looked at together with the one before it, and three tables of sixteen are asked: with the first byte's high
 * nibble, with its low nibble, with the second byte's high nibble. A bit that all three answer names what is wrong with the
 * pair. Third and fourth bytes are looked for two and three behind their lead.
 *
 * What stands one to three bytes in front is loaded again from there: loads cost less here than shuffles, and constants
 * loaded each time less than constants written into the code, which newer V8 builds anew.
 */
import { previous1, previous2, previous3 } from "./transpose";

// ╒═════════════════════════════════ What can be wrong with a pair ═════════════════════════════════╕
const TOO_SHORT: u8 = 0b0000_0001; //   │  11______ 0_______   or  11______ 11______
const TOO_LONG: u8 = 0b0000_0010; //    │  0_______ 10______
const OVERLONG_3: u8 = 0b0000_0100; //  │  11100000 100_____
const SURROGATE: u8 = 0b0000_1000; //   │  11101101 101_____
const OVERLONG_2: u8 = 0b0001_0000; //  │  1100000_ 10______
const TOO_LARGE: u8 = 0b0010_0000; //   │  11110100 1001____ and up, 11110101 1001____ and up
const OVERLONG_4: u8 = 0b0100_0000; //  │  11110000 1000____ overlong, 11110101 1000____ and up
const FURTHER: u8 = 0b1000_0000; //     │  10______ 10______ is wrong but where a third or fourth byte is due
// ╘═════════════════════════════════════════════════════════════════════════════════════════════════╛

const FIRST_HIGH: usize = memory.data<u8>([
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 00______ ________
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 01______ ________
  FURTHER, FURTHER, FURTHER, FURTHER, //     10______ ________
  TOO_SHORT | OVERLONG_2, //                 1100____ ________
  TOO_SHORT, //                              1101____ ________
  TOO_SHORT | OVERLONG_3 | SURROGATE, //     1110____ ________
  TOO_SHORT | TOO_LARGE | OVERLONG_4, //     1111____ ________
], 16);

const COMMON: u8 = TOO_SHORT | TOO_LONG | FURTHER;
const FIRST_LOW: usize = memory.data<u8>([
  COMMON | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, // ____0000 ________
  COMMON | OVERLONG_2, //                           ____0001 ________
  COMMON, //                                        ____0010 ________
  COMMON, //                                        ____0011 ________
  COMMON | TOO_LARGE, //                            ____0100 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____0101 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____0110 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____0111 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1000 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1001 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1010 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1011 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1100 ________
  COMMON | TOO_LARGE | OVERLONG_4 | SURROGATE, //   ____1101 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1110 ________
  COMMON | TOO_LARGE | OVERLONG_4, //               ____1111 ________
], 16);

const LATER: u8 = TOO_LONG | FURTHER | OVERLONG_2;
const SECOND_HIGH: usize = memory.data<u8>([
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 00______
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 01______
  LATER | OVERLONG_3 | OVERLONG_4, //            ________ 1000____
  LATER | OVERLONG_3 | TOO_LARGE, //             ________ 1001____
  LATER | SURROGATE | TOO_LARGE, //              ________ 1010____
  LATER | SURROGATE | TOO_LARGE, //              ________ 1011____
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 11______
], 16);

// The greatest last bytes with which nothing is left unfinished: below 11110000, 11100000 and 11000000.
const FINISHED: usize = memory.data<u8>([
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xdf, 0xbf,
], 16);

// One byte in every lane. Subtracted without going below zero, REACHES_x leaves bit 7 where a byte is x or more.
const NIBBLE: usize = memory.data<u32>([0x0f0f_0f0f], 4);
const BIT_7: usize = memory.data<u32>([0x8080_8080], 4);
const REACHES_E0: usize = memory.data<u32>([0x6060_6060], 4);
const REACHES_F0: usize = memory.data<u32>([0x7070_7070], 4);

/** Returns zero where the 16 bytes of `v` are sound behind those of `before`. */
@inline
export function judgeVector(before: v128, v: v128): v128 {
  return judgePairs(previous1(before, v), previous2(before, v), previous3(before, v), v);
}

/** Returns zero where `before` ends with a whole character. */
@inline
export function judgeEnd(before: v128): v128 {
  return i8x16.sub_sat_u(before, v128.load(FINISHED));
}

/** Returns zero where the blocks of 64 bytes from `ptr` to `end` are sound behind the bytes in front of them. */
export function judgeBlocks(ptr: usize, end: usize): v128 {
  let wrong = i32x4.splat(0);
  for (; ptr < end; ptr += 64) {
    const ab = v128.or(judgeAt(ptr), judgeAt(ptr + 16));
    const cd = v128.or(judgeAt(ptr + 32), judgeAt(ptr + 48));
    wrong = v128.or(wrong, v128.or(ab, cd));
  }
  return wrong;
}

@inline
function judgeAt(ptr: usize): v128 {
  return judgePairs(v128.load(ptr - 1), v128.load(ptr - 2), v128.load(ptr - 3), v128.load(ptr));
}

/** `v1` to `v3` hold for each byte of `v` the one that stands one to three in front of it. */
@inline
function judgePairs(v1: v128, v2: v128, v3: v128, v: v128): v128 {
  const nibble = v128.load32_splat(NIBBLE);
  const firsts = v128.and(
    lookup(FIRST_HIGH, v128.and(i16x8.shr_u(v1, 4), nibble)),
    lookup(FIRST_LOW, v128.and(v1, nibble)));
  const pairs = v128.and(firsts, lookup(SECOND_HIGH, v128.and(i16x8.shr_u(v, 4), nibble)));
  const due = v128.or(from(v2, REACHES_E0), from(v3, REACHES_F0));
  return v128.xor(v128.and(due, v128.load32_splat(BIT_7)), pairs);
}

@inline
function from(v: v128, constant: usize): v128 {
  return i8x16.sub_sat_u(v, v128.load32_splat(constant));
}

@inline
function lookup(table: usize, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(v128.load(table), index);
  return i8x16.swizzle(v128.load(table), index);
}
