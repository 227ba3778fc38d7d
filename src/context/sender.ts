/**
 * From writes to the socket. Small payloads are copied beside their headers into the turn's send page, and go out in one
 * write when the turn's work is done; large ones are not copied: header and caller's bytes go out together, a stretch at
 * a time, and the call completes when the socket has taken them.
 *
 * One write of the transport is under way at most. What is written meanwhile is stashed, so that a slow connection holds
 * no page but the one in the kernel's hands.
 */
import { HEADER_FINAL, HEADER_MOST, OP_CLOSE, SCRATCH } from '../../assembly/abi.ts';
import { PAGE_SIZE } from '../codec/memory.ts';
import type { Transport } from '../transport/transport.ts';
import { type Aborting, type Completing, type Engine, type Flushing, rethrow } from './engine.ts';
import { E_IO_INCOMPLETE, E_OPERATION_ABORTED, type HResult, S_OK } from './hresult.ts';
import type { Page } from './pages.ts';
import { copy } from './pieces.ts';
import { EMPTY, FragmentResult, lent, type WebSocketCompletion } from './result.ts';

/** A caller's payload longer than this is sent from where it lies. */
const COPY_MOST = 16_384;
const STASH_LEAST = 4096;
/** §5.2: a length up to this stands in the second byte. */
const SHORT_MOST = 125;

interface Owed {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export class Sender implements Completing, Aborting, Flushing {
  readonly #engine: Engine;
  readonly #transport: Transport;
  readonly #limit: number;
  /** Whether frames are masked (RFC 6455 §5.1: by clients). */
  readonly #masks: boolean;

  // The call that waits.
  waiting = false;
  #hr: HResult = S_OK;
  #aborted = false;
  /** Its completion runs in this turn. */
  #due = false;
  #completion: WebSocketCompletion | null = null;
  #completionContext: unknown = undefined;
  #cbIO = 0;
  #utf8 = false;
  #final = false;

  // The stretch that is being filled, and what this turn filled before it.
  #page: Page | null = null;
  #start = 0;
  #end = 0;
  #chunks: Uint8Array[] | null = null;
  #pages: Page[] | null = null;
  #dirty = false;

  // What waits for the write under way, and what that holds.
  #stash: Uint8Array | null = null;
  #stashed = 0;
  #writing = false;
  #writingBytes = 0;
  #writingPages: Page[] | Page | null = null;
  /** Whether it is a stretch of the payload of the call that waits. */
  #lends = false;

  // The payload that is sent from where it lies: its first unsent byte, -1 while its frame has not begun.
  #payload: Uint8Array | null = null;
  #payloadAt = 0;
  #payloadFirst = 0;
  #payloadKey = 0;

  /** Control frames that wait for the end of a frame, or for room. */
  #owed: Owed[] | null = null;
  #ending = false;
  #gone = false;

  /** Bytes accepted and not yet taken by the operating system. */
  unsent = 0;
  bytesSent = 0;
  fragmentsSent = 0;

  constructor(engine: Engine, transport: Transport, role: string, limit: number) {
    this.#engine = engine;
    this.#transport = transport;
    this.#masks = role === 'client';
    this.#limit = limit;
  }

