/** XORs a stretch with a masking key (RFC 6455 §5.3). */

/** Unmasks `length` bytes at `ptr` in place; the key's lowest byte meets the first of them. */
export function unmask(ptr: usize, length: u32, key: u32): void {
  for (const end = ptr + length; ptr < end; ptr++) {
    store<u8>(ptr, load<u8>(ptr) ^ <u8>key);
    key = rotr(key, 8);
  }
}

/** Writes the masked bytes at `src` to `dest`; the stretches do not overlap. */
export function maskCopy(dest: usize, src: usize, length: u32, key: u32): void {
  memory.copy(dest, src, length);
  unmask(dest, length, key);
}

/** Returns the key as it meets the byte `length` further on. */
export function rotateKey(key: u32, length: u32): u32 {
  return rotr(key, (length & 3) << 3);
}
