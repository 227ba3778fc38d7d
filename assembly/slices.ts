/**
 * Judges UTF-8 (Unicode, table 3-7) by slices, 128 bytes at a time: eight vectors are transposed, so that one slice holds
 * bit 7 of every byte, the next bit 6, down to bit 0. What each byte is, and may be, is then said by a few operations upon
 * whole slices: exactly, and for any mixture of scripts.
 *
 *                 bit 7  bit 6  bit 5  bit 4
 *   continues       1      0
 *   leads two       1      1      0
 *   leads three     1      1      1      0
 *   leads four      1      1      1      1
 *
 * The vectors are taken from eight places, an eighth of the text apart. So a byte and the one in front of it stand in
 * neighbouring lanes wherever they are, and what is due behind leads is their slice, moved by one lane, two or three.
 */
import { ALL, ANY, BOUND, FOUR, THREE, TWO, UNSOUND } from "./leads";
import { judgeBlocks } from "./lookup";
import { BITS, differing, HALVES, PAIRS, previous1, previous2, previous3 } from "./transpose";

/** Where there is less, transposing what stands in front of each eighth costs too much. */
const LEAST: usize = 256;

/**
 * Judges the blocks of 64 bytes from `ptr` to `end`, behind the 16 in front of them, whatever their leads. Returns UNSOUND
 * or leads by which the next blocks may be judged, never 0 where a byte is not ASCII.
 */
export function judgeAny(ptr: usize, end: usize): i32 {
  const length = end - ptr;
  const eighth: usize = length < LEAST ? 0 : length >> 7 << 4;
  const rest = ptr + (eighth << 3);
  if (rest < end && v128.any_true(judgeBlocks(rest, end))) return UNSOUND;
  const leads = eighth ? judgeEighths(ptr, eighth) : 0;
  return rest < end && leads != UNSOUND ? ANY : leads;
}

/** Judges eight stretches of `length` bytes, a multiple of 16, from `ptr` on. */
function judgeEighths(ptr: usize, length: usize): i32 {
  const end = ptr + length;
  let wrong = i32x4.splat(0), judged = i32x4.splat(0);
  let twos = i32x4.splat(0), threes = i32x4.splat(0), fours = i32x4.splat(0), bounds = i32x4.splat(0);
  let long2 = i32x4.splat(0), long3 = i32x4.splat(0), long4 = i32x4.splat(0);
  let low = i32x4.splat(0), high = i32x4.splat(0);

  // From the vectors in front of each stretch, which say what is due. Of them only what is no lead is wrong here.
  for (ptr -= 16; ptr < end; ptr += 16) {
    let at = ptr;
    let a = v128.load(at), b = v128.load(at += length), c = v128.load(at += length), d = v128.load(at += length);
    let e = v128.load(at += length), f = v128.load(at += length), g = v128.load(at += length), h = v128.load(at += length);

    // The high half of one vector against the low half of another, then pairs of bits, then bits.
    let t = differing(a, b, 4, HALVES);
    b = v128.xor(b, t), a = v128.xor(a, i16x8.shl(t, 4));
    t = differing(c, d, 4, HALVES);
    d = v128.xor(d, t), c = v128.xor(c, i16x8.shl(t, 4));
    t = differing(e, f, 4, HALVES);
    f = v128.xor(f, t), e = v128.xor(e, i16x8.shl(t, 4));
    t = differing(g, h, 4, HALVES);
    h = v128.xor(h, t), g = v128.xor(g, i16x8.shl(t, 4));

    t = differing(b, d, 2, PAIRS);
    d = v128.xor(d, t), b = v128.xor(b, i16x8.shl(t, 2));
    t = differing(f, h, 2, PAIRS);
    h = v128.xor(h, t), f = v128.xor(f, i16x8.shl(t, 2));
    t = differing(a, c, 2, PAIRS);
    c = v128.xor(c, t), a = v128.xor(a, i16x8.shl(t, 2));
    t = differing(e, g, 2, PAIRS);
    g = v128.xor(g, t), e = v128.xor(e, i16x8.shl(t, 2));

    t = differing(d, h, 1, BITS);
    const bit7 = v128.xor(h, t), bit6 = v128.xor(d, i16x8.shl(t, 1));
    t = differing(b, f, 1, BITS);
    const bit5 = v128.xor(f, t), bit4 = v128.xor(b, i16x8.shl(t, 1));
    t = differing(c, g, 1, BITS);
    const bit3 = v128.xor(g, t), bit2 = v128.xor(c, i16x8.shl(t, 1));
    t = differing(a, e, 1, BITS);
    const bit1 = v128.xor(e, t), bit0 = v128.xor(a, i16x8.shl(t, 1));

    const continued = v128.andnot(bit7, bit6);
    const from2 = v128.and(bit7, bit6), from3 = v128.and(from2, bit5), from4 = v128.and(from3, bit4);
    const two = v128.andnot(from2, bit5), three = v128.andnot(from3, bit4);
    const bits123 = v128.or(bit3, v128.or(bit2, bit1));

    // No lead at all: C0 and C1, F5 and up.
    const none2 = v128.andnot(two, v128.or(bit4, bits123));
    const none4 = v128.and(from4, v128.or(bit3, v128.and(bit2, v128.or(bit1, bit0))));
    // Behind E0 and F0 the upper second bytes are right, behind ED and F4 the lower. Those are A0 and up, or with four 90.
    const upwards = v128.andnot(from3, v128.or(bits123, bit0));
    const surrogate = v128.and(three, v128.and(v128.and(bit3, bit2), v128.andnot(bit0, bit1)));
    const downwards = v128.or(surrogate, v128.and(from4, bit2));
    const upper = v128.or(bit5, v128.and(bit4, previous1(long4, from4)));
    const misfit = v128.or(
      v128.and(previous1(low, downwards), upper),
      v128.andnot(previous1(high, upwards), upper));
    const due = v128.or(previous1(long2, from2), v128.or(previous2(long3, from3), previous3(long4, from4)));

    const here = v128.and(v128.or(misfit, v128.xor(due, continued)), judged);
    wrong = v128.or(v128.or(wrong, here), v128.or(none2, none4));
    judged = i32x4.splat(-1);
    long2 = from2, long3 = from3, long4 = from4, low = downwards, high = upwards;

    twos = v128.or(twos, two), threes = v128.or(threes, three), fours = v128.or(fours, from4);
    bounds = v128.or(bounds, v128.and(three, v128.or(upwards, downwards)));
  }

  if (v128.any_true(wrong)) return UNSOUND;
  const two = v128.any_true(twos), bound = v128.any_true(bounds);
  if (v128.any_true(fours)) return bound ? ANY : two ? ALL : THREE | FOUR;
  if (!v128.any_true(threes)) return two ? TWO : 0;
  return bound ? (two ? ANY : THREE | BOUND) : two ? TWO | THREE : THREE;
}
