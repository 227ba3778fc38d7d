/**
 * The commonest frame of all: a whole message of up to 125 bytes that is all here, in ASCII if it is text. It needs none of
 * what a decoder keeps between frames, and is judged before anything is stored: what it turns out not to be, the general
 * rules find as it came.
 */
import { FLAG_ASCII, FLAG_FINAL, HEADER_FINAL, OP_BINARY, OP_TEXT } from "./abi";
import { maskCopy, rotateKey } from "./mask";
import { Decoder } from "./memory";

/** §5.2: a length up to this stands in the second byte. */
const SHORT_MOST: u32 = 125;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/**
 * Reads the frame at `ptr`, of which `available` bytes are here, between messages. Unmasks its payload
 * with room for an unmasked header `behind` the last piece, or where it lies if that is 0, and writes its `fragment`. Returns
 * the bytes used, 0 where it is no such frame.
 */
@inline
export function readShort(decoder: Decoder, fragment: usize, behind: usize, ptr: usize, available: u32): u32 {
  // Less is no whole frame that is masked.
  if (available < 6) return 0;
  const role: u32 = decoder.role;
  const header = 2 + (role << 2);
  // They are that only if they pass what follows: another opcode or mask, a reserved bit, no final frame make them too large.
  const opcode = <u32>load<u8>(ptr) ^ HEADER_FINAL;
  const length = <u32>load<u8>(ptr, 1) ^ (role << 7);
  if (opcode - OP_TEXT > <u32>(OP_BINARY - OP_TEXT) || length > SHORT_MOST || available - header < length) return 0;
  if (decoder.messageLimit && <u64>length > decoder.messageLimit) return 0;

  const src = ptr + header;
  const dest = behind ? behind + 2 : src;
  const key: u32 = role ? load<u32>(ptr, 2) : 0;
  let flags = opcode | FLAG_FINAL;
  if (opcode == OP_TEXT) {
    if (!isAscii(src, length, key)) return 0;
    flags |= FLAG_ASCII;
  }
  if (length < 16) maskCopy(dest, src, length, key);
  else maskVectors(dest, src, length, key);
  store<u32>(fragment, <u32>dest);
  store<u32>(fragment, length, 4);
  store<u32>(fragment, flags, 8);
  return header + length;
}

/** Whether the masked bytes at `ptr` are all below 0x80. A key has four bytes, so it is turned by a length modulo four. */
@inline
function isAscii(ptr: usize, length: u32, key: u32): bool {
  const last = ptr + length;
  if (length >= 16) {
    const keys = i32x4.splat(key);
    let seen = v128.xor(v128.load(last - 16), i32x4.splat(rotateKey(key, length)));
    for (; ptr + 16 < last; ptr += 16) seen = v128.or(seen, v128.xor(v128.load(ptr), keys));
    return !i8x16.bitmask(seen);
  }
  if (length >= 8) {
    const keys = <u64>key | <u64>key << 32;
    return !(((load<u64>(ptr) ^ keys) | (load<u64>(last - 8) ^ rotr<u64>(keys, <u64>length << 3))) & HIGH_BITS);
  }
  if (length >= 4) return !(((load<u32>(ptr) ^ key) | (load<u32>(last - 4) ^ rotateKey(key, length))) & <u32>HIGH_BITS);
  let seen: u32 = 0;
  for (; ptr < last; ptr++, key >>= 8) seen |= load<u8>(ptr) ^ key;
  return !(seen & 0x80);
}

/** As maskCopy, for so few vectors that it does not pay to align them: the last is loaded first, the others upwards. */
@inline
function maskVectors(dest: usize, src: usize, length: u32, key: u32): void {
  const last = <usize>length - 16;
  const keys = i32x4.splat(key);
  const final = v128.xor(v128.load(src + last), i32x4.splat(rotateKey(key, length)));
  for (let at: usize = 0; at < last; at += 16) v128.store(dest + at, v128.xor(v128.load(src + at), keys));
  v128.store(dest + last, final);
}
