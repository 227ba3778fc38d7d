/**
 * Judges UTF-8 (Unicode, table 3-7) by bit planes, 64 bytes at a time: one word says which bytes begin a character,
 * another which continue one. What is due behind the leads is the first, shifted; text is sound where what is due is there.
 *
 *                     a   人            é       😀
 *   bytes            61   e4 ba ba    c3 a9   f0 9f 98 80
 *   leads             0    1  0  0     1  0    1  0  0  0
 *   due behind them   0    0  1  1     0  1    0  1  1  1
 *   continuations     0    0  1  1     0  1    0  1  1  1
 *
 * A plane costs a cycle a vector, so there is a rule for each set of leads, with no more planes than that set needs. Bytes
 * that are forbidden or bind the one behind them (C0, C1, E0, ED, F4 and up) are only looked for, by the least and the
 * greatest byte: they are rare. Where a rule meets one, or a lead it does not expect, it answers "unsound", and lookup.ts
 * has the last word.
 */

// The leads of a text, as a set; every rule takes ASCII besides.
const TWO = 0b001; //   110_____
const THREE = 0b010; // 1110____
const FOUR = 0b100; //  11110___
/** A set for which there is no rule. */
export const ALL = TWO | THREE | FOUR;
/** The answer to what is not known to be sound. */
export const UNSOUND = -1;

// One byte in every lane. FROM_x added, without carry, x becomes zero and what follows it the least numbers.
const FROM_C0: usize = memory.data<u32>([0x4040_4040], 4);
const FROM_E0: usize = memory.data<u32>([0x2020_2020], 4);
const ED: usize = memory.data<u32>([0xeded_eded], 4);
/** Turned over, ED becomes EF and no byte changes its kind. */
const TURN: usize = memory.data<u32>([0x0202_0202], 4);

/**
 * Judges the blocks of 64 bytes from `ptr` to `end`, behind the 16 in front of them, by the rule for `leads`. Returns
 * UNSOUND or the leads that it saw, by which the next blocks may be judged.
 */
export function judge(leads: i32, ptr: usize, end: usize): i32 {
  return judgeBy(leads, ptr, end, false, 0);
}

/** The same, of what is unmasked in place on the way. */
export function unmaskJudge(leads: i32, ptr: usize, end: usize, key: u32): i32 {
  return judgeBy(leads, ptr, end, true, key);
}

/** Returns the leads of the bytes from `ptr` to `end` and the 16 in front of them, ALL where there is no rule for them. */
export function leadsOf(ptr: usize, end: usize): i32 {
  const fromC0 = v128.load32_splat(FROM_C0), turn = v128.load32_splat(TURN);
  const before = v128.load(ptr - 16);
  let least = i8x16.add(before, fromC0);
  let most = v128.xor(before, turn);
  for (; ptr < end; ptr += 16) {
    const v = v128.load(ptr);
    least = i8x16.min_u(least, i8x16.add(v, fromC0));
    most = i8x16.max_u(most, v128.xor(v, turn));
  }
  const leads = leadsAmong(least, most);
  const particular = v128.or(i8x16.eq(least, i8x16.splat(0x20)), i8x16.eq(most, i8x16.splat(<i8>0xef)));
  return leads && v128.any_true(particular) ? ALL : leads;
}

@inline
function judgeBy(leads: i32, ptr: usize, end: usize, masked: bool, key: u32): i32 {
  if (leads == TWO) return judgePlanes(ptr, end, masked, key, true, false, false);
  if (leads == THREE) return judgePlanes(ptr, end, masked, key, false, true, false);
  if (leads == (TWO | THREE)) return judgePlanes(ptr, end, masked, key, true, true, false);
  if (leads == (THREE | FOUR)) return judgePlanes(ptr, end, masked, key, false, true, true);
  return judgeAscii(ptr, end, masked, key);
}

