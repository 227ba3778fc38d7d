/**
 * Bits transposed: of eight vectors, halves of bytes are exchanged, then pairs of bits, then bits, till one slice holds the
 * same bit of every byte. What stands in front of a byte then stands one lane in front of it.
 */

export const HALVES: usize = memory.data<u32>([0x0f0f_0f0f], 4);
export const PAIRS: usize = memory.data<u32>([0x3333_3333], 4);
export const BITS: usize = memory.data<u32>([0x5555_5555], 4);

/** The bits of `mask` in which `b` differs from what is `bits` above them in `a`: with these both can be exchanged. */
@inline
export function differing(a: v128, b: v128, bits: i32, mask: usize): v128 {
  return v128.and(v128.xor(i16x8.shr_u(a, bits), b), v128.load32_splat(mask));
}

/** What stands one lane in front. */
@inline
export function previous1(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

@inline
export function previous2(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
}

@inline
export function previous3(before: v128, v: v128): v128 {
  return v128.shuffle<u8>(before, v, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
}
