/**
 * Judges UTF-8 (Unicode, table 3-7) by vectors of sixteen bytes.
 *
 * The judge is the lookup that J. Keiser and D. Lemire describe in "Validating UTF-8 In Less Than One Instruction Per
 * Byte". Every byte is looked at together with the one before it, and three tables of sixteen are asked: with the first
 * byte's high nibble, with its low nibble, with the second byte's high nibble. A bit that all three answer names what is
 * wrong with the pair. Third and fourth bytes are looked for two and three behind their lead.
 *
 * Before a stretch is judged so, the quickest rule that its greatest byte admits is tried, which can only say "sound".
 * What stands one to three bytes in front is loaded again from there: loads cost less here than shuffles, and constants
 * loaded each time less than constants written into the code, which newer V8 builds anew.
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

/** Returns zero where the 16 bytes of `v` are sound behind those of `before`. */
@inline
export function judgeVector(before: v128, v: v128): v128 {
  return judgePairs(
    v128.shuffle<u8>(before, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    v128.shuffle<u8>(before, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
    v128.shuffle<u8>(before, v, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28),
    v);
}

/** Returns zero where `before` ends with a whole character. */
@inline
export function judgeEnd(before: v128): v128 {
  return i8x16.sub_sat_u(before, v128.load(FINISHED));
}

/**
 * Returns zero where the blocks of 64 bytes from `ptr` to `end` are sound behind the 16 in front of them. `most` holds,
 * lane by lane, the greatest of all these bytes.
 */
@inline
export function judgeBlocks(ptr: usize, end: usize, most: v128): v128 {
  let wrong = i32x4.splat(0);
  if (!i8x16.bitmask(from(most, FROM_E0))) {
    if (soundTwo(ptr, end)) return wrong;
  } else if (!i8x16.bitmask(from(most, FROM_F0))) {
    if (soundThree(ptr, end)) return wrong;
  } else if (soundFour(ptr, end)) return wrong;
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
  const due = v128.or(from(v2, FROM_E0), from(v3, FROM_F0));
  return v128.xor(v128.and(due, v128.load32_splat(BIT_7)), pairs);
}

/**
 * Whether text below 0xe0 is sound: 10______ stands behind a lead and nowhere else, and there is no 1100000_. Those two
 * come out greatest once what is 11000010 or more has turned negative.
 */
@inline
function soundTwo(ptr: usize, end: usize): bool {
  let missed = i32x4.splat(0);
  let most = i32x4.splat(0);
  for (; ptr < end; ptr += 64) {
    const a = from(v128.load(ptr - 1), FROM_C2), b = from(v128.load(ptr, 15), FROM_C2);
    const c = from(v128.load(ptr, 31), FROM_C2), d = from(v128.load(ptr, 47), FROM_C2);
    const ab = v128.or(v128.xor(a, continued(ptr)), v128.xor(b, continued(ptr + 16)));
    const cd = v128.or(v128.xor(c, continued(ptr + 32)), v128.xor(d, continued(ptr + 48)));
    missed = v128.or(missed, v128.or(ab, cd));
    most = i8x16.max_s(most, i8x16.max_s(i8x16.max_s(a, b), i8x16.max_s(c, d)));
  }
  return !i8x16.bitmask(v128.or(missed, i8x16.gt_s(most, v128.load32_splat(BF_FROM_C2))));
}

/**
 * Whether text below 0xf0 is sound without looking at pairs: as above, with a third byte behind 1110____, and neither
 * 11100000 nor 11101101, which not every second byte may follow. The one comes out least of what has turned negative,
 * the other greatest once a bit is turned over.
 */
@inline
function soundThree(ptr: usize, end: usize): bool {
  const turn = v128.load32_splat(ED_TO_EF);
  let missed = i32x4.splat(0);
  let most = i32x4.splat(0);
  let least = from(v128.load(end - 17), FROM_E0);
  let turned = i32x4.splat(0);
  for (; ptr < end; ptr += 64) {
    const a1 = v128.load(ptr - 1), b1 = v128.load(ptr, 15), c1 = v128.load(ptr, 31), d1 = v128.load(ptr, 47);
    const a = from(a1, FROM_C2), b = from(b1, FROM_C2), c = from(c1, FROM_C2), d = from(d1, FROM_C2);
    const a2 = from(v128.load(ptr - 2), FROM_E0), b2 = from(v128.load(ptr, 14), FROM_E0);
    const c2 = from(v128.load(ptr, 30), FROM_E0), d2 = from(v128.load(ptr, 46), FROM_E0);
    const ab = v128.or(v128.xor(v128.or(a, a2), continued(ptr)), v128.xor(v128.or(b, b2), continued(ptr + 16)));
    const cd = v128.or(v128.xor(v128.or(c, c2), continued(ptr + 32)), v128.xor(v128.or(d, d2), continued(ptr + 48)));
    const turnedAb = i8x16.max_u(v128.xor(a1, turn), v128.xor(b1, turn));
    const turnedCd = i8x16.max_u(v128.xor(c1, turn), v128.xor(d1, turn));
    missed = v128.or(missed, v128.or(ab, cd));
    most = i8x16.max_s(most, i8x16.max_s(i8x16.max_s(a, b), i8x16.max_s(c, d)));
    least = i8x16.min_s(least, i8x16.min_s(i8x16.min_s(a2, b2), i8x16.min_s(c2, d2)));
    turned = i8x16.max_u(turned, i8x16.max_u(turnedAb, turnedCd));
  }
  const c0 = i8x16.gt_s(most, v128.load32_splat(BF_FROM_C2));
  const e0 = i8x16.eq(least, v128.load32_splat(BIT_7));
  const ed = i8x16.eq(turned, v128.load32_splat(EF));
  return !i8x16.bitmask(v128.or(v128.or(missed, c0), v128.or(e0, ed)));
}

/**
 * Whether every character is 11110000 1001____ and two more, as in a row of emoji: then they lie in a pattern, turned to
 * where the one before `ptr` begins, which is where bit 6 is set.
 */
@inline
function soundFour(ptr: usize, end: usize): bool {
  const turn = clz(load<u32>(ptr - 4) & 0x4040_4040) + 7;
  const least = i32x4.splat(rotr(0x8080_90f0, turn)), bits = i32x4.splat(rotr(0xc0c0_f0ff, turn));
  let odd = v128.and(i8x16.sub(v128.load(ptr - 16), least), bits);
  for (; ptr < end && !v128.any_true(odd); ptr += 64) {
    const ab = v128.or(i8x16.sub(v128.load(ptr), least), i8x16.sub(v128.load(ptr, 16), least));
    const cd = v128.or(i8x16.sub(v128.load(ptr, 32), least), i8x16.sub(v128.load(ptr, 48), least));
    odd = v128.and(v128.or(ab, cd), bits);
  }
  return !v128.any_true(odd);
}

@inline
function from(v: v128, constant: usize): v128 {
  return i8x16.sub_sat_u(v, v128.load32_splat(constant));
}

/** 10______: as signed numbers these are the least. */
@inline
function continued(ptr: usize): v128 {
  return i8x16.lt_s(v128.load(ptr), v128.load32_splat(C0));
}

@inline
function lookup(table: usize, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(v128.load(table), index);
  return i8x16.swizzle(v128.load(table), index);
}
