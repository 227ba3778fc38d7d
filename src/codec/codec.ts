/** The codec for anywhere: frames to fragments and back, in a linear memory of its own of 2 MiB. */
import {
  CONTROL_MOST,
  FLAG_CONTROL,
  HEADER_FINAL,
  HEADER_RSV1,
  ROLE_CLIENT,
  ROLE_SERVER,
  UTF8_COUNT_SHIFT,
  UTF8_INVALID,
} from '../../assembly/abi.ts';
import { checkBoolean, checkBytes, checkKey, checkPhase } from './check.ts';
import { Decoder, type Iteration, type Role } from './decoder.ts';
import { type FrameHeader, readFrameHeader, rotateKey } from './header.ts';
import { LinearMemory, PAGE_SIZE } from './memory.ts';
import { compile, compileSync } from './module.ts';

const MEMORY = 2 * 1024 * 1024;
const RECORDS_MOST = 1024;

export interface DecoderOptions {
  /** 'server' reads masked frames, 'client' unmasked ones; the other kind is a fault. */
  role: Role;
  /** Longest message accepted in bytes, 0 for no limit. Default 0. */
  maxMessageSize?: number | undefined;
  /** Default true. */
  validateUtf8?: boolean | undefined;
}

export interface FrameInit {
  opcode: number;
  final?: boolean | undefined;
  rsv1?: boolean | undefined;
  /** Key to mask with (clients), as in FrameHeader.maskKey; absent for no mask. */
  maskKey?: number | undefined;
  data?: Uint8Array | undefined;
}

/** Whether a UTF-8 kernel's answer says "valid, and no character unfinished". */
function whole(carry: number): boolean {
  return carry >>> 0 !== UTF8_INVALID && ((carry >>> UTF8_COUNT_SHIFT) & 3) === 0;
}

export class Codec {
  readonly memory: WebAssembly.Memory;
  readonly #linear: LinearMemory;
  readonly #iteration: Iteration = { decoder: undefined };
  /** A page to which outside bytes are copied to be worked upon. */
  readonly #scratch: number;

  private constructor(module: WebAssembly.Module) {
    this.#linear = new LinearMemory(module, MEMORY, RECORDS_MOST);
    this.memory = this.#linear.exports.memory;
    this.#scratch = this.#linear.pages.take();
  }

  /** Compiles and instantiates; for anywhere. */
  static async load(): Promise<Codec> {
    return new Codec(await compile());
  }

  /** The same at once; for Node.js and workers. */
  static loadSync(): Codec {
    return new Codec(compileSync());
  }

  /** Opens a decoder for one direction of one connection. Throws RangeError where 1,024 are open. */
  decoder(options: DecoderOptions): Decoder {
    const { role, maxMessageSize = 0, validateUtf8 = true } = options;
    if (role !== 'server' && role !== 'client') throw new TypeError("role must be 'server' or 'client'");
    if (!Number.isSafeInteger(maxMessageSize) || maxMessageSize < 0) {
      throw new RangeError('maxMessageSize must be a whole number of bytes, 0 for no limit');
    }
    checkBoolean('validateUtf8', validateUtf8);
    const { records, exports } = this.#linear;
    const record = records.take();
    if (!record) throw new RangeError(`a codec holds ${RECORDS_MOST} decoders: free() those no longer used`);
    exports.openDecoder(record, role === 'server' ? ROLE_SERVER : ROLE_CLIENT, validateUtf8, maxMessageSize);
    return new Decoder(this.#linear, this.#iteration, record);
  }

  /**
   * Header and payload as one new array. Throws RangeError for an opcode, a key or a control frame that no header can say,
   * TypeError for `data` that is no Uint8Array and for bits that are no booleans.
   */
  encodeFrame(frame: FrameInit): Uint8Array {
    const { opcode, final = true, rsv1 = false, maskKey, data } = frame;
    if (data !== undefined) checkBytes('data', data);
    if (maskKey !== undefined) checkKey('maskKey', maskKey);
    checkBoolean('final', final);
    checkBoolean('rsv1', rsv1);
    const length = data?.length ?? 0;
    if (!Number.isInteger(opcode) || opcode < 0 || opcode > 0xf) throw new RangeError('opcode must be 0 to 15');
    // §5.5: "opcodes where the most significant bit of the opcode is 1", reserved ones among them.
    if (opcode & FLAG_CONTROL && length > CONTROL_MOST) {
      throw new RangeError('a control frame holds at most 125 bytes (RFC 6455 §5.5)');
    }
    const first = (final ? HEADER_FINAL : 0) | (rsv1 ? HEADER_RSV1 : 0) | opcode;
    const masked = maskKey !== undefined;
    const { exports, bytes } = this.#linear;
    const used = exports.writeHeader(this.#scratch, first, length, masked, maskKey ?? 0);
    const encoded = new Uint8Array(used + length);
    encoded.set(bytes.subarray(this.#scratch, this.#scratch + used));
    if (data) {
      encoded.set(data, used);
      if (masked) this.unmask(encoded.subarray(used), maskKey);
    }
    return encoded;
  }

  /** Reads the header at `offset`, for inspection; undefined where it is not all there. Judges nothing. */
  readFrameHeader(bytes: Uint8Array, offset = 0): FrameHeader | undefined {
    checkBytes('bytes', bytes);
    return readFrameHeader(bytes, offset);
  }

  /** XORs in place with `key`, whose first byte meets `data[0]` when `phase` is 0 (RFC 6455 §5.3). */
  unmask(data: Uint8Array, key: number, phase = 0): void {
    checkBytes('data', data);
    checkKey('key', key);
    checkPhase('phase', phase);
    const { exports, bytes, buffer } = this.#linear;
    const turned = rotateKey(key, phase);
    if (data.buffer === buffer) {
      exports.unmask(data.byteOffset, data.length, turned);
      return;
    }
    // A page holds a multiple of four bytes, so that each begins with the same byte of the key.
    for (let offset = 0; offset < data.length; offset += PAGE_SIZE) {
      const piece = data.subarray(offset, offset + PAGE_SIZE);
      bytes.set(piece, this.#scratch);
      exports.unmask(this.#scratch, piece.length, turned);
      piece.set(bytes.subarray(this.#scratch, this.#scratch + piece.length));
    }
  }

  /** Validates all of `data` as one UTF-8 text. */
  isValidUtf8(data: Uint8Array): boolean {
    checkBytes('data', data);
    const { exports, bytes, buffer } = this.#linear;
    if (data.buffer === buffer) return whole(exports.validate(data.byteOffset, data.length, 0));
    let carry = 0;
    for (let offset = 0; offset < data.length; offset += PAGE_SIZE) {
      const piece = data.subarray(offset, offset + PAGE_SIZE);
      bytes.set(piece, this.#scratch);
      carry = exports.validate(this.#scratch, piece.length, carry);
      if (carry >>> 0 === UTF8_INVALID) return false;
    }
    return whole(carry);
  }
}
