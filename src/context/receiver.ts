/**
 * From fragments to reads. A fragment goes to the read that waits for it, copied into the caller's buffer or lent where
 * it lies; what no read took is copied out once, before the window is lost, and above `receiveBufferLimit` the socket
 * is paused. CLOSE, fault and end follow the last piece, and are delivered once.
 */
import { FLAG_CONTROL, FLAG_OPCODE, FRAGMENTS, ROLE_CLIENT, ROLE_SERVER, WINDOW } from '../../assembly/abi.ts';
import type { Role } from '../codec/decoder.ts';
import { NEXT_WORD } from '../codec/memory.ts';
import { PendingRead, untold } from './call.ts';
import type { Engine } from './engine.ts';
import {
  E_CONNECTION_INVALID,
  E_ILLEGAL_METHOD_CALL,
  E_IO_INCOMPLETE,
  E_OPERATION_ABORTED,
  type HResult,
  S_OK,
} from './hresult.ts';
import { type Pieces, WORDS } from './pieces.ts';
import type { FragmentResult, WebSocketCompletion } from './result.ts';
import type { Aborting, Completing } from './turn.ts';
import { FRAGMENT_COST, Unread } from './unread.ts';

/** Walks are counted to here and again from 1: small integers, which V8 keeps in no box. */
const WALKS = 0x3fff_ffff;

/** What the receiver tells its context. */
export interface ReceiverOwner {
  /** A control frame, whole; `bytes` are lost when this returns. */
  control(opcode: number, bytes: Uint8Array): void;
  faulted(rule: number): void;
  /** What was received is not here any more. */
  robbed(): void;
  /** CLOSE, fault or end has been delivered. */
  delivered(): void;
  pause(): void;
  resume(): void;
}

export class Receiver implements Completing, Aborting {
  readonly #owner: ReceiverOwner;
  readonly #engine: Engine;
  readonly #limit: number;
  /** The decoder's record, 0 once the receiving side has ended: what still arrives is discarded. */
  #record: number;

  readonly #call = new PendingRead();

  // The walk of the window: what of it has not been decoded, and who was lent the last fragment beyond the callback.
  #next = 0;
  #last = 0;
  #lent: FragmentResult | null = null;

  #unread = Unread.nothing;
  paused = false;

  /** What follows the last piece: S_OK for CLOSE, undefined while more may come. */
  end: HResult | undefined = undefined;
  /** Whether that has been delivered. */
  endDelivered = false;

  bytesReceived = 0;
  fragmentsReceived = 0;

  constructor(owner: ReceiverOwner, engine: Engine, record: number, role: Role, limit: number, messageLimit: number) {
    this.#owner = owner;
    this.#engine = engine;
    this.#record = record;
    this.#limit = limit;
    engine.memory.exports.openDecoder(record, role === 'server' ? ROLE_SERVER : ROLE_CLIENT, true, messageLimit);
  }

  /** Whether a read waits. */
  get waiting(): boolean {
    return this.#call.waiting;
  }

  /** Whether nothing is left to deliver. */
  get drained(): boolean {
    return this.endDelivered && this.#unread.head === null;
  }

  /** Payload bytes received and not yet read. */
  get buffered(): number {
    return this.#unread.bytes;
  }

  /** How much of what was received has been read: bytes, and something for each fragment. */
  get taken(): number {
    return this.bytesReceived + this.fragmentsReceived * FRAGMENT_COST - this.#unread.cost;
  }

  /** Begins to walk the `length` bytes in the window. */
  received(length: number): void {
    const { live } = this.#engine;
    live.owner = this.#lent = null;
    live.walk = (live.walk % WALKS) + 1;
    this.#next = WINDOW;
    this.#last = WINDOW + length;
  }

