/**
 * From fragments to reads. A fragment goes to the read that waits for it, copied into the caller's buffer or lent where
 * it lies; what no read took is copied out once, before the window is lost, and above `receiveBufferLimit` the socket
 * is paused. CLOSE, fault and end stand behind the last piece, and are delivered once.
 */
import { FLAG_CONTROL, FLAG_OPCODE, FRAGMENTS, ROLE_CLIENT, ROLE_SERVER, WINDOW } from '../../assembly/abi.ts';
import { NEXT_WORD } from '../codec/memory.ts';
import { PendingCall } from './call.ts';
import type { Completing, Engine } from './engine.ts';
import {
  E_CONNECTION_INVALID,
  E_ILLEGAL_METHOD_CALL,
  E_IO_INCOMPLETE,
  E_OPERATION_ABORTED,
  type HResult,
  S_OK,
} from './hresult.ts';
import { copy, Pieces, WORDS } from './pieces.ts';
import { EMPTY, type FragmentResult, lend, type WebSocketCompletion } from './result.ts';

/** What a fragment costs beside its bytes, so that empty ones count too. */
const FRAGMENT_COST = 32;
/** Walks are counted round and round, in numbers that are quick. */
const WALKS = 0x3fff_ffff;
const GATHER_LEAST = 256;
const GATHER_MOST = 65_536;

/** What the receiver tells its context. */
export interface ReceiverOwner {
  /** A control frame, whole; `bytes` are lost when this returns. */
  control(opcode: number, bytes: Uint8Array): void;
  faulted(rule: number): void;
  /** CLOSE, fault or end has been delivered. */
  delivered(): void;
  pause(): void;
  resume(): void;
}

export class Receiver implements Completing {
  readonly #owner: ReceiverOwner;
  readonly #engine: Engine;
  readonly #limit: number;
  /** The decoder's record, 0 once the receiving side has ended: what still arrives is discarded. */
  #record: number;

  // The read that waits.
  readonly #call = new PendingCall();
  #buffer: Uint8Array | null = null;
  #result: FragmentResult | undefined;

  // What no read took.
  #head: Pieces | null = null;
  #tail: Pieces | null = null;
  #cost = 0;
  paused = false;

  /** What stands behind the last piece: S_OK for CLOSE, undefined while more may come. */
  end: HResult | undefined = undefined;
  /** Whether that has been delivered. */
  ended = false;

  bytesReceived = 0;
  fragmentsReceived = 0;
  /** Payload bytes received and not yet read. */
  buffered = 0;

  constructor(owner: ReceiverOwner, engine: Engine, record: number, role: string, limit: number, messageLimit: number) {
    this.#owner = owner;
    this.#engine = engine;
    this.#record = record;
    this.#limit = limit;
    engine.memory.exports.openDecoder(record, role === 'server' ? ROLE_SERVER : ROLE_CLIENT, true, messageLimit);
  }

  /** Whether nothing is left to deliver. */
  get drained(): boolean {
    return this.ended && this.#head === null;
  }

