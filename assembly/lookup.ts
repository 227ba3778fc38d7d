/**
 * Judges UTF-8 (Unicode, table 3-7) by vectors, sixteen or sixty-four bytes at a time.
 *
 * The judge is the lookup that J. Keiser and D. Lemire describe in "Validating UTF-8 In Less Than One Instruction Per
 * Byte". Every byte is looked at together with the one before it, and three tables of sixteen are asked: with the first
 * byte's high nibble, with its low nibble, with the second byte's high nibble. A bit that all three answer names what is
 * wrong with the pair. Third and fourth bytes are looked for two and three behind their lead.
 *
 * Two quicker rules, for text without long characters, go before it; they can only say "sound". Constants are loaded from
 * memory, which costs nothing beside the shuffles: written into the code, newer V8 would build them again every time.
 */

// ╒═════════════════════════ What can be wrong with a pair ════════════════════════╕
const TOO_SHORT: u8 = 0b0000_0001; // │  11______ 0_______   or  11______ 11______
const TOO_LONG: u8 = 0b0000_0010; //  │  0_______ 10______
const OVERLONG_3: u8 = 0b0000_0100; //│  11100000 100_____
const SURROGATE: u8 = 0b0000_1000; // │  11101101 101_____
const OVERLONG_2: u8 = 0b0001_0000; //│  1100000_ 10______
const TOO_LARGE: u8 = 0b0010_0000; // │  11110100 1001____ and up, 11110101 1001____ and up
const FOUR: u8 = 0b0100_0000; //      │  11110000 1000____ overlong, 11110101 1000____ and up
const FURTHER: u8 = 0b1000_0000; //   │  10______ 10______ is wrong but where a third or fourth byte is due
// ╘════════════════════════════════════════════════════════════════════════════════╛

const FIRST_HIGH: usize = memory.data<u8>([
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 00______ ________
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 01______ ________
  FURTHER, FURTHER, FURTHER, FURTHER, //     10______ ________
  TOO_SHORT | OVERLONG_2, //                 1100____ ________
  TOO_SHORT, //                              1101____ ________
  TOO_SHORT | OVERLONG_3 | SURROGATE, //     1110____ ________
  TOO_SHORT | TOO_LARGE | FOUR, //           1111____ ________
], 16);

const ANY: u8 = TOO_SHORT | TOO_LONG | FURTHER;
const FIRST_LOW: usize = memory.data<u8>([
  ANY | OVERLONG_2 | OVERLONG_3 | FOUR, //   ____0000 ________
  ANY | OVERLONG_2, //                       ____0001 ________
  ANY, //                                    ____0010 ________
  ANY, //                                    ____0011 ________
  ANY | TOO_LARGE, //                        ____0100 ________
  ANY | TOO_LARGE | FOUR, //                 ____0101 ________
  ANY | TOO_LARGE | FOUR, //                 ____0110 ________
  ANY | TOO_LARGE | FOUR, //                 ____0111 ________
  ANY | TOO_LARGE | FOUR, //                 ____1000 ________
  ANY | TOO_LARGE | FOUR, //                 ____1001 ________
  ANY | TOO_LARGE | FOUR, //                 ____1010 ________
  ANY | TOO_LARGE | FOUR, //                 ____1011 ________
  ANY | TOO_LARGE | FOUR, //                 ____1100 ________
  ANY | TOO_LARGE | FOUR | SURROGATE, //     ____1101 ________
  ANY | TOO_LARGE | FOUR, //                 ____1110 ________
  ANY | TOO_LARGE | FOUR, //                 ____1111 ________
], 16);

const LATER: u8 = TOO_LONG | FURTHER | OVERLONG_2;
const SECOND_HIGH: usize = memory.data<u8>([
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 00______
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 01______
  LATER | OVERLONG_3 | FOUR, //                  ________ 1000____
  LATER | OVERLONG_3 | TOO_LARGE, //             ________ 1001____
  LATER | SURROGATE | TOO_LARGE, //              ________ 1010____
  LATER | SURROGATE | TOO_LARGE, //              ________ 1011____
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, // ________ 11______
], 16);

// The greatest last bytes with which nothing is left unfinished: below 11110000, 11100000 and 11000000.
const FINISHED: usize = memory.data<u8>([
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xdf, 0xbf,
], 16);

// One byte in every lane. Subtracted without going below zero, FROM_x leaves bit 7 where a byte is x or more.
const NIBBLE: usize = memory.data<u32>([0x0f0f_0f0f], 4);
const BIT_7: usize = memory.data<u32>([0x8080_8080], 4);
const FROM_C2: usize = memory.data<u32>([0x4242_4242], 4);
const FROM_E0: usize = memory.data<u32>([0x6060_6060], 4);
const FROM_F0: usize = memory.data<u32>([0x7070_7070], 4);
const BF_FROM_C2: usize = memory.data<u32>([0x7d7d_7d7d], 4);
const C0: usize = memory.data<u32>([0xc0c0_c0c0], 4);
const EF: usize = memory.data<u32>([0xefef_efef], 4);
const ED_TO_EF: usize = memory.data<u32>([0x0202_0202], 4);

/** Returns zero where the 64 bytes of `a` to `d` are sound behind the 16 of `before`. */
@inline
export function judgeBlock(before: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  const most = i8x16.max_u(before, i8x16.max_u(i8x16.max_u(a, b), i8x16.max_u(c, d)));
  if (!i8x16.bitmask(from(most, FROM_E0))) {
    if (soundTwo(before, a, b, c, d)) return i64x2.splat(0);
  } else if (!i8x16.bitmask(from(most, FROM_F0))) {
    if (soundThree(before, a, b, c, d)) return i64x2.splat(0);
  }
  const firstZ = firsts(before), firstA = firsts(a), firstB = firsts(b), firstC = firsts(c), firstD = firsts(d);
  return v128.or(
    v128.or(judgePairs(before, a, firstZ, firstA), judgePairs(a, b, firstA, firstB)),
    v128.or(judgePairs(b, c, firstB, firstC), judgePairs(c, d, firstC, firstD)));
}

