/**
 * XORs a stretch with a masking key (RFC 6455 §5.3): "Octet i of the transformed data is the XOR of octet i of the
 * original data with octet at index i modulo 4 of the masking key."
 *
 * Ragged ends need no loop over bytes: the first and the last vector overlap their neighbours. Both are loaded before
 * anything is stored, and stored over what the others left there. So nothing is masked twice, and no byte outside the
 * stretch is read or written.
 */

/** Unmasks `length` bytes at `ptr` in place; the key's lowest byte meets the first of them. */
export function unmask(ptr: usize, length: u32, key: u32): void {
  if (length < 16) maskShort(ptr, ptr, length, key);
  else maskLong(ptr, ptr, length, key);
}

/** Writes the masked bytes at `src` to `dest`, which does not lie behind `src` where they overlap. */
export function maskCopy(dest: usize, src: usize, length: u32, key: u32): void {
  if (length < 16) maskShort(dest, src, length, key);
  else maskLong(dest, src, length, key);
}

/** Returns the key as it meets the byte `length` further on. */
export function rotateKey(key: u32, length: u32): u32 {
  return rotr(key, length << 3);
}

/** Bytes that the first cache holds with ease. Of more, each line is asked for so many bytes before its turn. */
export const CACHE: u32 = 32768;
export const AHEAD: usize = 512;

@inline
function maskLong(dest: usize, src: usize, length: u32, key: u32): void {
  const last = <usize>length - 16;
  const first = v128.xor(v128.load(src), i32x4.splat(key));
  const final = v128.xor(v128.load(src + last), i32x4.splat(rotateKey(key, length)));

  // All between them is stored at multiples of 16.
  let at: usize = 16 - (dest & 15);
  const keys = i32x4.splat(rotateKey(key, <u32>at));
  if (length > CACHE) for (; at + 240 + AHEAD < last; at += 256) mask256(dest + at, src + at, keys, true);
  for (; at + 240 < last; at += 256) mask256(dest + at, src + at, keys, false);
  for (; at + 48 < last; at += 64) mask64(dest + at, src + at, keys, false);
  for (; at < last; at += 16) v128.store(dest + at, v128.xor(v128.load(src + at), keys));

  v128.store(dest, first);
  v128.store(dest + last, final);
}

@inline
function mask256(dest: usize, src: usize, keys: v128, ahead: bool): void {
  mask64(dest, src, keys, ahead);
  mask64(dest + 64, src + 64, keys, ahead);
  mask64(dest + 128, src + 128, keys, ahead);
  mask64(dest + 192, src + 192, keys, ahead);
}

/** Told to look `ahead`, asks for the line that is AHEAD: it is in the first cache when its turn comes. */
@inline
function mask64(dest: usize, src: usize, keys: v128, ahead: bool): void {
  if (ahead) load<u8>(src, AHEAD);
  const a = v128.load(src), b = v128.load(src, 16), c = v128.load(src, 32), d = v128.load(src, 48);
  v128.store(dest, v128.xor(a, keys));
  v128.store(dest, v128.xor(b, keys), 16);
  v128.store(dest, v128.xor(c, keys), 32);
  v128.store(dest, v128.xor(d, keys), 48);
}

/** The same for less than a vector: the first and the last half of it, or quarter, or three bytes that may be one. */
@inline
function maskShort(dest: usize, src: usize, length: u32, key: u32): void {
  if (length >= 8) {
    const keys = <u64>key | (<u64>key << 32);
    const last = length - 8;
    const final = load<u64>(src + last) ^ rotr<u64>(keys, <u64>length << 3);
    store<u64>(dest, load<u64>(src) ^ keys);
    store<u64>(dest + last, final);
  } else if (length >= 4) {
    const last = length - 4;
    const final = load<u32>(src + last) ^ rotateKey(key, length);
    store<u32>(dest, load<u32>(src) ^ key);
    store<u32>(dest + last, final);
  } else if (length) {
    const middle = length >> 1, last = length - 1;
    const a: u32 = load<u8>(src), b: u32 = load<u8>(src + middle), c: u32 = load<u8>(src + last);
    store<u8>(dest, <u8>(a ^ key));
    store<u8>(dest + middle, <u8>(b ^ rotateKey(key, middle)));
    store<u8>(dest + last, <u8>(c ^ rotateKey(key, last)));
  }
}