  /** Walks the `length` bytes in the window. */
  received(length: number): void {
    const { live, memory } = this.#engine;
    const end = WINDOW + length;
    live.owner = null;
    let ptr = WINDOW;
    live.walk = (live.walk % WALKS) + 1;
    while (this.#record && ptr < end) {
      const count = memory.exports.decode(this.#record, ptr, end);
      ptr = memory.words[NEXT_WORD]!;
      if (count < 0) {
        this.#owner.faulted(-count);
        break;
      }
      live.cursor = FRAGMENTS >> 2;
      live.limit = live.cursor + count * WORDS;
      live.owner = this;
      while (this.#call.waiting && !this.#call.aborted) {
        const pieces = this.#pieces();
        if (!pieces) break;
        this.#serve(pieces);
        this.#engine.runDue();
      }
      this.#engine.resident?.leave();
      this.#gather();
      live.owner = null;
    }
    this.complete();
  }

  read(
    data: Uint8Array | null,
    async: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    if (this.#call.waiting) return E_ILLEGAL_METHOD_CALL;
    const pieces = this.#pieces();
    if (!pieces) {
      if (this.ended) return this.end === S_OK ? E_ILLEGAL_METHOD_CALL : E_CONNECTION_INVALID;
      const { end } = this;
      if (end !== undefined && (end !== S_OK || result || !async)) {
        this.ended = true;
        this.#owner.delivered();
        result?.ended(0, false, end === S_OK, end === S_OK);
        return end;
      }
      if (!async || !completion) return E_IO_INCOMPLETE;
    } else if (result || !async) {
      this.#take(pieces, data);
      if (result) this.#tell(pieces, data, result);
      return S_OK;
    }
    this.#buffer = data;
    this.#result = result;
    this.#call.begin(completion!, completionContext, result);
    if (this.#head || this.end !== undefined) this.#engine.due(this);
    return S_OK;
  }

  /** Delivers to the waiting read what can be delivered to it. */
  complete(): void {
    if (!this.#call.waiting || this.#call.aborted) return;
    const pieces = this.#pieces();
    if (pieces) this.#serve(pieces);
    else if (this.end !== undefined) {
      const closed = this.end === S_OK;
      this.ended = true;
      this.#finish(this.end, 0, false, closed, closed, EMPTY);
      this.#owner.delivered();
    }
  }

  /** Puts CLOSE (S_OK), a fault or an end behind the last piece. The first one counts. */
  finish(end: HResult): void {
    this.#freeRecord();
    if (this.end !== undefined) return;
    this.end = end;
    if (this.paused) this.#resume();
    if (this.#call.waiting) this.#engine.due(this);
  }

  /** Completes the waiting read with E_OPERATION_ABORTED in a later turn. */
  cancel(): void {
    if (!this.#call.waiting || this.#call.aborted) return;
    this.#call.aborted = true;
    this.#engine.later(this);
  }

  /** Forgets what was received and not read: nothing more is delivered. */
  discard(): void {
    this.#freeRecord();
    this.#head = this.#tail = null;
    this.#cost = this.buffered = 0;
    if (this.#engine.live.owner === this) this.#engine.live.limit = this.#engine.live.cursor;
    if (!this.ended) this.end = E_OPERATION_ABORTED;
    this.ended = true;
    if (this.paused) this.#resume();
  }

  /** Completes the read that was cancelled. */
  abort(): void {
    if (this.#call.aborted) this.#finish(E_OPERATION_ABORTED, 0, false, false, false, EMPTY);
  }

  /** Completes the waiting read with E_OPERATION_ABORTED now. */
  abandon(): void {
    if (this.#call.waiting) this.#finish(E_OPERATION_ABORTED, 0, false, false, false, EMPTY);
  }

  /** The pieces that come next, null where none is here. */
  #pieces(): Pieces | null {
    if (this.#head) return this.#head;
    const { live } = this.#engine;
    if (live.owner !== this) return null;
    while (live.cursor < live.limit) {
      const flags = live.table[live.cursor + 2]!;
      if (!(flags & FLAG_CONTROL)) return live;
      this.#control(live, flags);
    }
    return null;
  }

  #control(live: Pieces, flags: number): void {
    const { table, cursor } = live;
    live.cursor = cursor + WORDS;
    const at = table[cursor]!;
    this.#owner.control(flags & FLAG_OPCODE, live.bytes.subarray(at, at + table[cursor + 1]!));
  }

  #take(pieces: Pieces, data: Uint8Array | null): void {
    const { cursor } = pieces;
    pieces.take(data);
    this.#count(pieces, pieces.cursor !== cursor);
  }

  /** Tells an inline read what was taken. */
  #tell(pieces: Pieces, data: Uint8Array | null, result: FragmentResult): void {
    result.completionExpected = result.connectionClose = false;
    result.utf8Encoded = pieces.utf8;
    result.finalFragment = pieces.final;
    result.ascii = pieces.ascii;
    if (data !== null) result.lies(data, 0, pieces.length, 0, null);
    else result.lies(pieces.bytes, pieces.at, pieces.length, pieces.walk, pieces.walk ? null : pieces);
  }

  /** Counts what was taken: the `whole` fragment, or a part. */
  #count(pieces: Pieces, whole: boolean): void {
    const { length } = pieces;
    if (pieces === this.#head) {
      this.buffered -= length;
      this.#cost -= whole ? length + FRAGMENT_COST : length;
      if (pieces.empty) {
        this.#head = pieces.next;
        if (!this.#head) this.#tail = null;
        pieces.finish();
      }
      if (this.paused && this.#cost <= this.#limit) this.#resume();
    } else {
      this.bytesReceived += length;
      if (whole) this.fragmentsReceived++;
    }
  }

  #serve(pieces: Pieces): void {
    const buffer = this.#buffer;
    const result = this.#result;
    this.#take(pieces, buffer);
    const { length } = pieces;
    if (result) this.#tell(pieces, buffer, result);
    let data: Uint8Array;
    if (buffer !== null) data = part(buffer, length);
    else data = result ? result.data : lend(pieces.bytes, pieces.at, length);
    this.#finish(S_OK, length, pieces.utf8, pieces.final, false, data);
  }

  #finish(hr: HResult, cbIO: number, utf8: boolean, final: boolean, close: boolean, data: Uint8Array): void {
    this.#buffer = null;
    this.#result = undefined;
    this.#call.end(hr, cbIO, utf8, final, close, data);
  }

  /** Copies out of the window what no read took. */
  #gather(): void {
    const { live } = this.#engine;
    while (live.cursor < live.limit) {
      const flags = live.table[live.cursor + 2]!;
      if (flags & FLAG_CONTROL) this.#control(live, flags);
      else this.#gatherRun(live);
    }
    if (this.#cost > this.#limit && !this.paused && this.#record) {
      this.paused = true;
      this.#owner.pause();
    }
  }

  /** Copies a run of data fragments with the few header bytes between them, and their rows of the table. */
  #gatherRun(live: Pieces): void {
    const { table, cursor: first, limit } = live;
    let last = first;
    let bytes = 0;
    while (last < limit && !(table[last + 2]! & FLAG_CONTROL)) {
      bytes += table[last + 1]!;
      last += WORDS;
    }
    const start = table[first]!;
    const span = table[last - WORDS]! + table[last - WORDS + 1]! - start;
    const count = (last - first) / WORDS;
    const pieces = this.#room(span, count);
    const moved = pieces.used - start;
    copy(pieces.bytes, pieces.used, live.bytes, start, span);
    for (let word = first; word < last; word += WORDS) {
      pieces.table[pieces.limit] = table[word]! + moved;
      pieces.table[pieces.limit + 1] = table[word + 1]!;
      pieces.table[pieces.limit + 2] = table[word + 2]!;
      pieces.limit += WORDS;
    }
    pieces.used += span;
    live.cursor = last;
    this.buffered += bytes;
    this.#cost += bytes + count * FRAGMENT_COST;
    this.bytesReceived += bytes;
    this.fragmentsReceived += count;
  }

  /** The last of the gathered pieces, where they have room; else new ones, larger than the last. */
  #room(bytes: number, count: number): Pieces {
    const tail = this.#tail;
    if (tail && tail.used + bytes <= tail.bytes.length && tail.limit + count * WORDS <= tail.table.length) return tail;
    const size = tail ? Math.min(Math.max(GATHER_LEAST, tail.bytes.length * 2), GATHER_MOST) : 0;
    const pieces = Pieces.of(Math.max(bytes, size), Math.max(count, size / FRAGMENT_COST));
    if (tail) tail.next = pieces;
    else this.#head = pieces;
    this.#tail = pieces;
    return pieces;
  }

  #resume(): void {
    this.paused = false;
    this.#owner.resume();
  }

  #freeRecord(): void {
    if (!this.#record) return;
    this.#engine.memory.records.give(this.#record);
    this.#record = 0;
  }
}

/** The part of the caller's buffer that was read to. */
function part(buffer: Uint8Array, length: number): Uint8Array {
  return buffer.length === length ? buffer : new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
