/** A frame header as data, for inspection (RFC 6455 §5.2). Decoding proper is done in assembly/header.ts. */

export interface FrameHeader {
  readonly final: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  /** The four key bytes as they stand on the wire, read little-endian; 0 where not masked. */
  readonly maskKey: number;
  readonly headerLength: number;
  /** What the header claims; exact up to 2^53-1. */
  readonly payloadLength: number;
}

/** Reads the header at `offset`; undefined where it is not all there. Judges nothing. */
export function readFrameHeader(bytes: Uint8Array, offset = 0): FrameHeader | undefined {
  if (!Number.isInteger(offset) || offset < 0) throw new RangeError('offset must be a whole number of bytes');
  const available = bytes.length - offset;
  if (available < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, available);
  const first = view.getUint8(0);
  const second = view.getUint8(1);
  const masked = second >= 0b1000_0000;
  const short = second & 0b0111_1111;
  const keyAt = short === 127 ? 10 : short === 126 ? 4 : 2;
  const headerLength = masked ? keyAt + 4 : keyAt;
  if (available < headerLength) return undefined;
  return {
    final: (first & 0b1000_0000) !== 0,
    rsv1: (first & 0b0100_0000) !== 0,
    rsv2: (first & 0b0010_0000) !== 0,
    rsv3: (first & 0b0001_0000) !== 0,
    opcode: first & 0b0000_1111,
    masked,
    maskKey: masked ? view.getUint32(keyAt, true) : 0,
    headerLength,
    payloadLength:
      short === 127 ? view.getUint32(2) * 2 ** 32 + view.getUint32(6) : short === 126 ? view.getUint16(2) : short,
  };
}

/** Returns the key as it meets a payload's byte `phase` (RFC 6455 §5.3). */
export function rotateKey(key: number, phase: number): number {
  const bits = (phase & 3) << 3;
  return bits ? (key >>> bits) | (key << (32 - bits)) : key;
}
