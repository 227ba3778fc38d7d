/**
 * Validates text as a stream (RFC 6455 §8.1): a character may be cut between two stretches anywhere. What a stretch leaves
 * unfinished is carried, and the next is judged as if those bytes stood in front of it.
 *
 * Planes judge what comes in blocks, or halves, slices what these have no rule for, the lookup what is less. All of them only
 * detect: where a text broke is found by going over it again, in ever smaller steps.
 */
import { UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE } from "./abi";
import { leadsBefore, UNSOUND } from "./leads";
import { judgeEnd, judgeVector } from "./lookup";
import { AHEAD, CACHE, maskCopy, rotateKey } from "./mask";
import { judge, unmaskJudge } from "./planes";
import { judgeAny } from "./slices";

const LANES: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

/** Bytes that are judged by one rule, at the most. */
const STRETCH: usize = 4096;
/** Bytes of which there are many. */
const MANY: u32 = 2048;
/** Of many, the first to be judged: they tell by which rule the others may be. */
const FIRST: usize = 256;

/** Validates; returns the new carry with UTF8_WIDE where a byte was above 0x7f, or UTF8_INVALID. */
export function validate(ptr: usize, length: u32, carry: u32): u32 {
  return walk(ptr, 0, length, 0, carry, false);
}

/** Writes the unmasked bytes at `src` to `dest`, which is `src` or lies in front of it, and validates them. */
export function unmaskText(dest: usize, src: usize, length: u32, key: u32, carry: u32): u32 {
  return walk(dest, src - dest, length, key, carry, true);
}

/**
 * Returns how many bytes stand before the first that makes the text invalid: goes on while a step is sound, and into the one
 * that is not by steps of a sixteenth.
 */
export function validPrefix(ptr: usize, length: u32, carry: u32): u32 {
  let used: u32 = 0;
  for (let step: u32 = 4096; step; step >>= 4) {
    for (; step <= length - used; used += step) {
      const after = validate(ptr + used, step, carry);
      if (after == UTF8_INVALID) break;
      carry = after;
    }
  }
  return used;
}

/** What is masked lies `shift` bytes behind where it is to be. */
@inline
function walk(ptr: usize, shift: usize, length: u32, key: u32, carry: u32, masked: bool): u32 {
  const end = ptr + length;
  let keys = i32x4.splat(key);
  const carried = (carry & 0xff_ffff) << (32 - (carry >> UTF8_COUNT_SHIFT << 3));
  let before = i32x4.replace_lane(i32x4.splat(0), 3, carried);
  let wide: u32 = carried ? UTF8_WIDE : 0;
  let wrong = i32x4.splat(0);
  let rest: v128;
  let last: u32;

  if (length < 16) {
    rest = loadShort(ptr + shift, length);
    if (masked) {
      rest = v128.xor(rest, v128.and(keys, below(length)));
      maskCopy(ptr, ptr + shift, length, key);
    }
    last = lastFour(carried, rest, length);
  } else {
    // Loaded before it is unmasked, like every last vector in mask.ts; what of it is still to be judged moves to the front.
    let final = v128.load(end + shift - 16);
    if (masked) final = v128.xor(final, i32x4.splat(rotateKey(key, length)));

    let v = v128.load(ptr + shift);
    if (masked) v128.store(ptr, v = v128.xor(v, keys));
    if (carried | i8x16.bitmask(v)) {
      wide |= UTF8_WIDE;
      wrong = judgeVector(before, v);
    }
    before = v;
    ptr += 16;

    // A vector across two cache lines costs more. Where there are many, the second one is judged by itself, and unmasked no
    // further than to the next multiple of 16, where the blocks begin.
    if (length > MANY) {
      const aligned = ptr + 16 & ~15;
      const behind = v128.load(aligned);
      v = v128.load(ptr + shift);
      if (masked) {
        v128.store(ptr, v = v128.xor(v, keys));
        v128.store(aligned, behind);
        key = rotateKey(key, <u32>(aligned - ptr));
        keys = i32x4.splat(key);
      }
      if (wide | i8x16.bitmask(v)) {
        wide |= UTF8_WIDE;
        wrong = v128.or(wrong, judgeVector(before, v));
      }
      ptr = aligned;
    }

    const blocks = ptr + (end - ptr & ~63);
    if (ptr < blocks) {
      wide = walkBlocks(ptr, shift, blocks, key, masked, wide);
      ptr = blocks;
      before = v128.load(ptr - 16);
    }
    for (; ptr + 16 <= end; ptr += 16) {
      v = v128.load(ptr + shift);
      if (masked) v128.store(ptr, v = v128.xor(v, keys));
      if (i8x16.bitmask(v)) {
        wide |= UTF8_WIDE;
        wrong = v128.or(wrong, judgeVector(before, v));
      } else {
        wrong = v128.or(wrong, judgeEnd(before));
      }
      before = v;
    }

    if (masked) v128.store(end - 16, final);
    rest = i8x16.swizzle(final, i8x16.sub(v128.load(LANES), i8x16.splat(<i8>(end - ptr - 16))));
    last = i32x4.extract_lane(final, 3);
  }

  if (i8x16.bitmask(rest)) wide |= UTF8_WIDE;
  if (!wide) return 0;
  // Lanes behind the end hold zeros: that a character is not finished there is no fault.
  wrong = v128.or(wrong, v128.and(judgeVector(before, rest), below(<u32>(end - ptr))));
  if (v128.any_true(wrong) || wide & UTF8_INVALID) return UTF8_INVALID;
  const open = unfinished(last);
  return open == UTF8_INVALID ? UTF8_INVALID : open | UTF8_WIDE;
}

