/**
 * Judges UTF-8 by the high half of every byte, 128 bytes at a time. Of eight vectors the high halves are transposed, so that
 * one slice holds bit 7 of each byte, the next bit 6, then 5 and 4, and says what begins a character and how much is due.
 * The first vector is bit 0 of each lane, the eighth bit 7: in front of a vector's first lane stands the last lane of the
 * vector before, one bit below.
 *
 * What the low halves forbid (C0, C1, F5 and up) or bind (E0, ED, F4) is looked for by the least and the greatest byte, and
 * by ED; the answer to these is "unsound", and slices.ts has the last word.
 */
import { ED, FROM_C0, FROM_E0, leadsAmong, reaching, UNSOUND } from "./leads";
import { judgeBlocks } from "./lookup";
import { behind1, behind2, behind3, BITS, differing, HALVES, PAIRS } from "./transpose";


/**
 * As planes.ts does: the blocks of 64 bytes from `ptr` to `end`, of one, three and four bytes a character; with `two`, of two
 * as well.
 */
@inline
export function judgeHalves(ptr: usize, end: usize, masked: bool, key: u32, shift: usize, two: bool): i32 {
  const keys = i32x4.splat(key);
  const fromC0 = v128.load32_splat(FROM_C0), fromE0 = v128.load32_splat(FROM_E0), ed = v128.load32_splat(ED);
  const before = v128.load(ptr - 16);
  let least = i8x16.add(before, fromC0);
  let leastThree = i8x16.add(before, fromE0);
  let most = before;
  // Of what is in front only bit 7 counts, the vector before the first.
  let last2 = reaching(before, 0xc0), last3 = reaching(before, 0xe0), last4 = reaching(before, 0xf0);
  let wrong = i8x16.eq(before, ed);

  for (; ptr + 128 <= end; ptr += 128) {
    const at = ptr + shift;
    // All are loaded before one is stored: what is masked may lie further on. Each pair by itself is a twentieth quicker.
    let a = v128.load(at), b = v128.load(at, 64);
    let e = v128.load(at, 16), f = v128.load(at, 80);
    let c = v128.load(at, 32), d = v128.load(at, 96);
    let g = v128.load(at, 48), h = v128.load(at, 112);
    if (masked) {
      v128.store(ptr, a = v128.xor(a, keys));
      v128.store(ptr, b = v128.xor(b, keys), 64);
    }
    least = least2(least, a, b, fromC0);
    if (two) leastThree = least2(leastThree, a, b, fromE0);
    most = i8x16.max_u(most, i8x16.max_u(a, b));
    wrong = v128.or(wrong, v128.or(i8x16.eq(a, ed), i8x16.eq(b, ed)));
    b = v128.xor(b, differing(a, b, 4, HALVES));

    if (masked) {
      v128.store(ptr, c = v128.xor(c, keys), 32);
      v128.store(ptr, d = v128.xor(d, keys), 96);
    }
    least = least2(least, c, d, fromC0);
    if (two) leastThree = least2(leastThree, c, d, fromE0);
    most = i8x16.max_u(most, i8x16.max_u(c, d));
    wrong = v128.or(wrong, v128.or(i8x16.eq(c, ed), i8x16.eq(d, ed)));
    d = v128.xor(d, differing(c, d, 4, HALVES));
    let t = differing(b, d, 2, PAIRS);
    d = v128.xor(d, t), b = v128.xor(b, i16x8.shl(t, 2));

    if (masked) {
      v128.store(ptr, e = v128.xor(e, keys), 16);
      v128.store(ptr, f = v128.xor(f, keys), 80);
    }
    least = least2(least, e, f, fromC0);
    if (two) leastThree = least2(leastThree, e, f, fromE0);
    most = i8x16.max_u(most, i8x16.max_u(e, f));
    wrong = v128.or(wrong, v128.or(i8x16.eq(e, ed), i8x16.eq(f, ed)));
    f = v128.xor(f, differing(e, f, 4, HALVES));

    if (masked) {
      v128.store(ptr, g = v128.xor(g, keys), 48);
      v128.store(ptr, h = v128.xor(h, keys), 112);
    }
    least = least2(least, g, h, fromC0);
    if (two) leastThree = least2(leastThree, g, h, fromE0);
    most = i8x16.max_u(most, i8x16.max_u(g, h));
    wrong = v128.or(wrong, v128.or(i8x16.eq(g, ed), i8x16.eq(h, ed)));
    h = v128.xor(h, differing(g, h, 4, HALVES));
    t = differing(f, h, 2, PAIRS);
    h = v128.xor(h, t), f = v128.xor(f, i16x8.shl(t, 2));

    t = differing(d, h, 1, BITS);
    const bit7 = v128.xor(h, t), bit6 = v128.xor(d, i16x8.shl(t, 1));
    t = differing(b, f, 1, BITS);
    const bit5 = v128.xor(f, t), bit4 = v128.xor(b, i16x8.shl(t, 1));

    const continued = v128.andnot(bit7, bit6);
    const from2 = v128.and(bit7, bit6), from3 = v128.and(from2, bit5), from4 = v128.and(from3, bit4);
    const front2 = inFront(last2, from2), front3 = inFront(last3, from3), front4 = inFront(last4, from4);
    last2 = from2, last3 = from3, last4 = from4;
    const due = v128.or(behind1(front2, from2), v128.or(behind2(front3, from3), behind3(front4, from4)));
    // Behind F0 the second byte is 90 or more. So it is not behind F1 to F3, but what they begin is hardly ever met.
    const low = v128.andnot(behind1(front4, from4), v128.or(bit5, bit4));
    wrong = v128.or(v128.or(wrong, v128.xor(due, continued)), low);
  }

  if (ptr < end) {
    for (let at = ptr; at < end; at += 16) {
      let v = v128.load(at + shift);
      if (masked) v128.store(at, v = v128.xor(v, keys));
      least = i8x16.min_u(least, i8x16.add(v, fromC0));
      if (two) leastThree = i8x16.min_u(leastThree, i8x16.add(v, fromE0));
      most = i8x16.max_u(most, v);
    }
    wrong = v128.or(wrong, judgeBlocks(ptr, end));
  }

  // Below C2 where two bytes are expected, else all of these, and E0.
  let bad = v128.or(i8x16.lt_u(least, i8x16.splat(two ? 0x02 : 0x21)), reaching(most, 0xf4));
  if (two) bad = v128.or(bad, i8x16.eq(leastThree, i32x4.splat(0)));
  if (v128.any_true(v128.or(wrong, bad))) return UNSOUND;
  return leadsAmong(least, most);
}

/** The least of these, behind what `from` is added to. */
@inline
function least2(least: v128, a: v128, b: v128, from: v128): v128 {
  return i8x16.min_u(least, i8x16.min_u(i8x16.add(a, from), i8x16.add(b, from)));
}

/** Each lane's bits as they stand in front of the first lane's. */
@inline
function inFront(last: v128, slice: v128): v128 {
  return i8x16.sub(i8x16.add(slice, slice), i8x16.lt_s(last, i32x4.splat(0)));
}
