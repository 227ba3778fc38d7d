/** What the codec's door lets in, judged before anything is done with it. */

/** Throws TypeError where `value` is no Uint8Array, of this realm or another, or has no bytes any more. */
export function checkBytes(name: string, value: Uint8Array): void {
  if ((value as Partial<Uint8Array> | null | undefined)?.[Symbol.toStringTag] !== 'Uint8Array') {
    throw new TypeError(`${name} must be a Uint8Array; of an ArrayBuffer or another view, make one`);
  }
  if (outOfBounds(value)) throw new TypeError(`${name} has no bytes any more: its buffer was transferred or shrunk`);
}

/** Whether the buffer of `bytes` was transferred, or ends in front of them, which otherwise looks as if they were none. */
export function outOfBounds(bytes: Uint8Array): boolean {
  if (bytes.length) return false;
  try {
    // Only the methods of a view tell, by throwing: Node 20 has no `detached` to ask for.
    Uint8Array.prototype.at.call(bytes, 0);
    return false;
  } catch {
    return true;
  }
}

/** Throws TypeError where `value` is neither true nor false: what is only like one of them may be meant as the other. */
export function checkBoolean(name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false; got ${String(value)}`);
}

/** Throws RangeError where `key` is not 32 bits. */
export function checkKey(name: string, key: number): void {
  if (!Number.isInteger(key) || key < -0x8000_0000 || key > 0xffff_ffff) {
    throw new RangeError(`${name} must be a whole number of 32 bits; got ${String(key)}`);
  }
}

/** Throws RangeError where `phase` is no whole number exact to its last two bits, which choose a byte of the key. */
export function checkPhase(name: string, phase: number): void {
  if (!Number.isSafeInteger(phase))
    throw new RangeError(`${name} must be a whole number of bytes; got ${String(phase)}`);
}