/**
 * Judges the blocks of 64 bytes from `ptr` to `end` in stretches, each by the rule that the one before it suggests, and if
 * that does not do, by slices. Returns UTF8_WIDE or 0, with UTF8_INVALID where it is.
 */
@inline
function walkBlocks(ptr: usize, shift: usize, end: usize, key: u32, masked: bool, wide: u32): u32 {
  const many = end - ptr > CACHE;
  let leads = wide ? leadsBefore(ptr) : 0;
  let stop = end - ptr < MANY ? end : ptr + FIRST;
  while (ptr < end) {
    const ahead = many && stop + AHEAD <= end;
    let seen = masked ? unmaskJudge(leads, ptr, stop, key, shift, ahead) : judge(leads, ptr, stop, ahead);
    if (seen == UNSOUND) seen = judgeAny(ptr, stop);
    if (seen == UNSOUND) wide |= UTF8_INVALID;
    if (seen) wide |= UTF8_WIDE;
    leads = seen;
    ptr = stop;
    stop = min(ptr + STRETCH, end);
  }
  return wide;
}

/** The lanes below `count`. */
@inline
function below(count: u32): v128 {
  return i8x16.lt_u(v128.load(LANES), i8x16.splat(<u8>count));
}

/** Loads less than a vector, zeros behind it: halves, quarters or single bytes that overlap, as in mask.ts. */
@inline
function loadShort(ptr: usize, length: u32): v128 {
  let low: u64 = 0, high: u64 = 0;
  if (length >= 8) {
    low = load<u64>(ptr);
    high = load<u64>(ptr + length - 8) >> ((15 - length) << 3) >> 8;
  } else if (length >= 4) {
    const last = length - 4;
    low = <u64>load<u32>(ptr) | <u64>load<u32>(ptr + last) << (last << 3);
  } else if (length) {
    const middle = length >> 1, last = length - 1;
    low = <u64>load<u8>(ptr) | <u64>load<u8>(ptr + middle) << (middle << 3) | <u64>load<u8>(ptr + last) << (last << 3);
  }
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}

/** The last four bytes of what was carried and the `length` bytes of `v` behind it. */
@inline
function lastFour(carried: u32, v: v128, length: u32): u32 {
  const from = i8x16.sub(v128.load(LANES), i8x16.splat(<i8>(4 - length)));
  const bytes = i32x4.extract_lane(i8x16.swizzle(v, from), 0);
  return length < 4 ? bytes | carried >> (length << 3) : bytes;
}

/** The carry of a text that ends with the bytes of `last`, or UTF8_INVALID where its last byte begins no character. */
@inline
function unfinished(last: u32): u32 {
  const fourth = last >> 24, third = last >> 16 & 0xff, second = last >> 8 & 0xff;
  if (fourth >= 0xc0) return fourth < 0xc2 || fourth > 0xf4 ? UTF8_INVALID : fourth | 1 << UTF8_COUNT_SHIFT;
  if (fourth < 0x80) return 0;
  if (third >= 0xe0) return last >> 16 | 2 << UTF8_COUNT_SHIFT;
  if (second >= 0xf0) return last >> 8 | 3 << UTF8_COUNT_SHIFT;
  return 0;
}
