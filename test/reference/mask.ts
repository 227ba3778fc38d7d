/** RFC 6455 §5.3, one byte at a time: "transformed-octet-i = original-octet-i XOR masking-key-octet-j", j = i modulo 4. */

/** Returns `bytes` masked; `key` holds the key's four bytes as they stand on the wire, read little-endian. */
export function mask(bytes: Uint8Array, key: number, phase = 0): Uint8Array {
  const octets = [key & 0xff, (key >>> 8) & 0xff, (key >>> 16) & 0xff, key >>> 24];
  return bytes.map((byte, i) => byte ^ octets[(i + phase) % 4]!);
}
