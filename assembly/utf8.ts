/**
 * Validates text as a stream (RFC 6455 §8.1): a character may be cut between two stretches anywhere.
 *
 * Every byte is judged together with the byte before it, sixteen at a time, by the lookup that J. Keiser and D. Lemire
 * describe in "Validating UTF-8 In Less Than One Instruction Per Byte": three tables of sixteen bytes, one asked with the
 * first byte's high nibble, one with its low nibble, one with the second byte's high nibble. A bit that all three answer
 * names what is wrong with the pair. Third and fourth bytes are expected two and three behind their lead.
 *
 * A character that a stretch leaves unfinished is carried: the next stretch is read as if its bytes stood in front.
 * Vectors only detect; where a text broke is explained by validPrefix, byte by byte.
 */
import { UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE } from "./abi";
import { rotateKey, unmask } from "./mask";

// What can be wrong with two bytes.
const TOO_SHORT: u8 = 0b0000_0001; //   11______ 0_______  or  11______ 11______
const TOO_LONG: u8 = 0b0000_0010; //    0_______ 10______
const OVERLONG_3: u8 = 0b0000_0100; //  11100000 100_____
const SURROGATE: u8 = 0b0000_1000; //   11101101 101_____
const OVERLONG_2: u8 = 0b0001_0000; //  1100000_ 10______
const TOO_LARGE: u8 = 0b0010_0000; //   11110100 1001____  or  11110100 101_____  or  11110101 up, followed by these
const OTHER_4: u8 = 0b0100_0000; //     11110000 1000____  or  11110101 up, followed by 1000____
const TWO_MORE: u8 = 0b1000_0000; //    10______ 10______  is right exactly where a third or fourth byte is due

// By the low nibble, a lead may be anything in this.
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_MORE;

// prettier-ignore
const TABLES: usize = memory.data<u8>([
  // the first byte's high nibble
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 0000____ to 0011____
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, // 0100____ to 0111____
  TWO_MORE, TWO_MORE, TWO_MORE, TWO_MORE, // 1000____ to 1011____
  TOO_SHORT | OVERLONG_2, //                 1100____
  TOO_SHORT, //                              1101____
  TOO_SHORT | OVERLONG_3 | SURROGATE, //     1110____
  TOO_SHORT | TOO_LARGE | OTHER_4, //        1111____

  // the first byte's low nibble
  ANY_LOW | OVERLONG_2 | OVERLONG_3 | OTHER_4, // ____0000
  ANY_LOW | OVERLONG_2, //                        ____0001
  ANY_LOW, //                                     ____0010
  ANY_LOW, //                                     ____0011
  ANY_LOW | TOO_LARGE, //                         ____0100
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____0101
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____0110
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____0111
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1000
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1001
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1010
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1011
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1100
  ANY_LOW | TOO_LARGE | OTHER_4 | SURROGATE, //   ____1101
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1110
  ANY_LOW | TOO_LARGE | OTHER_4, //               ____1111

  // the second byte's high nibble
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, //                        0000____ to 0011____
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, //                        0100____ to 0111____
  TOO_LONG | OVERLONG_2 | TWO_MORE | OVERLONG_3 | OTHER_4, //           1000____
  TOO_LONG | OVERLONG_2 | TWO_MORE | OVERLONG_3 | TOO_LARGE, //         1001____
  TOO_LONG | OVERLONG_2 | TWO_MORE | SURROGATE | TOO_LARGE, //          1010____
  TOO_LONG | OVERLONG_2 | TWO_MORE | SURROGATE | TOO_LARGE, //          1011____
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, //                        1100____ to 1111____

  // what a last byte may be at the most, for its character to be finished
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xdf, 0xbf,

  0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
  0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60, 0x60,
  0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
  // tail shift
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
  0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
  0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42,
], 16);

/** Validates; returns the new carry with UTF8_WIDE where a byte was above 0x7f, or UTF8_INVALID. */
export function validate(ptr: usize, length: u32, carry: u32): u32 {
  return walk(ptr, length, 0, carry, false);
}

/** Unmasks in place and validates. */
export function unmaskText(ptr: usize, length: u32, key: u32, carry: u32): u32 {
  return walk(ptr, length, key, carry, true);
}

/** Returns how many bytes stand before the first that makes the text invalid. */
export function validPrefix(ptr: usize, length: u32, carry: u32): u32 {
  for (let used: u32 = 0; used < length; used++) {
    carry = validate(ptr + used, 1, carry);
    if (carry == UTF8_INVALID) return used;
  }
  return length;
}

// @ts-ignore: decorator
@inline
function swizzle(table: v128, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, index);
  return i8x16.swizzle(table, index);
}

// @ts-ignore: decorator
@inline
function row(n: usize): v128 { return v128.load(TABLES + 16 * n); }

// @ts-ignore: decorator
@inline
function nibbles(v: v128): v128 { return v128.and(i16x8.shr_u(v, 4), row(4)); }

// @ts-ignore: decorator
@inline
function leads(v: v128): v128 {
  return v128.and(swizzle(row(0), nibbles(v)), swizzle(row(1), v128.and(v, row(4))));
}

