/**
 * The order of sending: one call at a time, a payload that is sent from where it lies, the engine's own control frames
 * between whole frames, and backpressure. Small payloads are copied beside their headers; large ones are not: header and
 * caller's bytes go out together, a stretch at a time, and the call completes when the socket has taken them.
 */
import { OP_CLOSE } from '../../assembly/abi.ts';
import type { Role } from '../codec/decoder.ts';
import type { Transport } from '../transport/transport.ts';
import { PendingWrite } from './call.ts';
import type { Engine } from './engine.ts';
import { E_IO_INCOMPLETE, E_OPERATION_ABORTED, type HResult, S_OK } from './hresult.ts';
import { Outbox } from './outbox.ts';
import { Owed } from './owed.ts';
import { COPY_MOST, locate, located } from './payload.ts';
import { FragmentResult, type WebSocketCompletion } from './result.ts';
import type { Aborting, Completing, Flushing } from './turn.ts';

/** What measures a closing connection's time, which starts again whenever payload goes out. */
export interface MovingClock {
  /** So many bytes of data frames have gone out, since the connection began. */
  moved(bytes: number): void;
}

export class Sender implements Completing, Aborting, Flushing {
  readonly #engine: Engine;
  readonly #transport: Transport;
  readonly #limit: number;
  readonly #outbox: Outbox;

  #call = PendingWrite.none;

  #owed: Owed | null = null;
  #dirty = false;
  #ending = false;
  #gone = false;
  /** A write's call has not returned. */
  #calling = false;
  #clock: MovingClock | null = null;

  bytesSent = 0;
  fragmentsSent = 0;

  constructor(engine: Engine, transport: Transport, role: Role, limit: number) {
    this.#engine = engine;
    this.#transport = transport;
    this.#outbox = new Outbox(engine, transport, role);
    this.#limit = limit;
  }

  /** Whether a call of the context's waits. */
  get waiting(): boolean {
    return this.#call.waiting;
  }

  /** Bytes accepted and not yet taken by the operating system. */
  get unsent(): number {
    return this.#outbox.unsent + this.#outbox.enclosed + this.#call.payload.unsent;
  }

  /** Whether as much is unsent as may be. */
  get full(): boolean {
    return this.#outbox.unsent >= this.#limit;
  }

  /** Whether a PING waits for the end of a frame, or for room. */
  get pingOwed(): boolean {
    return this.#owed?.ping ?? false;
  }

  /** Bytes of data frames that have gone out, since the connection began. */
  get moved(): number {
    return this.#outbox.moved;
  }

