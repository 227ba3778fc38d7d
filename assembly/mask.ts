/**
 * XORs a stretch with a masking key (RFC 6455 §5.3): "octet i of the transformed data is the XOR of octet i of the
 * original data with octet at index i modulo 4 of the masking key".
 *
 * Ragged ends need no loop: the first and the last vector overlap their neighbours. They are loaded before anything is
 * stored and stored after everything else, so no byte is masked twice and none outside the stretch is touched.
 */

/** Unmasks `length` bytes at `ptr` in place; the key's lowest byte meets the first of them. */
export function unmask(ptr: usize, length: u32, key: u32): void {
  if (length < 16) maskShort(ptr, ptr, length, key);
  else maskLong(ptr, ptr, length, key);
}

/** Writes the masked bytes at `src` to `dest`; the stretches do not overlap. */
export function maskCopy(dest: usize, src: usize, length: u32, key: u32): void {
  if (length < 16) maskShort(dest, src, length, key);
  else maskLong(dest, src, length, key);
}

/** Returns the key as it meets the byte `length` further on. */
export function rotateKey(key: u32, length: u32): u32 {
  return rotr(key, length << 3);
}

// @ts-ignore: decorator
@inline
function maskLong(dest: usize, src: usize, length: u32, key: u32): void {
  const last = <usize>length - 16;
  const first = v128.xor(v128.load(src), i32x4.splat(key));
  const final = v128.xor(v128.load(src + last), i32x4.splat(rotateKey(key, length)));

  // Every vector between them is stored at a multiple of 16.
  let at: usize = 16 - (dest & 15);
  const keys = i32x4.splat(rotateKey(key, <u32>at));
  for (; at + 48 < last; at += 64) {
    const ptr = src + at;
    const a = v128.xor(v128.load(ptr), keys);
    const b = v128.xor(v128.load(ptr, 16), keys);
    const c = v128.xor(v128.load(ptr, 32), keys);
    const d = v128.xor(v128.load(ptr, 48), keys);
    v128.store(dest + at, a);
    v128.store(dest + at, b, 16);
    v128.store(dest + at, c, 32);
    v128.store(dest + at, d, 48);
  }
  for (; at < last; at += 16) v128.store(dest + at, v128.xor(v128.load(src + at), keys));

  v128.store(dest, first);
  v128.store(dest + last, final);
}

// @ts-ignore: decorator
@inline
function maskShort(dest: usize, src: usize, length: u32, key: u32): void {
  if (length >= 8) {
    const keys = <u64>key | (<u64>key << 32);
    const final = load<u64>(src + length - 8) ^ rotr<u64>(keys, length << 3);
    store<u64>(dest, load<u64>(src) ^ keys);
    store<u64>(dest + length - 8, final);
  } else if (length >= 4) {
    const final = load<u32>(src + length - 4) ^ rotateKey(key, length);
    store<u32>(dest, load<u32>(src) ^ key);
    store<u32>(dest + length - 4, final);
  } else if (length) {
    const middle: u32 = length >> 1;
    const a: u32 = load<u8>(src), b: u32 = load<u8>(src + middle), c: u32 = load<u8>(src + length - 1);
    store<u8>(dest, <u8>(a ^ key));
    store<u8>(dest + middle, <u8>(b ^ (key >> (middle << 3))));
    store<u8>(dest + length - 1, <u8>(c ^ (key >> ((length - 1) << 3))));
  }
}
