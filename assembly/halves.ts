/**
 * Judges UTF-8 by the high half of every byte, 128 bytes at a time. Of eight vectors the high halves are transposed, so that
 * one slice holds bit 7 of each byte, the next bit 6, then 5 and 4, and says what begins a character and how much is due.
 * The first vector is bit 0 of each lane, the eighth bit 7: in front of a vector's first lane stands the last lane of the
 * vector before, one bit below.
 *
 * What the low halves forbid or bind is looked for by itself (bounds.ts); the answer to it is "unsound", and slices.ts has the
 * last word.
 */
import { leastOfLong, mostOfAll, ofAll, ofLong } from "./bounds";
import { FOUR, reaching, THREE, TWO, UNSOUND } from "./leads";
import { judgeBlocks } from "./lookup";
import { BITS, differing, HALVES, PAIRS, previous1, previous2, previous3 } from "./transpose";

/**
 * As planes.ts does: the blocks of 64 bytes from `ptr` to `end`, of one, three and four bytes a character; with `two`, of two
 * as well.
 */
@inline
export function judgeHalves(ptr: usize, end: usize, masked: bool, key: u32, shift: usize, two: bool): i32 {
  const keys = i32x4.splat(key);
  const before = v128.load(ptr - 16);
  let bound = two ? ofAll(before) : ofLong(before);
  // Of what is in front only bit 7 counts, the vector before the first.
  let last2 = reaching(before, 0xc0), last3 = reaching(before, 0xe0), last4 = reaching(before, 0xf0);
  let wrong = i32x4.splat(0), twos = i32x4.splat(0), fours = i32x4.splat(0);

  for (; ptr + 128 <= end; ptr += 128) {
    const at = ptr + shift;
    // All are loaded before one is stored: what is masked may lie further on.
    let a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
    let e = v128.load(at, 64), f = v128.load(at, 80), g = v128.load(at, 96), h = v128.load(at, 112);
    if (masked) {
      v128.store(ptr, a = v128.xor(a, keys));
      v128.store(ptr, b = v128.xor(b, keys), 16);
      v128.store(ptr, c = v128.xor(c, keys), 32);
      v128.store(ptr, d = v128.xor(d, keys), 48);
      v128.store(ptr, e = v128.xor(e, keys), 64);
      v128.store(ptr, f = v128.xor(f, keys), 80);
      v128.store(ptr, g = v128.xor(g, keys), 96);
      v128.store(ptr, h = v128.xor(h, keys), 112);
    }

    // The high halves of two vectors in one, then pairs of bits, then bits.
    e = v128.xor(e, differing(a, e, 4, HALVES));
    f = v128.xor(f, differing(b, f, 4, HALVES));
    g = v128.xor(g, differing(c, g, 4, HALVES));
    h = v128.xor(h, differing(d, h, 4, HALVES));
    let t = differing(e, g, 2, PAIRS);
    g = v128.xor(g, t), e = v128.xor(e, i16x8.shl(t, 2));
    t = differing(f, h, 2, PAIRS);
    h = v128.xor(h, t), f = v128.xor(f, i16x8.shl(t, 2));
    t = differing(g, h, 1, BITS);
    const bit7 = v128.xor(h, t), bit6 = v128.xor(g, i16x8.shl(t, 1));
    t = differing(e, f, 1, BITS);
    const bit5 = v128.xor(f, t), bit4 = v128.xor(e, i16x8.shl(t, 1));

    // Loaded again, which costs nothing here: the eight vectors above are all that there is room for.
    if (two) bound = i8x16.max_u(bound, i8x16.max_u(mostOfAll(ptr), mostOfAll(ptr + 64)));
    else bound = i8x16.min_s(bound, i8x16.min_s(leastOfLong(ptr), leastOfLong(ptr + 64)));

    // Where nothing is to begin two bytes, two more are due behind every lead.
    const continued = v128.andnot(bit7, bit6);
    const from2 = v128.and(bit7, bit6), from3 = two ? v128.and(from2, bit5) : from2, from4 = v128.and(from3, bit4);
    const front2 = inFront(last2, from2), front3 = two ? inFront(last3, from3) : front2, front4 = inFront(last4, from4);
    last2 = from2, last3 = from3, last4 = from4;
    const due = v128.or(previous1(front2, from2), v128.or(previous2(front3, from3), previous3(front4, from4)));
    // Behind F0 the second byte is 90 or more. So it is not behind F1 to F3, but what they begin is hardly ever met.
    const low = v128.andnot(previous1(front4, from4), bit4);
    const without5 = v128.andnot(two ? low : v128.or(low, from2), bit5);
    wrong = v128.or(v128.or(wrong, v128.xor(due, continued)), without5);
    if (two) twos = v128.or(twos, v128.andnot(from2, bit5));
    fours = v128.or(fours, from4);
  }

  if (ptr < end) {
    if (masked) for (let at = ptr; at < end; at += 16) v128.store(at, v128.xor(v128.load(at + shift), keys));
    wrong = v128.or(wrong, judgeBlocks(ptr, end));
  }

  const bad = two ? reaching(bound, 0xf4) : i8x16.lt_s(bound, i8x16.splat(<i8>0xe1));
  if (v128.any_true(v128.or(wrong, bad))) return UNSOUND;
  const leads = v128.any_true(fours) ? THREE | FOUR : THREE;
  return two && v128.any_true(twos) ? TWO | leads : leads;
}

/** Each lane's bits as they stand in front of the first lane's. */
@inline
function inFront(last: v128, slice: v128): v128 {
  return i8x16.sub(i8x16.add(slice, slice), i8x16.lt_s(last, i32x4.splat(0)));
}
