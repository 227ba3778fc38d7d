/** What the codec's door lets in, judged before anything is done with it. */

/** Throws TypeError where `value` is no Uint8Array, of this realm or another, or has no bytes any more. */
export function checkBytes(name: string, value: Uint8Array): void {
  if ((value as Partial<Uint8Array> | null | undefined)?.[Symbol.toStringTag] !== 'Uint8Array') {
    throw new TypeError(`${name} must be a Uint8Array; of an ArrayBuffer or another view, make one`);
  }
  if (isDetached(value)) throw new TypeError(`${name} has no bytes any more: its buffer was transferred`);
}

/** Whether the buffer of `bytes` was transferred, which otherwise looks like one that is empty. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length) return false;
  try {
    // Node 20 has no `detached` to ask for.
    new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}

/** Throws RangeError where `key` is not 32 bits. */
export function checkKey(name: string, key: number): void {
  if (!Number.isInteger(key) || key < -0x8000_0000 || key > 0xffff_ffff) {
    throw new RangeError(`${name} must be a whole number of 32 bits; got ${String(key)}`);
  }
}