  /**
   * Walks on. Returns false where a reader was given a fragment, now or as `waits` says before, and may ask for the next in
   * a microtask; once these have run, what is left is copied.
   */
  goOn(waits: boolean): boolean {
    const engine = this.#engine;
    const { live, memory } = engine;
    for (;;) {
      if (live.owner === this) {
        while (this.#call.waiting && !this.#call.aborted) {
          const pieces = this.#pieces();
          if (!pieces) break;
          this.#serve(pieces);
          engine.turn.runDue();
          waits = true;
        }
        if (waits && (live.cursor < live.limit || this.#lent?.inWindow)) return false;
        engine.resident?.leave();
        this.#gather();
        this.#lent?.keep();
        this.#lent = null;
        live.owner = null;
      }
      if (!this.#record || this.#next >= this.#last) break;
      const count = memory.exports.decode(this.#record, this.#next, this.#last);
      this.#next = memory.words[NEXT_WORD]!;
      if (count < 0) {
        this.#owner.faulted(-count);
        break;
      }
      live.cursor = FRAGMENTS >> 2;
      live.limit = live.cursor + count * WORDS;
      live.owner = this;
    }
    this.complete();
    return true;
  }

  read(
    data: Uint8Array | null,
    async: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    // To look for the next piece may answer a PING, by a stream of the application's own, which may read here meanwhile.
    const pieces = this.#call.waiting ? null : this.#pieces();
    if (!pieces || this.#call.waiting || (async && !result)) {
      return this.#wait(pieces, data, async, completion, completionContext, result);
    }
    this.#take(pieces, data, result ?? untold);
    return S_OK;
  }

  /** Reads where there is nothing to take, where it is to be told later, or not at all where another read waits. */
  #wait(
    pieces: Pieces | null,
    data: Uint8Array | null,
    async: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    if (this.#call.waiting) return E_ILLEGAL_METHOD_CALL;
    if (!pieces) {
      if (this.endDelivered) return this.end === S_OK ? E_ILLEGAL_METHOD_CALL : E_CONNECTION_INVALID;
      const { end } = this;
      if (end !== undefined && (end !== S_OK || result || !async)) {
        this.endDelivered = true;
        this.#owner.delivered();
        result?.finish(0, false, end === S_OK, end === S_OK);
        return end;
      }
      if (!async || !completion) return E_IO_INCOMPLETE;
    }
    this.#call.beginRead(data, completion!, completionContext, result);
    if (this.#unread.head || this.end !== undefined) this.#engine.turn.due(this);
    return S_OK;
  }

  /** Delivers to the waiting read what can be delivered to it. */
  complete(): void {
    if (!this.#call.waiting || this.#call.aborted) return;
    const pieces = this.#pieces();
    if (pieces) this.#serve(pieces);
    else if (this.end !== undefined) {
      this.endDelivered = true;
      this.#call.endRead(this.end, this.end === S_OK);
      this.#owner.delivered();
    }
  }

  /** Puts CLOSE (S_OK), a fault or an end after the last piece. The first one counts. */
  endWith(end: HResult): void {
    this.#freeRecord();
    if (this.end !== undefined) return;
    this.end = end;
    if (this.paused) this.#resume();
    if (this.#call.waiting) this.#engine.turn.due(this);
  }

  /** Completes the waiting read with E_OPERATION_ABORTED in a later turn. */
  cancel(): void {
    if (!this.#call.waiting || this.#call.aborted) return;
    this.#call.aborted = true;
    this.#engine.turn.later(this);
  }

  /** Forgets what was received and not read: nothing more is delivered. */
  discard(): void {
    this.#forget();
    this.endDelivered = true;
  }

  /** Completes the read that was cancelled. */
  abort(): void {
    if (this.#call.aborted) this.#call.endRead(E_OPERATION_ABORTED, false);
  }

  /** Completes the waiting read with E_OPERATION_ABORTED now. */
  abandon(): void {
    if (this.#call.waiting) this.#call.endRead(E_OPERATION_ABORTED, false);
  }

  /** The pieces that come next, null where none is here. */
  #pieces(): Pieces | null {
    const { live } = this.#engine;
    const { cursor } = live;
    const here = live.owner === this && this.#unread.head === null && cursor < live.limit;
    return here && !(live.table[cursor + 2]! & FLAG_CONTROL) ? live : this.#search();
  }

  /** Looks for them where they are not the window's next. */
  #search(): Pieces | null {
    const { head } = this.#unread;
    if (head?.intact) return head;
    if (head) {
      // What follows would pass for what is missing.
      this.#forget();
      this.#owner.robbed();
    }
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

  /** Takes the next of the pieces, to `data` or as it lies, and has `result` tell of it. */
  #take(pieces: Pieces, data: Uint8Array | null, result: FragmentResult): void {
    if (data !== null) {
      const whole = pieces.fill(data, result);
      this.#count(pieces, result.cbIO, whole);
    } else {
      this.#count(pieces, pieces.lend(result), true);
      if (result.lasting) this.#keepLater(result);
    }
  }

  /** Has what was lent for longer than the callback copied before the window is lost, and what was so lent before, now. */
  #keepLater(result: FragmentResult): void {
    if (this.#lent !== result) this.#lent?.keep();
    this.#lent = result;
  }

  /** Counts what was taken: `length` bytes of a fragment, of which none is left if `whole`. */
  #count(pieces: Pieces, length: number, whole: boolean): void {
    if (pieces.walk) {
      this.bytesReceived += length;
      if (whole) this.fragmentsReceived++;
    } else {
      this.#countUnread(length, whole);
    }
  }

  #countUnread(length: number, whole: boolean): void {
    const unread = this.#unread;
    unread.taken(length, whole);
    if (this.paused && unread.cost <= this.#limit) this.#resume();
  }

  #serve(pieces: Pieces): void {
    const call = this.#call;
    this.#take(pieces, call.data, call.result);
    call.endTaken();
  }

  /** Copies out of the window what no read took. */
  #gather(): void {
    const { live } = this.#engine;
    while (live.cursor < live.limit) {
      const flags = live.table[live.cursor + 2]!;
      if (flags & FLAG_CONTROL) {
        this.#control(live, flags);
      } else {
        if (this.#unread === Unread.nothing) this.#unread = new Unread();
        const unread = this.#unread;
        const before = unread.bytes;
        this.fragmentsReceived += unread.gather(live);
        this.bytesReceived += unread.bytes - before;
      }
    }
    if (this.#unread.cost > this.#limit && !this.paused && this.#record) {
      this.paused = true;
      this.#owner.pause();
    }
  }

  /** Puts E_OPERATION_ABORTED in the place of what was received and not read. */
  #forget(): void {
    this.#freeRecord();
    this.#unread = Unread.nothing;
    if (this.#engine.live.owner === this) this.#engine.live.limit = this.#engine.live.cursor;
    if (!this.endDelivered) this.end = E_OPERATION_ABORTED;
    if (this.paused) this.#resume();
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