// @ts-ignore: decorator
@inline
function wrong(before: v128, v: v128, ledBefore: v128, led: v128): v128 {
  const pairs = v128.and(
    v128.shuffle<u8>(ledBefore, led, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    swizzle(row(2), nibbles(v)));
  const third = i8x16.sub_sat_u(v128.shuffle<u8>(before, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29), row(5));
  const fourth = i8x16.sub_sat_u(v128.shuffle<u8>(before, v, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28), row(6));
  return v128.xor(v128.and(v128.or(third, fourth), row(7)), pairs);
}

// @ts-ignore: decorator
@inline
function wrongTwo(ledBefore: v128, led: v128, v: v128): v128 {
  return v128.xor(v128.shuffle<u8>(ledBefore, led, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    i8x16.lt_s(v, row(10)));
}

// @ts-ignore: decorator
@inline
function walk(ptr: usize, length: u32, key: u32, carry: u32, masked: bool): u32 {
  const count = (carry >> UTF8_COUNT_SHIFT) & 3;
  const carried: u64 = (<u64>(carry & 0xff_ffff) << 32) >> (count << 3);
  const end = ptr + length;
  let before = i64x2.replace_lane(i64x2.splat(0), 1, carried << 32);
  let last: v128;
  let wide: u32 = count ? UTF8_WIDE : 0;
  let error = i64x2.splat(0);

  if (length >= 16) {
    let final = v128.load(end - 16);
    if (masked) final = v128.xor(final, i32x4.splat(rotateKey(key, length)));
    const keys = i32x4.splat(key);
    for (; ptr + 64 <= end; ptr += 64) {
      let a = v128.load(ptr), b = v128.load(ptr, 16), c = v128.load(ptr, 32), d = v128.load(ptr, 48);
      if (masked) {
        a = v128.xor(a, keys); b = v128.xor(b, keys); c = v128.xor(c, keys); d = v128.xor(d, keys);
        v128.store(ptr, a); v128.store(ptr, b, 16); v128.store(ptr, c, 32); v128.store(ptr, d, 48);
      }
      const most = i8x16.max_u(i8x16.max_u(a, b), i8x16.max_u(c, d));
      if (!i8x16.bitmask(most)) {
        error = v128.or(error, i8x16.sub_sat_u(before, row(3)));
      } else if (!i8x16.bitmask(i8x16.sub_sat_u(i8x16.max_u(before, most), row(5)))) {
        wide = UTF8_WIDE;
        const p = i8x16.sub_sat_u(before, row(11)), q = i8x16.sub_sat_u(a, row(11)), r = i8x16.sub_sat_u(b, row(11)), s = i8x16.sub_sat_u(c, row(11)), t = i8x16.sub_sat_u(d, row(11));
        const bad = v128.or(v128.or(wrongTwo(p, q, a), wrongTwo(q, r, b)), v128.or(wrongTwo(r, s, c), wrongTwo(s, t, d)));
        const top = i8x16.max_s(i8x16.max_s(q, r), i8x16.max_s(s, t));
        error = v128.or(error, v128.or(v128.and(bad, row(7)), i8x16.gt_s(top, i8x16.splat(0x7d))));
      } else {
        wide = UTF8_WIDE;
        const p = leads(before), q = leads(a), r = leads(b), s = leads(c), t = leads(d);
        error = v128.or(error, v128.or(
          v128.or(wrong(before, a, p, q), wrong(a, b, q, r)),
          v128.or(wrong(b, c, r, s), wrong(c, d, s, t))));
      }
      before = d;
    }
    for (; ptr + 16 <= end; ptr += 16) {
      let v = v128.load(ptr);
      if (masked) { v = v128.xor(v, keys); v128.store(ptr, v); }
      if (!i8x16.bitmask(v)) error = v128.or(error, i8x16.sub_sat_u(before, row(3)));
      else { wide = UTF8_WIDE; error = v128.or(error, wrong(before, v, leads(before), leads(v))); }
      before = v;
    }
    if (masked) v128.store(end - 16, final);
    last = i8x16.swizzle(final, v128.load(TABLES + 16 * 8 + 16 - (end - ptr)));
  } else {
    if (masked) unmask(ptr, length, key);
    last = loadShort(ptr, length);
  }
  const rest = <u32>(end - ptr);
  if (rest) {
    const inside = i8x16.lt_u(v128.load(TABLES + 16 * 8), i8x16.splat(<u8>rest));
    if (i8x16.bitmask(last)) wide = UTF8_WIDE;
    error = v128.or(error, v128.and(inside, wrong(before, last, leads(before), leads(last))));
  }
  let ends: u32;
  if (length >= 4) ends = load<u32>(end - 4);
  else ends = <u32>((carried | (i64x2.extract_lane(last, 0) << 32)) >> (length << 3));
  if (v128.any_true(error)) return UTF8_INVALID;
  // carry
  const x = ends >> 24, y = (ends >> 16) & 0xff, z = (ends >> 8) & 0xff;
  if (x < 0x80) return wide;
  if (x >= 0xc0) {
    if (x < 0xc2 || x > 0xf4) return UTF8_INVALID;
    return x | (1 << UTF8_COUNT_SHIFT) | wide;
  }
  if (y >= 0xe0) return (ends >> 16) | (2 << UTF8_COUNT_SHIFT) | wide;
  if (y < 0xc0 && z >= 0xf0) return (ends >> 8) | (3 << UTF8_COUNT_SHIFT) | wide;
  return wide;
}

// @ts-ignore: decorator
@inline
function loadShort(ptr: usize, length: u32): v128 {
  let low: u64 = 0, high: u64 = 0;
  if (length >= 8) {
    low = load<u64>(ptr);
    high = load<u64>(ptr + length - 8) >> ((15 - length) << 3) >> 8;
  } else if (length >= 4) {
    low = <u64>load<u32>(ptr) | (<u64>load<u32>(ptr + length - 4) << ((length - 4) << 3));
  } else if (length) {
    const middle: u32 = length >> 1;
    low = <u64>load<u8>(ptr) | (<u64>load<u8>(ptr + middle) << (middle << 3)) | (<u64>load<u8>(ptr + length - 1) << ((length - 1) << 3));
  }
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}