/** Returns zero where the 16 bytes of `v` are sound behind those of `before`. */
@inline
export function judgeVector(before: v128, v: v128): v128 {
  return judgePairs(before, v, firsts(before), firsts(v));
}

/** Returns zero where `before` ends with a whole character. */
@inline
export function judgeEnd(before: v128): v128 {
  return i8x16.sub_sat_u(before, v128.load(FINISHED));
}

/** What the bytes of `v` may be part of, each as the first of a pair. */
@inline
function firsts(v: v128): v128 {
  const nibble = v128.load32_splat(NIBBLE);
  const high = lookup(FIRST_HIGH, v128.and(i16x8.shr_u(v, 4), nibble));
  const low = lookup(FIRST_LOW, v128.and(v, nibble));
  return v128.and(high, low);
}

@inline
function judgePairs(before: v128, v: v128, firstsBefore: v128, firsts: v128): v128 {
  const seconds = lookup(SECOND_HIGH, v128.and(i16x8.shr_u(v, 4), v128.load32_splat(NIBBLE)));
  const third = from(behind2(before, v), FROM_E0);
  const fourth = from(behind3(before, v), FROM_F0);
  const further = v128.and(v128.or(third, fourth), v128.load32_splat(BIT_7));
  return v128.xor(further, v128.and(behind1(firstsBefore, firsts), seconds));
}

/**
 * Whether text below 0xe0 is sound: 10______ stands behind 110_____ and nowhere else, and there is no 1100000_. Those
 * two come out greatest once what is 11000010 or more has turned negative.
 */
@inline
function soundTwo(before: v128, a: v128, b: v128, c: v128, d: v128): bool {
  const leadZ = from(before, FROM_C2), leadA = from(a, FROM_C2), leadB = from(b, FROM_C2);
  const leadC = from(c, FROM_C2), leadD = from(d, FROM_C2);
  const missed = v128.or(
    v128.or(v128.xor(behind1(leadZ, leadA), continued(a)), v128.xor(behind1(leadA, leadB), continued(b))),
    v128.or(v128.xor(behind1(leadB, leadC), continued(c)), v128.xor(behind1(leadC, leadD), continued(d))));
  const most = i8x16.max_s(leadZ, i8x16.max_s(i8x16.max_s(leadA, leadB), i8x16.max_s(leadC, leadD)));
  return !i8x16.bitmask(v128.or(missed, i8x16.gt_s(most, v128.load32_splat(BF_FROM_C2))));
}

/**
 * Whether text below 0xf0 is sound without looking at pairs: as above, with a third byte behind 1110____, and neither
 * 11100000 (which comes out least of what is negative) nor 11101101 (greatest, with one bit turned over), whose second
 * bytes not everything may be.
 */
@inline
function soundThree(before: v128, a: v128, b: v128, c: v128, d: v128): bool {
  const leadZ = from(before, FROM_C2), leadA = from(a, FROM_C2), leadB = from(b, FROM_C2);
  const leadC = from(c, FROM_C2), leadD = from(d, FROM_C2);
  const longZ = from(before, FROM_E0), longA = from(a, FROM_E0), longB = from(b, FROM_E0);
  const longC = from(c, FROM_E0), longD = from(d, FROM_E0);
  const missed = v128.or(
    v128.or(
      v128.xor(v128.or(behind1(leadZ, leadA), behind2(longZ, longA)), continued(a)),
      v128.xor(v128.or(behind1(leadA, leadB), behind2(longA, longB)), continued(b))),
    v128.or(
      v128.xor(v128.or(behind1(leadB, leadC), behind2(longB, longC)), continued(c)),
      v128.xor(v128.or(behind1(leadC, leadD), behind2(longC, longD)), continued(d))));
  const most = i8x16.max_s(leadZ, i8x16.max_s(i8x16.max_s(leadA, leadB), i8x16.max_s(leadC, leadD)));
  const least = i8x16.min_s(longZ, i8x16.min_s(i8x16.min_s(longA, longB), i8x16.min_s(longC, longD)));
  const turned = i8x16.max_u(turn(before), i8x16.max_u(i8x16.max_u(turn(a), turn(b)), i8x16.max_u(turn(c), turn(d))));
  const special = v128.or(
    i8x16.gt_s(most, v128.load32_splat(BF_FROM_C2)),
    v128.or(i8x16.eq(least, v128.load32_splat(BIT_7)), i8x16.eq(turned, v128.load32_splat(EF))));
  return !i8x16.bitmask(v128.or(missed, special));
}

@inline
function from(v: v128, constant: usize): v128 {
  return i8x16.sub_sat_u(v, v128.load32_splat(constant));
}

/** 10______: as signed numbers these are the least. */
@inline
function continued(v: v128): v128 {
  return i8x16.lt_s(v, v128.load32_splat(C0));
}

@inline
function turn(v: v128): v128 {
  return v128.xor(v, v128.load32_splat(ED_TO_EF));
}

@inline
function lookup(table: usize, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(v128.load(table), index);
  return i8x16.swizzle(v128.load(table), index);
}

/** For every lane of `v` the byte one, two or three in front of it. */
@inline
function behind1(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

@inline
function behind2(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
}

@inline
function behind3(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
}
