/**
 * Judges UTF-8 (Unicode, table 3-7) by bit planes, 64 bytes at a time: one word says which bytes begin a character,
 * another which continue one. What is due behind the leads is the first, shifted; text is sound where what is due is there.
 *
 *                     a   人            é       す
 *   bytes            61   e4 ba ba    c3 a9   e3 81 99
 *   leads             0    1  0  0     1  0    1  0  0
 *   due behind them   0    0  1  1     0  1    0  1  1
 *   continuations     0    0  1  1     0  1    0  1  1
 *
 * A plane costs a cycle a vector, so there is a rule for each set of leads, with no more planes than that set needs; where
 * there are four bytes to a character, halves.ts is the quicker. What is forbidden (C0, C1) or binds the byte behind it (E0,
 * ED) and F0 and up are looked for by the least and the greatest byte; but in scripts that are full of them, E0 and ED are
 * followed up. Where a rule meets what it does not expect, it answers "unsound", and slices.ts has the last word.
 */
import { judgeHalves } from "./halves";
import {
  ALL, BOUND, boundAmong, ED, FOUR, FROM_C0, FROM_E0, leadsAmong, reaching, THREE, ED_TO_EF, TWO, UNSOUND,
} from "./leads";
import { AHEAD } from "./mask";
import { previous1 } from "./transpose";

// E0 in every lane.
const E0: usize = memory.data<u32>([0xe0e0_e0e0], 4);

/**
 * Judges the blocks of 64 bytes from `ptr` to `end`, behind the 16 in front of them, by the rule for `leads`. Returns
 * UNSOUND or the leads that it saw, by which the next blocks may be judged. `ahead` says that it pays to ask for what
 * lies AHEAD, and that there is as much.
 */
export function judge(leads: i32, ptr: usize, end: usize, ahead: bool): i32 {
  return judgeBy(leads, ptr, end, false, 0, 0, ahead);
}

/** The same, of what is unmasked on the way, from `shift` bytes further on. */
export function unmaskJudge(leads: i32, ptr: usize, end: usize, key: u32, shift: usize, ahead: bool): i32 {
  return judgeBy(leads, ptr, end, true, key, shift, ahead);
}

@inline
function judgeBy(leads: i32, ptr: usize, end: usize, masked: bool, key: u32, shift: usize, ahead: bool): i32 {
  if (leads == TWO) return judgePlanes(ptr, end, masked, key, shift, true, false, false);
  if (leads == THREE) return judgePlanes(ptr, end, masked, key, shift, false, true, false);
  if (leads == (THREE | BOUND)) return judgePlanes(ptr, end, masked, key, shift, false, true, true);
  if (leads == (TWO | THREE)) return judgePlanes(ptr, end, masked, key, shift, true, true, false);
  if (leads == (THREE | FOUR)) return judgeHalves(ptr, end, masked, key, shift, false);
  if (leads == ALL) return judgeHalves(ptr, end, masked, key, shift, true);
  // No leads, or ANY, for which there is no rule: it is only unmasked here and judged by slices.ts, unless it is ASCII now.
  // To ask for a line pays here alone: the others have enough to do while it comes.
  if (ahead) return judgeAscii(ptr, end, masked, key, shift, true);
  return judgeAscii(ptr, end, masked, key, shift, false);
}

@inline
function judgeAscii(ptr: usize, end: usize, masked: bool, key: u32, shift: usize, ahead: bool): i32 {
  const keys = i32x4.splat(key);
  let all = v128.load(ptr - 16);
  for (; ptr < end; ptr += 64) {
    const at = ptr + shift;
    if (ahead) load<u8>(at, AHEAD);
    let a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
    if (masked) {
      v128.store(ptr, a = v128.xor(a, keys));
      v128.store(ptr, b = v128.xor(b, keys), 16);
      v128.store(ptr, c = v128.xor(c, keys), 32);
      v128.store(ptr, d = v128.xor(d, keys), 48);
    }
    all = v128.or(all, v128.or(v128.or(a, b), v128.or(c, d)));
  }
  return i8x16.bitmask(all) ? UNSOUND : 0;
}

