/**
 * Frames to pages, pages to the transport. Frames are put one behind the other into the turn's send page, and go out in
 * one write when the turn's work is done, with what of the caller's bytes is sent from where it lies.
 *
 * One write of the transport is under way at most. What is written meanwhile is stashed, so that a slow connection holds
 * no page but the one in the kernel's hands.
 */
import { HEADER_FINAL, HEADER_MOST, SCRATCH } from '../../assembly/abi.ts';
import type { Role } from '../codec/decoder.ts';
import { rotateKey } from '../codec/header.ts';
import { type LinearMemory, PAGE_SIZE } from '../codec/memory.ts';
import type { Transport } from '../transport/transport.ts';
import { copy } from './copy.ts';
import type { Engine, Leaving } from './engine.ts';
import type { Page } from './pages.ts';
import type { FragmentResult } from './result.ts';

const STASH_LEAST = 4096;
/** Up to here the kernel that masks is the quicker copy, with a key of zero. */
const MOVE_BY_WASM = 512;
/** §5.2: a length up to this stands in the second byte. */
const SHORT_MOST = 125;
/** Header bytes of a control frame. */
const CONTROL_UNMASKED = 2;
const CONTROL_MASKED = 6;

export class Outbox implements Leaving {
  readonly #engine: Engine;
  readonly #transport: Transport;
  /** Whether frames are masked (RFC 6455 §5.1: by clients). */
  readonly #masks: boolean;
  /** The key of the frame whose payload follows. */
  #key = 0;

  // The stretch that is being filled, and what was filled before it.
  #page: Page | null = null;
  #start = 0;
  #end = 0;
  #chunks: Uint8Array[] | null = null;
  #pages: Page[] | null = null;

  // The frames that lie in the window, one behind the other, while it is walked.
  #windowStart = 0;
  #windowEnd = 0;

  // What waits for the write under way, and what that holds.
  #stash: Uint8Array | null = null;
  #stashed = 0;
  writing = false;
  #writingBytes = 0;
  #writingPages: Page[] | Page | null = null;

  /** Bytes accepted and not yet taken by the operating system. */
  unsent = 0;
  /** Bytes that the operating system has taken, less those of control frames; not those of a write under way. */
  #moved = 0;

  constructor(engine: Engine, transport: Transport, role: Role) {
    this.#engine = engine;
    this.#transport = transport;
    this.#masks = role === 'client';
  }

  /** Whether there is anything to give to the transport. */
  get waits(): boolean {
    return this.#stash !== null || this.#chunks !== null || this.#page !== null;
  }

  /** Bytes that the operating system has taken, less those of control frames, and of a write under way as far as can be told. */
  get moved(): number {
    const writing = this.#writingBytes;
    return this.#moved + Math.max(0, writing - (this.#transport.untaken ?? writing));
  }

  /** Bytes of frames that lie in the window. */
  get enclosed(): number {
    return this.#windowEnd - this.#windowStart;
  }

  /**
   * Makes a frame of a piece of the window where it lies, if that can be. Decode has left room for a header in front of it;
   * where the piece before it was written too, that room is all that lies between them, and both are one stretch.
   */
  enclose(first: number, piece: FragmentResult): boolean {
    const engine = this.#engine;
    const { memory } = engine;
    const { bytes, at, cbIO: length } = piece;
    if (bytes !== memory.bytes || engine.live.owner === null || !piece.whole) return false;
    const start = at - (length <= SHORT_MOST ? 2 : length < 0x1_0000 ? 4 : 10);
    if (this.#windowEnd !== start && !this.#beginAt(start)) return false;
    if (length <= SHORT_MOST) {
      bytes[start] = first;
      bytes[start + 1] = length;
    } else {
      this.#longHeader(start, first, length);
    }
    this.#windowEnd = at + length;
    return true;
  }

  /** Writes the header of more than 125 bytes at `start`. One of four bytes costs less than a call of wasm. */
  #longHeader(start: number, first: number, length: number): void {
    const { bytes, exports } = this.#engine.memory;
    if (length < 0x1_0000) {
      bytes[start] = first;
      bytes[start + 1] = 126;
      bytes[start + 2] = length >> 8;
      bytes[start + 3] = length;
    } else {
      exports.writeHeader(start, first, length, false, 0);
    }
  }

