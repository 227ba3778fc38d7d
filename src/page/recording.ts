/**
 * Bytes that were recorded, and where frames lie in them. The codec's decoder judges every byte; beside it the headers are
 * walked, and only every 64th place is kept: rows between are walked to again when a person scrolls there. So 100 MB of the
 * smallest frames there are (50 million of 2 bytes) cost an index of 12 MB.
 *
 * One direction has one decoder; a conversation (a HAR, a live connection) has two, and the MASK bit tells whose frame it is.
 */
import { type Codec, type Decoder, type FrameHeader, OP_CLOSE, ProtocolFault, type Role } from '../codec/index.ts';
import { textOf } from './words.ts';

export interface Fault {
  readonly name: string;
  readonly message: string;
  readonly closeCode: number;
  /** The byte that broke the rule, counted from the recording's first. */
  readonly offset: number;
  /** The number of the frame it lies in. */
  readonly frame: number;
}

/** A frame as the list shows it. */
export interface Row {
  readonly index: number;
  readonly offset: number;
  /** undefined where the header is not all here. */
  readonly header: FrameHeader | undefined;
  /** The message's opcode: that of the first frame, on every frame. */
  readonly message: number;
  /** The payload's beginning in words. */
  readonly preview: string;
}

/** A frame as the diagram shows it: `size` bytes of payload are here, and those from `from` on are carried along. */
export interface Frame extends Row {
  /** The header's bytes, as many as are here. */
  readonly head: Uint8Array;
  readonly size: number;
  readonly from: number;
  /** Payload as it came. */
  readonly wire: Uint8Array;
  /** The same bytes unmasked; the same object where nothing was masked. */
  readonly plain: Uint8Array;
  readonly text: string;
}

/** Where a walk stands, and which messages are open there. */
interface Place {
  index: number;
  offset: number;
  server: number;
  client: number;
}

interface Side {
  readonly decoder: Decoder;
  fed: number;
}

const EVERY = 64;
const PREVIEW_BYTES = 60;
const HEADER_MOST = 14;
/** Payload bytes of one diagram. */
export const SHOWN_MOST = 256;

/** Moves `place` behind the frame at it. Returns the opcode of the message to which that frame belongs. */
function pass(place: Place, header: FrameHeader): number {
  const { opcode, final, masked } = header;
  place.index++;
  place.offset += header.headerLength + header.payloadLength;
  if (opcode >= OP_CLOSE) return opcode;
  const side = masked ? 'server' : 'client';
  const message = opcode || place[side];
  place[side] = final ? 0 : message;
  return message;
}

export class Recording {
  readonly #codec: Codec;
  readonly #sides = new Map<Role, Side>();
  /** Whose CLOSE has not come yet. */
  readonly #open: Set<Role>;
  readonly #offsets: number[] = [];
  readonly #messages: number[] = [];
  readonly #end: Place = { index: 0, offset: 0, server: 0, client: 0 };
  #storage = new Uint8Array(65_536);
  #bytes = this.#storage.subarray(0, 0);
  /** Messages that have ended. */
  messages = 0;
  fault: Fault | undefined;
  /** Nothing more is read: a rule was broken, or CLOSE has passed. */
  ended = false;

  constructor(codec: Codec, roles: readonly Role[]) {
    this.#codec = codec;
    this.#open = new Set(roles);
    for (const role of roles) this.#sides.set(role, { decoder: codec.decoder({ role }), fed: 0 });
  }

