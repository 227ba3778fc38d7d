/** Writes frame headers, and payloads beside them, into send pages (RFC 6455 §5.2, §5.3). */
import { maskCopy } from "./mask";

/** Writes a header; `first` is its first byte. Returns its length, 2 to 14. */
export function writeHeader(dest: usize, first: u32, length: f64, masked: bool, key: u32): u32 {
  const mark: u32 = masked ? 0b1000_0000 : 0;
  let used: u32 = 2;
  store<u8>(dest, <u8>first);
  if (length < 126) {
    store<u8>(dest, <u8>(mark | <u32>length), 1);
  } else if (length < 0x1_0000) {
    store<u8>(dest, <u8>(mark | 126), 1);
    store<u16>(dest, bswap<u16>(<u16><u32>length), 2);
    used = 4;
  } else {
    store<u8>(dest, <u8>(mark | 127), 1);
    store<u64>(dest, bswap<u64>(<u64>length), 2);
    used = 10;
  }
  if (masked) {
    store<u32>(dest + used, key);
    used += 4;
  }
  return used;
}

/** Up to here a copy of our own, masked with nothing, is faster than the call that memory.copy is. */
const COPY_MOST: u32 = 512;

/** Writes a whole frame whose payload lies at `src`; returns its length. */
export function encode(dest: usize, first: u32, src: usize, length: u32, masked: bool, key: u32): u32 {
  const used = writeHeader(dest, first, length, masked, key);
  if (masked || length <= COPY_MOST) maskCopy(dest + used, src, length, masked ? key : 0);
  else memory.copy(dest + used, src, length);
  return used + length;
}
