/** Validates text as a stream (RFC 6455 §8.1): a character may be cut between two stretches anywhere. */
import { UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE } from "./abi";
import { unmask } from "./mask";

/** Whether `bytes`, `count` of them read little-endian, start some character; 4 where they are none. */
function need(bytes: u32, count: u32): u32 {
  const lead = bytes & 0xff;
  let total: u32 = 4;
  let low: u32 = 0x80, high: u32 = 0xbf;
  if (lead < 0x80) total = 1;
  else if (lead < 0xc2) return 0;
  else if (lead < 0xe0) total = 2;
  else if (lead < 0xf0) { total = 3; if (lead == 0xe0) low = 0xa0; if (lead == 0xed) high = 0x9f; }
  else if (lead < 0xf5) { if (lead == 0xf0) low = 0x90; if (lead == 0xf4) high = 0x8f; }
  else return 0;
  if (count > 1) { const b = (bytes >> 8) & 0xff; if (b < low || b > high) return 0; }
  if (count > 2) { if (((bytes >> 16) & 0xc0) != 0x80) return 0; }
  if (count > 3) { if (((bytes >> 24) & 0xc0) != 0x80) return 0; }
  return total;
}

/** Validates; returns the new carry with UTF8_WIDE where a byte was above 0x7f, or UTF8_INVALID. */
export function validate(ptr: usize, length: u32, carry: u32): u32 {
  let bytes = carry & 0xff_ffff, count = (carry >> UTF8_COUNT_SHIFT) & 3, wide: u32 = count ? UTF8_WIDE : 0;
  for (const end = ptr + length; ptr < end; ptr++) {
    const byte: u32 = load<u8>(ptr);
    if (byte > 0x7f) wide = UTF8_WIDE;
    bytes |= byte << (count << 3);
    count++;
    const total = need(bytes, count);
    if (!total) return UTF8_INVALID;
    if (count == total) bytes = count = 0;
  }
  return bytes | (count << UTF8_COUNT_SHIFT) | wide;
}

/** Unmasks in place and validates. */
export function unmaskText(ptr: usize, length: u32, key: u32, carry: u32): u32 {
  unmask(ptr, length, key);
  return validate(ptr, length, carry);
}

/** Returns how many bytes stand before the first that makes the text invalid. */
export function validPrefix(ptr: usize, length: u32, carry: u32): u32 {
  for (let used: u32 = 0; used < length; used++) {
    carry = validate(ptr + used, 1, carry);
    if (carry == UTF8_INVALID) return used;
  }
  return length;
}