  /** Bytes recorded. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Where reading ended, if it did: at the byte that broke a rule, or after CLOSE. */
  get stop(): number | undefined {
    return this.ended ? (this.fault?.offset ?? this.#end.offset) : undefined;
  }

  /** Frames begun, the last of which need not be whole. */
  get frames(): number {
    const begun = this.fault ? this.fault.frame + 1 : this.#end.index;
    return !this.ended && this.#end.offset < this.length ? begun + 1 : begun;
  }

  /** Gives the codec's decoders back: what is recorded can still be shown, and nothing be added. */
  free(): void {
    for (const { decoder } of this.#sides.values()) decoder.free();
  }

  /** Makes room for so many bytes, where that is known beforehand. */
  reserve(size: number): void {
    if (size <= this.#storage.length) return;
    const storage = new Uint8Array(size);
    storage.set(this.#bytes);
    this.#storage = storage;
    this.#bytes = storage.subarray(0, this.#bytes.length);
  }

  /** Takes the next bytes that `role` reads. */
  append(chunk: Uint8Array, role: Role): void {
    const side = this.#sides.get(role)!;
    const before = this.length;
    const after = before + chunk.length;
    if (after > this.#storage.length) this.reserve(Math.max(after, 2 * this.#storage.length));
    this.#storage.set(chunk, before);
    this.#bytes = this.#storage.subarray(0, after);
    if (this.ended) return;

    let broken: ProtocolFault | undefined;
    try {
      for (const { opcode, final } of side.decoder.decode(chunk)) if (final && opcode < OP_CLOSE) this.messages++;
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error;
      broken = error;
    }
    this.#walk(broken && before - side.fed + broken.offset, role);
    if (broken) this.#note(broken, before - side.fed + broken.offset);
    side.fed += chunk.length;
  }

  #note({ fault, message, closeCode }: ProtocolFault, offset: number): void {
    this.fault = { name: fault, message, closeCode, offset, frame: this.#end.index };
    this.ended = true;
  }

  /** Goes on to the end of what is here, to CLOSE, or to the frame in which `stop` lies. */
  #walk(stop = Number.POSITIVE_INFINITY, role: Role): void {
    const end = this.#end;
    while (!this.ended) {
      if (end.index === this.#offsets.length * EVERY) {
        this.#offsets.push(end.offset);
        this.#messages.push(end.server * 16 + end.client);
      }
      const header = this.#codec.readFrameHeader(this.#bytes, end.offset);
      if (!header) return;
      const behind = end.offset + header.headerLength + header.payloadLength;
      // A frame is passed once it is whole: until then a fault may lie in it, and CLOSE is not judged.
      if (stop < behind || behind > this.length) return;
      pass(end, header);
      if (header.opcode === OP_CLOSE && this.#open.delete(role)) this.ended = !this.#open.size;
    }
  }

  #placeOf(index: number): Place {
    const kept = Math.floor(index / EVERY);
    const messages = this.#messages[kept]!;
    const place = { index: kept * EVERY, offset: this.#offsets[kept]!, server: messages >> 4, client: messages & 15 };
    while (place.index < index) pass(place, this.#codec.readFrameHeader(this.#bytes, place.offset)!);
    return place;
  }

  /** Returns the frame at `place` and moves `place` behind it. */
  #rowAt(place: Place): Row {
    const { index, offset } = place;
    const header = this.#codec.readFrameHeader(this.#bytes, offset);
    if (!header) return { index, offset, header, message: 0, preview: '' };
    const begins = header.opcode !== 0;
    const message = pass(place, header);
    const plain = this.#payload(offset, header, 0, PREVIEW_BYTES).plain;
    return { index, offset, header, message, preview: textOf(message, plain, begins) };
  }

  #payload(offset: number, header: FrameHeader, from: number, most: number): { wire: Uint8Array; plain: Uint8Array } {
    const start = offset + header.headerLength;
    const end = Math.min(start + from + most, start + header.payloadLength, this.length);
    const wire = this.#bytes.slice(start + from, Math.max(start + from, end));
    if (!header.masked) return { wire, plain: wire };
    const plain = wire.slice();
    this.#codec.unmask(plain, header.maskKey, from & 3);
    return { wire, plain };
  }

  /** Where in a frame's payload to look first. */
  #faultIn(index: number): number {
    if (this.fault?.frame !== index) return 0;
    const { offset, header } = this.rows(index, 1)[0]!;
    const place = this.fault.offset - offset - (header?.headerLength ?? 0);
    return Math.max(0, Math.floor(place / SHOWN_MOST) * SHOWN_MOST);
  }

  /** Returns `count` rows from the frame numbered `from` on, fewer at the end. */
  rows(from: number, count: number): Row[] {
    const end = Math.min(from + count, this.frames);
    if (from >= end) return [];
    const place = this.#placeOf(from);
    return Array.from({ length: end - from }, () => this.#rowAt(place));
  }

  /** Returns one frame, with SHOWN_MOST bytes of its payload from `from` on, or those among which its fault lies. */
  frame(index: number, from = this.#faultIn(index)): Frame {
    const row = this.rows(index, 1)[0]!;
    const { offset, header } = row;
    const head = this.#bytes.slice(offset, offset + (header?.headerLength ?? HEADER_MOST));
    if (!header) return { ...row, head, size: 0, from: 0, wire: new Uint8Array(), plain: new Uint8Array(), text: '' };
    const size = Math.max(0, Math.min(header.payloadLength, this.length - offset - header.headerLength));
    const { wire, plain } = this.#payload(offset, header, from, SHOWN_MOST);
    return { ...row, head, size, from, wire, plain, text: textOf(row.message, plain, !from && header.opcode !== 0) };
  }
}
