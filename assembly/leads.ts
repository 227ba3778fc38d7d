/**
 * Which leads a text has: the kinds of bytes that begin its longer characters. By this set planes.ts chooses a rule, which
 * takes ASCII and certain leads, and answers the set by which the next stretch may be judged; else it answers UNSOUND, and
 * slices.ts, which takes all that there are, judges in its place.
 *
 *   set            rule        leads it takes               sets it answers
 *   0, ANY         judgeAscii  none                         0
 *   TWO            planes      C2..DF                       0, TWO
 *   THREE          planes      E1..EC EE EF                 0, THREE
 *   THREE | BOUND  planes      E0..EF                       0, THREE, THREE | BOUND
 *   TWO | THREE    planes      C2..DF E1..EC EE EF          0, TWO, THREE, TWO | THREE
 *   THREE | FOUR   halves      E1..EC EE EF F0..F3          THREE, THREE | FOUR
 *   ALL            halves      C2..DF E1..EC EE EF F0..F3   these two, with TWO or without
 *   after UNSOUND  slices      C2..F4                       any of these
 *
 * Where all that planes.ts saw of a longer character is its end, in front of the stretch, it answers TWO.
 *
 * It is read off two vectors, the least and the greatest of all bytes. Added to FROM_C0 without carry, C0 becomes zero and
 * the leads behind it the least numbers; XORed with ED_TO_EF, ED becomes EF, and no byte another kind.
 */

// The set; ASCII is in every text.
export const TWO = 0b001; //   110_____
export const THREE = 0b010; // 1110____
export const FOUR = 0b100; //  11110___
/** Of three: E0 and ED are among them, behind which not every second byte is right. */
export const BOUND = 0b1000;
export const ALL = TWO | THREE | FOUR;
/** A set for which there is no rule. */
export const ANY = ALL | BOUND;
/** Instead of a set: the answer to what is not known to be sound. */
export const UNSOUND = -1;

// One byte in every lane. FROM_x added, without carry, x becomes zero and what follows it the least numbers.
export const FROM_C0: usize = memory.data<u32>([0x4040_4040], 4);
export const FROM_E0: usize = memory.data<u32>([0x2020_2020], 4);
export const ED: usize = memory.data<u32>([0xeded_eded], 4);
export const ED_TO_EF: usize = memory.data<u32>([0x0202_0202], 4);

/** Returns the leads of the 16 bytes in front of `ptr`, ANY where there is no rule for them. */
export function leadsBefore(ptr: usize): i32 {
  const before = v128.load(ptr - 16);
  const least = i8x16.add(before, v128.load32_splat(FROM_C0));
  const most = v128.xor(before, v128.load32_splat(ED_TO_EF));
  const leads = leadsAmong(least, most);
  if (!leads || !boundAmong(least, most)) return leads;
  return leads == THREE ? THREE | BOUND : ANY;
}

/** The leads of a text, from the least of its bytes behind FROM_C0 and the greatest. */
@inline
export function leadsAmong(least: v128, most: v128): i32 {
  if (!i8x16.bitmask(most)) return 0;
  if (!v128.any_true(reaching(most, 0xe0))) return TWO;
  const leads = v128.any_true(reaching(most, 0xf0)) ? THREE | FOUR : THREE;
  return v128.any_true(i8x16.lt_u(least, i8x16.splat(0x20))) ? TWO | leads : leads;
}

/** Whether E0 is the least lead, or ED, by ED_TO_EF, the greatest. */
@inline
export function boundAmong(least: v128, most: v128): bool {
  return v128.any_true(v128.or(i8x16.eq(least, i8x16.splat(0x20)), i8x16.eq(most, i8x16.splat(<i8>0xef))));
}

@inline
export function reaching(v: v128, byte: i32): v128 {
  return i8x16.ge_u(v, i8x16.splat(<i8>byte));
}