@inline
function judgePlanes(
  ptr: usize, end: usize, masked: bool, key: u32, shift: usize, two: bool, three: bool, bound: bool,
): i32 {
  const keys = i32x4.splat(key);
  const fromC0 = v128.load32_splat(FROM_C0), fromE0 = v128.load32_splat(FROM_E0);
  const edToEf = v128.load32_splat(ED_TO_EF), e0 = v128.load32_splat(E0), ed = v128.load32_splat(ED);
  let before = v128.load(ptr - 16);
  let least = i8x16.add(before, fromC0);
  let leastThree = i8x16.add(before, fromE0);
  let most = three ? v128.xor(before, edToEf) : before;
  let odd = i32x4.splat(0);
  let due = dueAt(ptr);
  let wrong: u64 = 0;

  for (; ptr < end; ptr += 64) {
    const at = ptr + shift;
    let a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
    if (masked) {
      v128.store(ptr, a = v128.xor(a, keys));
      v128.store(ptr, b = v128.xor(b, keys), 16);
      v128.store(ptr, c = v128.xor(c, keys), 32);
      v128.store(ptr, d = v128.xor(d, keys), 48);
    }
    // Above 0x7f, what is below C0 stays there: it continues. What is not has lost its carry.
    const a2 = i8x16.add(a, fromC0), b2 = i8x16.add(b, fromC0), c2 = i8x16.add(c, fromC0), d2 = i8x16.add(d, fromC0);
    least = min4(least, a2, b2, c2, d2);
    const wide = plane(a, b, c, d);
    const continued = wide & plane(a2, b2, c2, d2);
    const leads = wide ^ continued;

    // Sums, not unions: bits first meet in one place where a lead stands that is itself due, which is wrong already.
    let here = due + (leads << 1);
    let next = leads >> 63;
    if (three) {
      let threes = leads;
      if (two) {
        const a3 = i8x16.add(a, fromE0), b3 = i8x16.add(b, fromE0), c3 = i8x16.add(c, fromE0), d3 = i8x16.add(d, fromE0);
        leastThree = min4(leastThree, a3, b3, c3, d3);
        threes &= ~plane(a3, b3, c3, d3);
      }
      here += threes << 2;
      next += threes >> 62;
      most = max4(most, v128.xor(a, edToEf), v128.xor(b, edToEf), v128.xor(c, edToEf), v128.xor(d, edToEf));
    } else {
      most = max4(most, a, b, c, d);
    }
    if (bound) {
      const ab = v128.or(misfits(before, a, e0, ed), misfits(a, b, e0, ed));
      const cd = v128.or(misfits(b, c, e0, ed), misfits(c, d, e0, ed));
      odd = v128.or(odd, v128.or(ab, cd));
      before = d;
    }
    wrong |= continued ^ here;
    due = next;
  }

  // Below C2 where two bytes are expected, else all of these, and E0; ED, or what no lead here may reach.
  let bad = i8x16.lt_u(least, i8x16.splat(two ? 0x02 : bound ? 0x20 : 0x21));
  if (two && three) bad = v128.or(bad, i8x16.eq(leastThree, i32x4.splat(0)));
  if (bound) bad = v128.or(bad, v128.and(odd, fromE0));
  bad = v128.or(bad, reaching(most, bound ? 0xf0 : three ? 0xef : 0xe0));
  if (wrong || v128.any_true(bad)) return UNSOUND;
  const leads = leadsAmong(least, most);
  return bound && leads == THREE && boundAmong(least, most) ? THREE | BOUND : leads;
}

/** Bit 5 says of a byte of `v` that it is below A0 behind E0, or not below it behind ED. */
@inline
function misfits(before: v128, v: v128, e0: v128, ed: v128): v128 {
  const v1 = previous1(before, v);
  const behindE0 = i8x16.eq(v1, e0);
  return v128.and(v128.xor(v, behindE0), v128.or(behindE0, i8x16.eq(v1, ed)));
}

/** What the bytes in front of `ptr` leave due from there on. */
@inline
function dueAt(ptr: usize): u64 {
  const first: u32 = load<u8>(ptr - 1), second: u32 = load<u8>(ptr - 2);
  return <u64>((first >= 0xe0 ? 0b11 : u32(first >= 0xc0)) | u32(second >= 0xe0));
}

/** Bit 7 of each byte. */
@inline
function plane(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | <u32>i8x16.bitmask(b) << 16;
  const high = <u32>i8x16.bitmask(c) | <u32>i8x16.bitmask(d) << 16;
  return <u64>low | <u64>high << 32;
}

@inline
function min4(least: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.min_u(least, i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)));
}

@inline
function max4(most: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.max_u(most, i8x16.max_u(i8x16.max_u(a, b), i8x16.max_u(c, d)));
}
