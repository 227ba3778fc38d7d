/** Views whose bytes are gone: each looks like one that is empty. */

/** An array buffer that can be made shorter, which lib.es2023 does not know yet. */
interface Resizable extends ArrayBuffer {
  resize(length: number): void;
}
const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => Resizable;

/** A view of bytes that have gone to another realm. */
export function transferred(): Uint8Array {
  const bytes = new Uint8Array(5);
  transfer(bytes);
  return bytes;
}

export function transfer(bytes: Uint8Array<ArrayBuffer>): void {
  structuredClone(bytes, { transfer: [bytes.buffer] });
}

/** A copy of `bytes`, of that length or with no end but its buffer's, and what makes the buffer end at `length`. */
export function shrinkable(bytes: Uint8Array, fixed: boolean): { view: Uint8Array; shrink(length: number): void } {
  const buffer = new Resizable(bytes.length, { maxByteLength: bytes.length });
  const view = fixed ? new Uint8Array(buffer, 0, bytes.length) : new Uint8Array(buffer);
  view.set(bytes);
  return { view, shrink: length => buffer.resize(length) };
}

/** A view of a buffer that ends in front of it. */
export function shrunk(): Uint8Array {
  const { view, shrink } = shrinkable(new Uint8Array(5), true);
  shrink(4);
  return view;
}
