/** A view of bytes that have gone to another realm: it looks like one that is empty. */
export function transferred(): Uint8Array {
  const bytes = new Uint8Array(5);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}
