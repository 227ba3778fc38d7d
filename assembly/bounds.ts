/**
 * Looks for leads behind which not every second byte is right: E0, ED, F4 (F0 is halves.ts's own); and for what is no lead:
 * C0, C1, F5 and up.
 *
 * Each byte is turned into a number, so that these come to stand on one side of a bound, and on the other the leads without
 * such bounds and whatever is no lead. Then the least number, or the greatest, tells of as many bytes as one likes. The turns
 * are the best that a search through all of three operations found; test/assembly/bounds.test.ts holds all 256 bytes against
 * this table.
 *
 *   byte      00..7F 80..BF  C0 C1 C2..DF  E0 E1..EC  ED EE EF  F0..F3  F4..FF
 *   ofLong    00..7F 00..7F  any           E0 E1..EB  E0 E3 E2  E4..E7  D0..DF
 *   ofAll     00..7F 80..BF  FE FF C2..DF  FE E1..EC  FF EE EF  F0..F3  F4..FF
 */
import { ED } from "./leads";

const TO_0C: usize = memory.data<u32>([0x2c2c_2c2c], 4);
const TURN: usize = memory.data<u32>([0xf9f9_f9f9], 4);
const TO_FF: usize = memory.data<u32>([0x1f1f_1f1f], 4);
const A1: usize = memory.data<u32>([0xa1a1_a1a1], 4);

/** Below E1, as a signed number, for E0, ED, F4 and up. What begins two bytes is not looked for. */
@inline
export function ofLong(v: v128): v128 {
  return i8x16.min_u(v, v128.xor(i8x16.add(v, v128.load32_splat(TO_0C)), v128.load32_splat(TURN)));
}

/** F4 or more for C0, C1, E0, ED, F4 and up. */
@inline
export function ofAll(v: v128): v128 {
  const above = i8x16.sub_sat_u(i8x16.add(v, v128.load32_splat(TO_FF)), v128.load32_splat(A1));
  return v128.or(v128.or(v, above), i8x16.eq(v, v128.load32_splat(ED)));
}

/** The least of the 64 bytes at `ptr`. */
@inline
export function leastOfLong(ptr: usize): v128 {
  const ab = i8x16.min_s(ofLong(v128.load(ptr)), ofLong(v128.load(ptr, 16)));
  const cd = i8x16.min_s(ofLong(v128.load(ptr, 32)), ofLong(v128.load(ptr, 48)));
  return i8x16.min_s(ab, cd);
}

/** The greatest of the 64 bytes at `ptr`. */
@inline
export function mostOfAll(ptr: usize): v128 {
  const ab = i8x16.max_u(ofAll(v128.load(ptr)), ofAll(v128.load(ptr, 16)));
  const cd = i8x16.max_u(ofAll(v128.load(ptr, 32)), ofAll(v128.load(ptr, 48)));
  return i8x16.max_u(ab, cd);
}