  /** Begins a stretch of frames in the window, if that can be. */
  #beginAt(start: number): boolean {
    const engine = this.#engine;
    if (this.#masks) return false;
    if (this.#windowEnd) this.leave();
    if (engine.resident || this.writing) return false;
    engine.resident = this;
    this.#windowStart = start;
    return true;
  }

  /** Has the frames leave the window: to the kernel where they are many bytes, as far as it takes them, or to a page. */
  leave(): void {
    const end = this.#windowEnd;
    if (!end) return;
    const { memory } = this.#engine;
    let at = this.#windowStart;
    this.#windowStart = this.#windowEnd = 0;
    this.#engine.resident = null;
    if (end - at >= this.#transport.takeLeast && !this.waits) {
      const taken = this.#transport.take(memory.bytes, at, end - at);
      this.#moved += taken;
      at += taken;
    }
    if (at < end) this.body(memory.bytes, at, end - at, 0);
  }

  /** Puts a whole frame into the turn's page, masked if need be. The payload is `length` bytes of `bytes` from `at` on. */
  frame(first: number, bytes: Uint8Array, at: number, length: number): void {
    const { pages, memory } = this.#engine;
    if (this.#windowEnd) this.leave();
    const { current, fill } = pages;
    if (current.ptr && fill + HEADER_MOST + length <= PAGE_SIZE) {
      this.#open();
      const key = this.#masks ? this.#engine.key() : 0;
      this.#grow(
        bytes === memory.bytes
          ? memory.exports.encode(current.ptr + fill, first, at, length, this.#masks, key)
          : this.#copyFrame(first, bytes, at, length, key),
      );
    } else {
      this.header(first, length);
      this.body(bytes, at, length, 0);
    }
  }

  /** Puts a frame whose payload lies elsewhere into the turn's page, which has room. Returns its bytes. */
  #copyFrame(first: number, bytes: Uint8Array, at: number, length: number, key: number): number {
    const { pages, memory } = this.#engine;
    const { current, fill } = pages;
    const ptr = current.ptr + fill;
    let used = 2;
    if (this.#masks || length > SHORT_MOST) {
      used = memory.exports.writeHeader(ptr, first, length, this.#masks, key);
    } else {
      current.bytes[fill] = first;
      current.bytes[fill + 1] = length;
    }
    copy(current.bytes, fill + used, bytes, at, length);
    if (this.#masks) memory.exports.unmask(ptr + used, length, key);
    return used + length;
  }

  /** Puts a control frame there. Its bytes are taken off before they are counted, so that it moves nothing. */
  control(opcode: number, payload: Uint8Array): void {
    this.#moved -= (this.#masks ? CONTROL_MASKED : CONTROL_UNMASKED) + payload.length;
    this.frame(HEADER_FINAL | opcode, payload, 0, payload.length);
  }

  /** Begins a frame of `length` bytes, which follow by `body` or `lend`. */
  header(first: number, length: number): void {
    const { pages, memory } = this.#engine;
    if (this.#windowEnd) this.leave();
    this.#key = this.#masks ? this.#engine.key() : 0;
    if (pages.fill + HEADER_MOST > PAGE_SIZE) pages.next();
    this.#open();
    const { current, fill } = pages;
    const used = memory.exports.writeHeader(
      current.ptr ? current.ptr + fill : SCRATCH,
      first,
      length,
      this.#masks,
      this.#key,
    );
    if (!current.ptr) copy(current.bytes, fill, memory.bytes, SCRATCH, used);
    this.#grow(used);
  }

  /** Copies `length` bytes from `at` on, the payload's from its byte `phase` on, into as many pages as it takes. */
  body(bytes: Uint8Array, at: number, length: number, phase: number): void {
    const { pages, memory } = this.#engine;
    for (const end = at + length; at < end; ) {
      if (pages.fill === PAGE_SIZE) pages.next();
      this.#open();
      const { current, fill } = pages;
      const part = Math.min(end - at, PAGE_SIZE - fill);
      const key = this.#masks ? rotateKey(this.#key, phase) : 0;
      if (current.ptr && bytes === memory.bytes) {
        move(memory, current.ptr + fill, at, part, key);
      } else {
        copy(current.bytes, fill, bytes, at, part);
        if (key) mask(memory, current, fill, part, key);
      }
      this.#grow(part);
      at += part;
      phase += part;
    }
  }

  /** Gives `length` bytes of the caller's payload from `at` on as they lie; those that must be masked are copied. */
  lend(payload: Uint8Array, at: number, length: number): void {
    if (this.#masks) {
      this.body(payload, at, length, at);
      return;
    }
    this.#closeStretch();
    this.#chunks ??= [];
    this.#chunks.push(new Uint8Array(payload.buffer, payload.byteOffset + at, length));
    this.unsent += length;
  }

  /** Gives what is here to the transport, in one write; while another is under way, it waits. */
  send(): void {
    if (this.#windowEnd) this.leave();
    if (this.writing) this.#stashStretches();
    else if (this.#chunks || this.#stash) this.#writeAll();
    else if (this.#page) this.#writeStretch();
  }

  /** The write under way is over, and the memory that it held is free. */
  written(): void {
    this.writing = false;
    this.unsent -= this.#writingBytes;
    this.#moved += this.#writingBytes;
    this.#writingBytes = 0;
    const held = this.#writingPages;
    this.#writingPages = null;
    if (Array.isArray(held)) for (const page of held) this.#engine.pages.release(page);
    else if (held) this.#engine.pages.release(held);
  }

  /** Forgets what has not been given to the transport. */
  drop(): void {
    if (this.#windowEnd) {
      this.#windowStart = this.#windowEnd = 0;
      this.#engine.resident = null;
    }
    this.#closeStretch();
    this.#releasePages();
    this.#stash = null;
    this.#stashed = 0;
    this.unsent = this.#writingBytes;
  }

  /** Makes the stretch that is being filled end where the turn's page goes on. */
  #open(): void {
    const { pages } = this.#engine;
    if (this.#page === pages.current && this.#end === pages.fill) return;
    this.#closeStretch();
    this.#page = pages.current;
    this.#page.held++;
    this.#start = this.#end = pages.fill;
  }

  #grow(length: number): void {
    this.#end = this.#engine.pages.fill += length;
    this.unsent += length;
  }

  #closeStretch(): void {
    const page = this.#page;
    if (!page) return;
    this.#page = null;
    this.#chunks ??= [];
    this.#pages ??= [];
    this.#chunks.push(page.view(this.#start, this.#end));
    this.#pages.push(page);
  }

  #writeStretch(): void {
    const page = this.#page!;
    const chunk = page.view(this.#start, this.#end);
    this.#page = null;
    this.writing = true;
    this.#writingBytes = chunk.length;
    this.#writingPages = page;
    if (this.#transport.write(chunk)) this.written();
  }

  #writeAll(): void {
    this.#closeStretch();
    const chunks = this.#chunks ?? [];
    if (this.#stash) chunks.unshift(this.#stash.subarray(0, this.#stashed));
    this.writing = true;
    this.#writingPages = this.#pages;
    this.#chunks = this.#pages = this.#stash = null;
    this.#stashed = 0;
    for (const chunk of chunks) this.#writingBytes += chunk.length;
    if (chunks.length === 1 ? this.#transport.write(chunks[0]!) : this.#transport.writev(chunks)) this.written();
  }

  /** Moves what the turn filled out of its pages, after what waits already. */
  #stashStretches(): void {
    this.#closeStretch();
    if (!this.#chunks) return;
    for (const chunk of this.#chunks) {
      const needed = this.#stashed + chunk.length;
      if (!this.#stash || needed > this.#stash.length) {
        const larger = new Uint8Array(Math.max(STASH_LEAST, needed, 2 * (this.#stash?.length ?? 0)));
        if (this.#stash) larger.set(this.#stash.subarray(0, this.#stashed));
        this.#stash = larger;
      }
      this.#stash.set(chunk, this.#stashed);
      this.#stashed = needed;
    }
    this.#releasePages();
  }

  #releasePages(): void {
    if (this.#pages) for (const page of this.#pages) this.#engine.pages.release(page);
    this.#chunks = this.#pages = null;
  }
}

/** Copies inside linear memory, and masks on the way where the key is not zero. */
function move(memory: LinearMemory, dest: number, src: number, length: number, key: number): void {
  if (key || length <= MOVE_BY_WASM) memory.exports.maskCopy(dest, src, length, key);
  else memory.bytes.copyWithin(dest, src, src + length);
}

function mask(memory: LinearMemory, page: Page, fill: number, length: number, key: number): void {
  if (page.ptr) memory.exports.unmask(page.ptr + fill, length, key);
  else for (let index = 0; index < length; index++) page.bytes[fill + index]! ^= key >>> ((index & 3) << 3);
}
