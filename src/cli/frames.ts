/**
 * Bytes of one direction to a list of their frames, as they come and in chunks of any size. Two look at the same bytes:
 * the header is read to show it, and the codec's decoder judges; it is fed no further than the frame that is being shown,
 * so a fault is known by its frame.
 */
import {
  type Codec,
  type Decoder,
  type FrameHeader,
  OP_CLOSE,
  OP_CONTINUATION,
  ProtocolFault,
} from '../codec/index.ts';

/** A frame, with the first bytes of its payload, unmasked. */
export interface Frame {
  readonly offset: number;
  readonly header: FrameHeader;
  /** The opcode of the message that a continuation goes on with. */
  readonly message: number;
  readonly payload: Uint8Array;
  /** Whether the bytes ended before the frame did. */
  readonly cut: boolean;
}

const HEADER_MOST = 14;
/** Payload kept of a frame. */
const KEPT_MOST = 125;

export class Frames {
  readonly #codec: Codec;
  #decoder: Decoder | undefined;
  #offset = 0;
  /** Bytes of a header that is not all here. */
  #carry: Uint8Array = new Uint8Array(0);
  #header: FrameHeader | undefined;
  #remaining = 0;
  #kept: Uint8Array[] = [];
  #keptLength = 0;
  #message = 0;
  fault: ProtocolFault | undefined;
  closed = false;
  /** Bytes at the end that belong to no frame: less than a header, or anything after a CLOSE. */
  left = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Takes bytes and yields the frames that they complete, up to a CLOSE or the frame that breaks a rule. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let bytes = this.#carry.length ? Buffer.concat([this.#carry, chunk]) : chunk;
    this.#carry = new Uint8Array(0);
    if (!this.closed) this.left = 0;
    while (!this.fault) {
      if (this.closed) {
        this.left += bytes.length;
        return;
      }
      if (!this.#header) {
        const header = this.#codec.readFrameHeader(bytes.subarray(0, HEADER_MOST));
        if (!header) {
          this.#carry = new Uint8Array(bytes);
          this.left = bytes.length;
          return;
        }
        this.#begin(header);
        this.#judge(bytes.subarray(0, header.headerLength));
        bytes = bytes.subarray(header.headerLength);
      }
      const part = bytes.subarray(0, Math.min(bytes.length, this.#remaining));
      this.#keep(part);
      this.#judge(part);
      this.#remaining -= part.length;
      bytes = bytes.subarray(part.length);
      if (this.#remaining && !this.fault) return;
      yield this.#finish(false);
    }
  }

  /** Returns the frame that was begun and not finished. */
  end(): Frame | undefined {
    return this.#header && !this.fault ? this.#finish(true) : undefined;
  }

  /** Gives the codec's decoder back. */
  free(): void {
    this.#decoder?.free();
    this.#decoder = undefined;
  }

  #begin(header: FrameHeader): void {
    // §5.1: clients mask, servers do not; the first frame says whose bytes these are.
    this.#decoder ??= this.#codec.decoder({ role: header.masked ? 'server' : 'client' });
    this.#header = header;
    this.#remaining = header.payloadLength;
    if (header.opcode < OP_CLOSE && header.opcode !== OP_CONTINUATION) this.#message = header.opcode;
  }

  #judge(bytes: Uint8Array): void {
    if (this.fault) return;
    try {
      for (const _fragment of this.#decoder!.decode(bytes));
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error;
      this.fault = error;
    }
  }

  #keep(part: Uint8Array): void {
    if (this.#keptLength >= KEPT_MOST) return;
    const kept = new Uint8Array(part.subarray(0, KEPT_MOST - this.#keptLength));
    const { masked, maskKey } = this.#header!;
    if (masked) this.#codec.unmask(kept, maskKey, this.#keptLength & 3);
    this.#kept.push(kept);
    this.#keptLength += kept.length;
  }

  #finish(cut: boolean): Frame {
    const header = this.#header!;
    const offset = this.#offset;
    const payload = Buffer.concat(this.#kept);
    this.#offset += header.headerLength + header.payloadLength;
    this.#header = undefined;
    this.closed = header.opcode === OP_CLOSE && !this.fault;
    this.#kept = [];
    this.#keptLength = 0;
    const message = header.opcode < OP_CLOSE ? this.#message : header.opcode;
    return { offset, header, message, payload, cut };
  }
}