@inline
function judgeAscii(ptr: usize, end: usize, masked: bool, key: u32): i32 {
  const keys = i32x4.splat(key);
  let all = v128.load(ptr - 16);
  for (; ptr < end; ptr += 64) {
    let a = v128.load(ptr), b = v128.load(ptr, 16), c = v128.load(ptr, 32), d = v128.load(ptr, 48);
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
  ptr: usize, end: usize, masked: bool, key: u32, two: bool, three: bool, four: bool,
): i32 {
  const keys = i32x4.splat(key);
  const fromC0 = v128.load32_splat(FROM_C0), fromE0 = v128.load32_splat(FROM_E0);
  const turn = v128.load32_splat(TURN), ed = v128.load32_splat(ED);
  const before = v128.load(ptr - 16);
  let least = i8x16.add(before, fromC0);
  let leastThree = i8x16.add(before, fromE0);
  let most = three && !four ? v128.xor(before, turn) : before;
  let odd = i8x16.eq(before, ed);
  let due = dueAt(ptr);
  let wrong: u64 = 0;

  for (; ptr < end; ptr += 64) {
    let a = v128.load(ptr), b = v128.load(ptr, 16), c = v128.load(ptr, 32), d = v128.load(ptr, 48);
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
    }
    if (four) {
      // Bit 4 tells F0 from E0, and in a second byte that it is 9_ or B_, which behind F0 is right.
      const bit4 = plane(i16x8.shl(a, 3), i16x8.shl(b, 3), i16x8.shl(c, 3), i16x8.shl(d, 3));
      const fours = leads & bit4;
      wrong |= (fours << 1) + (due >> 2) & ~bit4;
      here += fours << 3;
      next += fours >> 61;
      most = max4(most, a, b, c, d);
      const ab = v128.or(i8x16.eq(a, ed), i8x16.eq(b, ed)), cd = v128.or(i8x16.eq(c, ed), i8x16.eq(d, ed));
      odd = v128.or(odd, v128.or(ab, cd));
    } else if (three) {
      most = max4(most, v128.xor(a, turn), v128.xor(b, turn), v128.xor(c, turn), v128.xor(d, turn));
    } else {
      most = max4(most, a, b, c, d);
    }
    wrong |= continued ^ here;
    due = next;
  }

  // Below C2 where two bytes are expected, up to E0 where they are not; E0; ED, or what no lead here may reach.
  let bad = i8x16.lt_u(least, i8x16.splat(two ? 0x02 : 0x21));
  if (two && three) bad = v128.or(bad, i8x16.eq(leastThree, i32x4.splat(0)));
  if (four) bad = v128.or(bad, odd);
  bad = v128.or(bad, reaching(most, four ? 0xf4 : three ? 0xef : 0xe0));
  return wrong || v128.any_true(bad) ? UNSOUND : leadsAmong(least, most);
}

/** The leads of a text, from the least of its bytes behind FROM_C0 and the greatest. */
@inline
function leadsAmong(least: v128, most: v128): i32 {
  if (!i8x16.bitmask(most)) return 0;
  if (!v128.any_true(reaching(most, 0xe0))) return TWO;
  const leads = v128.any_true(reaching(most, 0xf0)) ? THREE | FOUR : THREE;
  return v128.any_true(i8x16.lt_u(least, i8x16.splat(0x20))) ? TWO | leads : leads;
}

/** What the bytes in front of `ptr` leave due from there on. */
@inline
function dueAt(ptr: usize): u64 {
  const first: u32 = load<u8>(ptr - 1), second: u32 = load<u8>(ptr - 2), third: u32 = load<u8>(ptr - 3);
  return <u64>((first >= 0xf0 ? 0b111 : first >= 0xe0 ? 0b011 : u32(first >= 0xc0))
    | (second >= 0xf0 ? 0b011 : u32(second >= 0xe0)) | u32(third >= 0xf0));
}

/** Bit 7 of each byte. */
@inline
function plane(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | <u32>i8x16.bitmask(b) << 16;
  const high = <u32>i8x16.bitmask(c) | <u32>i8x16.bitmask(d) << 16;
  return <u64>low | <u64>high << 32;
}

@inline
function reaching(v: v128, byte: i32): v128 {
  return i8x16.ge_u(v, i8x16.splat(<i8>byte));
}

@inline
function min4(least: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.min_u(least, i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)));
}

@inline
function max4(most: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.max_u(most, i8x16.max_u(i8x16.max_u(a, b), i8x16.max_u(c, d)));
}