  /**
   * Sends what can be sent where there is no room for another frame: before a call is judged, as a stream of the
   * application's own may call the context from inside a write.
   */
  makeRoom(): void {
    if (this.full && !this.#outbox.writing) this.flush();
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
    const room = this.#roomy();
    if (!room || (async && !result) || !(data instanceof FragmentResult) || !this.#outbox.enclose(first, data)) {
      return this.#writeOut(room, first, data, async, utf8, final, completion, completionContext, result);
    }
    const { cbIO } = data;
    this.bytesSent += cbIO;
    this.fragmentsSent++;
    this.#mark();
    result?.finish(cbIO, utf8, final, false);
    return S_OK;
  }

  /** Sends a data frame whose payload is copied to a page or, if it is large, lent to the transport. */
  #writeOut(
    room: boolean,
    first: number,
    data: Uint8Array | FragmentResult,
    async: boolean,
    utf8: boolean,
    final: boolean,
    completion: WebSocketCompletion | null,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): HResult {
    if (!room && (!async || !completion)) return E_IO_INCOMPLETE;
    const { memory } = this.#engine;
    const bytes = locate(data, memory);
    const { at, length } = located;
    this.bytesSent += length;
    this.fragmentsSent++;
    if (length <= COPY_MOST || bytes === memory.bytes || !async || !completion) {
      this.#outbox.frame(first, bytes, at, length);
      this.#mark();
      if (room && (result || !async)) {
        result?.finish(length, utf8, final, false);
        return S_OK;
      }
      this.#own().beginWrite(length, utf8, final, completion!, completionContext, result);
      if (room) this.#complete();
      return S_OK;
    }
    const call = this.#own();
    call.payload.begin(first, bytes, at, length);
    // A stream of the application's own may call the context from inside a write: this call is under way before its first.
    call.beginWrite(length, utf8, final, completion, completionContext, result);
    this.#calling = true;
    this.#proceed();
    this.#calling = false;
    if (call.payload.waits || call.payload.inHands) return S_OK;
    if (result) {
      call.forget();
      result.finish(length, utf8, final, false);
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
    const room = this.#roomy();
    if (!room && (!async || !completion)) return E_IO_INCOMPLETE;
    this.#control(OP_CLOSE, payload);
    if (room && (result || !async)) {
      result?.finish(0, true, true, false);
      return S_OK;
    }
    this.#own().beginWrite(0, true, true, completion!, completionContext, result);
    if (room) this.#complete();
    return S_OK;
  }

  /** Sends a control frame, as soon as no other is part-written. `payload` is copied; EMPTY is that of the engine's own PING. */
  control(opcode: number, payload: Uint8Array): void {
    if (this.#gone) return;
    // §5.5.1: no data frame may follow a CLOSE, so it waits for one that has been accepted and not begun.
    const { waits, midFrame } = this.#call.payload;
    const behind = opcode === OP_CLOSE ? waits : midFrame || this.#owed !== null || !this.#roomy();
    if (behind) (this.#owed ??= new Owed()).add(opcode, payload);
    else this.#control(opcode, payload);
  }

  /** Tells `clock` from now on what goes out. */
  tell(clock: MovingClock): void {
    this.#clock = clock;
    clock.moved(this.#outbox.moved);
  }

  /** Ends the sending side after everything accepted. */
  end(): void {
    this.#ending = true;
    this.#mark();
  }

  /** The transport has let go of what it held. */
  written(): void {
    this.#call.payload.inHands = false;
    this.#outbox.written();
    this.#clock?.moved(this.#outbox.moved);
    if (!this.#gone) this.#advance();
  }

  /** Aborts the waiting call; a frame that is part-written is copied and finished if `whole`, else the last thing sent. */
  cancel(whole: boolean): void {
    const call = this.#call;
    if (!call.waiting || call.aborted || call.due) return;
    call.aborted = true;
    call.hr = E_OPERATION_ABORTED;
    const { payload } = call;
    if (payload.untouched) {
      this.#takeBack();
    } else if (payload.robbed) {
      this.#transport.destroy();
    } else if (payload.waits && whole) {
      payload.copy(this.#outbox);
      this.#mark();
    } else if (payload.waits) {
      payload.forget();
      // What followed would be read as the rest of the payload.
      this.#owed = null;
    }
    // Where the caller's bytes are in the socket's hands, written() completes the call.
    if (!payload.inHands) this.#engine.turn.later(this);
  }

  /** Whether a cancel would take the waiting frame back as if it had never been written. */
  get untouched(): boolean {
    return this.#call.payload.untouched;
  }

  /** Nothing more can be sent. The waiting call completes with `hr`. */
  lost(hr: HResult): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#owed = null;
    this.#outbox.drop();
    const call = this.#call;
    if (!call.waiting) return;
    if (call.payload.untouched) this.#takeBack();
    else call.payload.forget();
    if (!call.aborted) call.hr = hr;
    this.#complete();
  }

  complete(): void {
    if (this.#call.due) this.#call.endWrite(this.#call.hr);
  }

  /** Completes the call that was cancelled; it may be another than the one for which this was asked, and its bytes lent. */
  abort(): void {
    if (this.#call.aborted && !this.#call.payload.inHands) this.#call.endWrite(E_OPERATION_ABORTED);
  }

  /** Completes the waiting call now, as the connection was lost; one that has not returned, in this turn. */
  abandon(): void {
    if (!this.#calling && this.#call.waiting) this.#call.endWrite(this.#call.hr);
  }

  get patient(): boolean {
    return this.#transport.patient && this.#outbox.unsent > 0;
  }

  /** Gives what the turn filled to the transport, in one write. */
  flush(): void {
    this.#dirty = false;
    if (this.#gone) return;
    this.#outbox.send();
    this.#clock?.moved(this.#outbox.moved);
    if (this.#ending && this.#outbox.unsent === 0 && !this.#call.payload.waits && !this.#owed) {
      this.#ending = false;
      this.#transport.end();
    }
  }

  /** The connection's own call, which the first that may have to wait makes. */
  #own(): PendingWrite {
    if (this.#call === PendingWrite.none) this.#call = new PendingWrite();
    return this.#call;
  }

  /** Whether what is unsent leaves room for another frame. What lies in the window holds no memory. */
  #roomy(): boolean {
    return !this.full || this.#outbox.unsent === 0;
  }

  #mark(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#engine.turn.dirty(this);
  }

  /** Has the waiting call's completion run in this turn. */
  #complete(): void {
    this.#call.due = true;
    this.#engine.turn.due(this);
  }

  /** Goes on after the transport has taken a write: the payload under way, then what is owed, then what waited. */
  #advance(): void {
    const call = this.#call;
    const { payload } = call;
    // A payload goes with what waits, not behind it: a peer that pings on and on would have it wait for ever.
    if (payload.midFrame || (payload.waits && this.#roomy())) this.#proceed();
    else if (this.#outbox.waits) this.flush();
    // A flush that is taken at once makes room, and no call of `written` follows it.
    if (payload.waits && this.#roomy()) this.#proceed();
    if (this.#owed && !payload.waits && this.#roomy()) {
      this.#pay();
      this.flush();
    }
    if (call.waiting && !payload.waits && !payload.inHands && (call.aborted || this.#roomy())) this.#complete();
    if (this.#ending) this.#mark();
  }

  /** Sends what is owed. */
  #pay(): void {
    this.#owed?.pay(this.#outbox);
    this.#owed = null;
  }

  /** Takes the waiting frame back, of which nothing has gone out. */
  #takeBack(): void {
    this.#call.payload.forget();
    this.bytesSent -= this.#call.cbIO;
    this.fragmentsSent--;
  }

  /** Sends the payload that lies with the caller, stretch by stretch, as long as the transport takes them at once. */
  #proceed(): void {
    const { payload } = this.#call;
    // A frame without its rest ends the connection, and so the call.
    if (payload.robbed) {
      this.#transport.destroy();
      return;
    }
    while (payload.waits && !this.#outbox.writing) {
      payload.lend(this.#outbox, this.#transport.stretch);
      this.flush();
      payload.inHands = this.#outbox.writing;
    }
  }

  #control(opcode: number, payload: Uint8Array): void {
    // What is owed goes before it, or it would come behind.
    if (opcode === OP_CLOSE) this.#pay();
    this.#outbox.control(opcode, payload);
    this.#mark();
  }
}