  /** Sends a data frame; `first` is its header's first byte. The call's arguments have been checked. */
  write(
    first: number,
    data: Uint8Array | FragmentResult,
    async: boolean,
    utf8: boolean,
    final: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    const { memory } = this.#engine;
    const view = data instanceof FragmentResult ? (data.bytes ? null : data.data) : data;
    let bytes: Uint8Array;
    let at = 0;
    let length: number;
    if (view === null) {
      ({ bytes, at, cbIO: length } = data as FragmentResult & { bytes: Uint8Array });
    } else if (view === lent.view) {
      ({ bytes, at, length } = lent);
    } else {
      bytes = view;
      length = view.length;
      // A payload that is copied anyway may lie where it will.
      if (length > COPY_MOST && view.buffer === memory.buffer) {
        bytes = memory.bytes;
        at = view.byteOffset;
      }
    }
    const room = this.#ready();
    if (!room && (!async || !completion)) return E_IO_INCOMPLETE;
    this.bytesSent += length;
    this.fragmentsSent++;
    if (length <= COPY_MOST || bytes === memory.bytes || !async || !completion) {
      this.#frame(first, bytes, at, length);
      if (room && (result || !async)) {
        result?.ended(length, utf8, final, false);
        return S_OK;
      }
      this.#wait(length, utf8, final, completion!, completionContext, result);
      if (room) this.#complete();
      return S_OK;
    }
    this.#payload = view ?? (data as FragmentResult).data;
    this.#payloadAt = -1;
    this.#payloadFirst = first;
    // A stream in memory may deliver, and be answered, from inside a write: the call is under way before its first.
    this.#wait(length, utf8, final, completion, completionContext, result);
    if (room) this.#proceed();
    if (this.#payload || this.#writing || !this.waiting || this.#aborted) return S_OK;
    if (result) {
      this.#forget();
      result.ended(length, utf8, final, false);
      return S_OK;
    }
    this.#complete();
    return S_OK;
  }

  /** Sends CLOSE with `payload`, for a caller. */
  close(
    payload: Uint8Array,
    async: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    const room = this.#ready();
    if (!room && (!async || !completion)) return E_IO_INCOMPLETE;
    this.#frame(HEADER_FINAL | OP_CLOSE, payload, 0, payload.length);
    if (room && (result || !async)) {
      result?.ended(0, true, true, false);
      return S_OK;
    }
    this.#wait(0, true, true, completion!, completionContext, result);
    if (room) this.#complete();
    return S_OK;
  }

  /** Sends a control frame of the engine's own, as soon as no other frame is part-written. `payload` is copied. */
  control(opcode: number, payload: Uint8Array): void {
    if (this.#gone) return;
    // §5.5.1: no data frame may follow a CLOSE, so it waits for one that has been accepted and not begun.
    const behind = opcode === OP_CLOSE ? this.#payload !== null : this.#midFrame();
    if (behind || (opcode !== OP_CLOSE && !this.#ready())) this.#owe(opcode, payload.slice());
    else this.#frame(HEADER_FINAL | opcode, payload, 0, payload.length);
  }

  /** Ends the sending side behind everything accepted. */
  end(): void {
    this.#ending = true;
    this.#mark();
  }

  /** The transport has let go of what it held. */
  written(): void {
    this.#taken();
    if (!this.#gone) this.#advance();
  }

  /** Aborts the waiting call; a frame that is part-written is copied and finished if `whole`, else the last thing sent. */
  cancel(whole: boolean): void {
    if (!this.waiting || this.#aborted) return;
    this.#aborted = true;
    this.#due = false;
    this.#hr = E_OPERATION_ABORTED;
    const payload = this.#payload;
    const at = this.#payloadAt;
    if (payload && at < 0) {
      this.#payload = null;
      this.bytesSent -= this.#cbIO;
      this.fragmentsSent--;
    } else if (payload && !this.#broken(payload)) {
      this.#payload = null;
      if (whole) {
        this.#body(payload, at, payload.length - at, at);
        this.#mark();
      } else {
        // What followed would be read as the rest of the payload.
        this.#owed = null;
      }
    }
    // Where the caller's bytes are in the socket's hands, written() completes the call.
    if (!this.#lends) this.#engine.later(this);
  }

  /** Whether a cancel would take the waiting frame back as if it had never been written. */
  get untouched(): boolean {
    return this.#payload !== null && this.#payloadAt < 0;
  }

  /** Nothing more can be sent. The waiting call completes with `hr`. */
  lost(hr: HResult): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#payload = this.#owed = this.#stash = null;
    this.#stashed = 0;
    this.#closeStretch();
    if (this.#pages) for (const page of this.#pages) this.#engine.pages.release(page);
    this.#chunks = this.#pages = null;
    this.unsent = this.#writingBytes;
    if (this.waiting && !this.#aborted) this.#hr = hr;
    if (this.waiting) this.#complete();
  }

  complete(): void {
    if (this.#due) this.#finish(this.#hr);
  }

  /** Completes the call that was cancelled. */
  abort(): void {
    if (this.waiting && this.#aborted) this.#finish(E_OPERATION_ABORTED);
  }

  /** Completes the waiting call now, as the connection was lost. */
  abandon(): void {
    if (this.waiting) this.#finish(this.#hr);
  }

  get patient(): boolean {
    return this.unsent < this.#transport.gathers;
  }

  /** Gives what the turn filled to the transport, in one write. */
  flush(): void {
    this.#dirty = false;
    if (this.#gone) return;
    if (this.#writing) this.#stashStretches();
    else if (this.#chunks || this.#stash) this.#writeAll();
    else if (this.#page) this.#writeStretch();
    if (this.#ending && !this.#writing && this.unsent === 0 && !this.#payload && !this.#owed) {
      this.#ending = false;
      this.#transport.end();
    }
  }

  #midFrame(): boolean {
    return this.#payload !== null && this.#payloadAt >= 0;
  }

  /** Whether what is unsent leaves room for another frame, once what can be sent is. */
  #ready(): boolean {
    if (this.unsent >= this.#limit && !this.#writing && !this.#midFrame()) this.flush();
    return this.#roomy();
  }

  #roomy(): boolean {
    return this.unsent < this.#limit || this.unsent === 0;
  }

  #mark(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#engine.dirty(this);
  }

  #wait(
    cbIO: number,
    utf8: boolean,
    final: boolean,
    completion: WebSocketCompletion,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): void {
    this.waiting = true;
    this.#hr = S_OK;
    this.#cbIO = cbIO;
    this.#utf8 = utf8;
    this.#final = final;
    this.#completion = completion;
    this.#completionContext = completionContext;
    if (result) result.completionExpected = true;
  }

  /** Has the waiting call's completion run in this turn. */
  #complete(): void {
    this.#due = true;
    this.#engine.due(this);
  }

  #finish(hr: HResult): void {
    const completion = this.#completion!;
    const completionContext = this.#completionContext;
    const cbIO = hr === S_OK ? this.#cbIO : 0;
    this.#forget();
    try {
      completion(hr, completionContext, cbIO, this.#utf8, this.#final, false, EMPTY);
    } catch (error) {
      rethrow(error);
    }
  }

  #forget(): void {
    this.waiting = this.#aborted = this.#due = false;
    this.#completion = null;
    this.#completionContext = undefined;
  }

  /** Goes on after the transport has taken a write: the payload under way, then what is owed, then what waited. */
  #advance(): void {
    if (this.#payload && (this.#midFrame() || this.#roomy())) this.#proceed();
    else if (this.#stash || this.#chunks || this.#page) this.flush();
    // A flush that is taken at once makes room, and no call of `written` follows it.
    if (this.#payload && !this.#midFrame() && this.#roomy()) this.#proceed();
    if (!this.#payload && this.#owed) {
      this.#payOwed();
      this.flush();
    }
    if (this.waiting && !this.#payload && !this.#lends && (this.#aborted || this.#roomy())) this.#complete();
    this.#mark();
  }

  #owe(opcode: number, payload: Uint8Array): void {
    // §5.5.3: a peer "MAY elect to send a Pong frame for only the most recently processed Ping frame". Nor is more than one
    // PING worth its bytes to a peer that takes none: its PONG answers those before it too.
    this.#owed = (this.#owed ?? []).filter(owed => owed.opcode !== opcode);
    this.#owed.push({ opcode, payload });
  }

  #payOwed(): void {
    const owed = this.#owed;
    if (!owed || !this.#roomy()) return;
    this.#owed = null;
    for (const { opcode, payload } of owed) this.#frame(HEADER_FINAL | opcode, payload, 0, payload.length);
  }

  /** Sends the payload that lies with the caller, stretch by stretch, as long as the transport takes them at once. */
  #proceed(): void {
    const payload = this.#payload!;
    if (this.#broken(payload)) return;
    if (this.#payloadAt < 0) {
      this.#payloadAt = 0;
      this.#payloadKey = this.#masks ? this.#engine.key() : 0;
      this.#header(this.#payloadFirst, payload.length, this.#payloadKey);
    }
    const { stretch } = this.#transport;
    while (this.#payload && !this.#writing) {
      const at = this.#payloadAt;
      const length = Math.min(stretch, payload.length - at);
      this.#payloadAt = at + length;
      if (this.#masks) {
        this.#body(payload, at, length, at);
      } else {
        this.#closeStretch();
        this.#chunks ??= [];
        this.#chunks.push(new Uint8Array(payload.buffer, payload.byteOffset + at, length));
        this.unsent += length;
      }
      if (this.#payloadAt === payload.length) this.#payload = null;
      this.flush();
      this.#lends = this.#writing;
    }
  }

  /**
   * Whether the caller's bytes, which are the context's until the call completes, are not what they were: their buffer was
   * transferred or resized. A frame without its rest ends the connection, and so the call.
   */
  #broken(payload: Uint8Array): boolean {
    if (payload.length === this.#cbIO) return false;
    this.#transport.destroy();
    return true;
  }

  /** Puts a whole frame into the turn's page, masked if need be. The payload is `length` bytes of `bytes` from `at` on. */
  #frame(first: number, bytes: Uint8Array, at: number, length: number): void {
    const { pages, memory } = this.#engine;
    const key = this.#masks ? this.#engine.key() : 0;
    const { current, fill } = pages;
    if (current.ptr && fill + HEADER_MOST + length <= PAGE_SIZE) {
      this.#open();
      this.#grow(
        bytes === memory.bytes
          ? memory.exports.encode(current.ptr + fill, first, at, length, this.#masks, key)
          : this.#copyFrame(first, bytes, at, length, key),
      );
    } else {
      this.#header(first, length, key);
      this.#payloadKey = key;
      this.#body(bytes, at, length, 0);
    }
    this.#mark();
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

  #header(first: number, length: number, key: number): void {
    const { pages, memory } = this.#engine;
    if (pages.fill + HEADER_MOST > PAGE_SIZE) pages.turn();
    this.#open();
    const { current, fill } = pages;
    const used = memory.exports.writeHeader(
      current.ptr ? current.ptr + fill : SCRATCH,
      first,
      length,
      this.#masks,
      key,
    );
    if (!current.ptr) copy(current.bytes, fill, memory.bytes, SCRATCH, used);
    this.#grow(used);
  }

  /** Copies `length` bytes from `at` on, the payload's from its byte `phase` on, into as many pages as it takes. */
  #body(bytes: Uint8Array, at: number, length: number, phase: number): void {
    const { pages } = this.#engine;
    for (const end = at + length; at < end; ) {
      if (pages.fill === PAGE_SIZE) pages.turn();
      this.#open();
      const { current, fill } = pages;
      const part = Math.min(end - at, PAGE_SIZE - fill);
      copy(current.bytes, fill, bytes, at, part);
      if (this.#masks) this.#mask(current, fill, part, phase);
      this.#grow(part);
      at += part;
      phase += part;
    }
  }

  #mask(page: Page, fill: number, length: number, phase: number): void {
    const bits = (phase & 3) << 3;
    const key = bits ? (this.#payloadKey >>> bits) | (this.#payloadKey << (32 - bits)) : this.#payloadKey;
    if (page.ptr) this.#engine.memory.exports.unmask(page.ptr + fill, length, key);
    else for (let index = 0; index < length; index++) page.bytes[fill + index]! ^= key >>> ((index & 3) << 3);
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
    this.#writing = true;
    this.#writingBytes = chunk.length;
    this.#writingPages = page;
    if (this.#transport.write(chunk)) this.#taken();
  }

  #writeAll(): void {
    this.#closeStretch();
    const chunks = this.#chunks ?? [];
    if (this.#stash) chunks.unshift(this.#stash.subarray(0, this.#stashed));
    this.#writing = true;
    this.#writingPages = this.#pages;
    this.#chunks = this.#pages = this.#stash = null;
    this.#stashed = 0;
    for (const chunk of chunks) this.#writingBytes += chunk.length;
    if (chunks.length === 1 ? this.#transport.write(chunks[0]!) : this.#transport.writev(chunks)) this.#taken();
  }

  /** The write under way is over, and the memory that it held is free. */
  #taken(): void {
    this.#writing = this.#lends = false;
    this.unsent -= this.#writingBytes;
    this.#writingBytes = 0;
    const held = this.#writingPages;
    this.#writingPages = null;
    if (Array.isArray(held)) for (const page of held) this.#engine.pages.release(page);
    else if (held) this.#engine.pages.release(held);
  }

  /** Moves what the turn filled out of its pages, behind what waits already. */
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
    if (this.#pages) for (const page of this.#pages) this.#engine.pages.release(page);
    this.#chunks = this.#pages = null;
  }
}
