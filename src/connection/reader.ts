/**
 * The receiving half: one read of the context's at a time, and one caller who waits for it, for a fragment or a whole
 * message. The two need not be there together. A caller who is cancelled leaves the read behind, and what it brings is
 * parked for the next. While the connection closes, so is what comes between two steps of an iteration; what nobody waits
 * for is discarded.
 */
import type { IWebSocketContext } from '../context/contract.ts';
import { WebSocketError } from '../context/error.ts';
import {
  E_ILLEGAL_METHOD_CALL,
  E_IO_INCOMPLETE,
  E_OPERATION_ABORTED,
  FAILED,
  type HResult,
  S_OK,
} from '../context/hresult.ts';
import { EMPTY, FragmentResult } from '../context/result.ts';
import { Draining } from './draining.ts';
import { busy, checkSignal, failure, over } from './failure.ts';
import { CLOSE, LentFragment, type ReceivedFragment } from './fragment.ts';
import { copyOf, Gathering, keep, type Message } from './message.ts';
import { Parked } from './parked.ts';
import { Waiting } from './waiting.ts';

export interface ReceiveOptions {
  /** Where to read to; without it the bytes are the caller's to keep. */
  buffer?: Uint8Array;
  /** Lends the fragment: it is good until the next receive, which brings the same object, so one is awaited before another. */
  lend?: boolean;
  signal?: AbortSignal;
}

export interface ReaderOwner {
  /** The peer's CLOSE has been read, by an iteration or by another. */
  closeReceived(iterating: boolean): void;
  /** Reading has failed, and ends. */
  failed(error: WebSocketError): void;
  tooLarge(): WebSocketError;
}

/** Node's own, whatever a test puts in its place. */
const { setImmediate } = globalThis;
const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };
/** Looked at as soon as a call has returned, so one serves all. */
const place = new FragmentResult();

export class Reader {
  readonly #context: IWebSocketContext;
  readonly #owner: ReaderOwner;
  readonly #gathering: Gathering;
  /** What may be parked for an iteration, at the most; 0 for no limit. */
  readonly #limit: number;
  readonly #waiting = new Waiting();

  // The read of the context's: whether one is under way, into the caller's own buffer, cancelled only to begin again.
  #reading = false;
  #direct = false;
  #again = false;
  /** What it tells. */
  #told = place;

  readonly #parked = new Parked();
  /** An iteration is under way, though it may not have asked for its next message yet. */
  #iterating = false;
  /** More came than is parked for it. */
  #overflow: WebSocketError | undefined;
  /** What receives that allow it are lent. */
  #lent: LentFragment | null = null;
  /** The peer's CLOSE has been read, and told to somebody. */
  #closed = false;
  /** It has been read when nobody asked. */
  #unheard = false;
  #failure: WebSocketError | undefined;
  readonly #draining = new Draining();

  constructor(context: IWebSocketContext, owner: ReaderOwner, limit: number) {
    this.#context = context;
    this.#owner = owner;
    this.#limit = limit;
    this.#gathering = new Gathering(limit, () => owner.tooLarge());
  }

  /** Reads one fragment. */
  receive(options?: ReceiveOptions): Promise<ReceivedFragment> {
    const buffer = options?.buffer ?? null;
    const signal = options?.signal;
    const lend = options?.lend ?? false;
    try {
      if (signal) checkSignal(signal);
      // A read that may be cancelled must not write to the caller's buffer afterwards: it is lent, then copied.
      const fragment = this.#receive(buffer, signal ? null : buffer, lend, true);
      if (fragment) return fragment === this.#lent ? this.#lent.ready : Promise.resolve(fragment);
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = this.#waiting.begin<ReceivedFragment>('fragment');
    this.#waiting.buffer = buffer;
    this.#waiting.lend = lend;
    if (signal) this.#waiting.watch(signal, () => this.#draining.begun && this.#readOn());
    return promise;
  }

  /** Reads one fragment if one is here. */
  receiveNow(options?: ReceiveOptions): ReceivedFragment | undefined {
    const buffer = options?.buffer ?? null;
    return this.#receive(buffer, buffer, options?.lend ?? false, false);
  }

  /** Begins to read to `buffer`, `direct` if may be; undefined where that did not end at once, or could not. */
  #receive(
    buffer: Uint8Array | null,
    direct: Uint8Array | null,
    lend: boolean,
    async: boolean,
  ): ReceivedFragment | undefined {
    if (this.#waiting.want !== 'nothing') throw busy('a receive');
    if (buffer !== null && !(buffer instanceof Uint8Array)) throw new TypeError('buffer must be a Uint8Array');
    if (buffer?.length === 0) throw new RangeError('buffer must have room for a byte');
    const lent = this.#lent;
    lent?.end();
    if (this.#parked.any) return this.#parked.take(buffer);
    if (this.#unheard) return this.#close(false);
    if (this.#closed || this.#failure) throw over(this.#failure);
    if (this.#reading) return undefined;
    if (!lend || buffer !== direct) {
      return this.#read(direct, place, async) ? this.#fragment(place, direct, buffer, false) : undefined;
    }
    if (!lent) this.#lent = new LentFragment();
    const result = this.#lent!.place;
    if (!this.#read(direct, result, async)) return undefined;
    if (result.connectionClose || (result.reused && !result.inWindow))
      return this.#fragment(result, direct, null, true);
    return this.#lent!;
  }

  /** Reads one message, or answers that the peer has sent CLOSE. */
  next(): Promise<IteratorResult<Message>> {
    if (this.#waiting.want !== 'nothing') return Promise.reject(busy('a receive'));
    this.#lent?.end();
    this.#iterating = true;
    try {
      let message: Message | undefined;
      while (message === undefined && this.#parked.any) {
        const { data, text, final } = this.#parked.take(null);
        message = this.#gathering.piece(data, 0, data.length, text, final, false, false);
      }
      if (message === undefined) {
        if (this.#overflow) throw this.#overflow;
        if (this.#unheard) this.#close(true);
        if (this.#closed) return Promise.resolve(DONE);
        if (this.#failure) throw over(this.#failure);
        if (!this.#reading) message = this.#gather();
      }
      if (message !== undefined) return Promise.resolve({ value: message, done: false });
      if (this.#closed) return Promise.resolve(DONE);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#waiting.begin('message');
  }

  /** The iteration will not ask again. */
  leave(): void {
    this.#iterating = false;
    if (this.#draining.begun) this.#dropParked();
  }

  /**
   * Reads until the peer's CLOSE. What a caller waits for is given to him, what an iteration may still ask for is parked,
   * everything else discarded.
   */
  drain(): Promise<void> {
    if (this.#unheard) this.#close(false);
    if (this.#closed) return Promise.resolve();
    if (this.#failure) return Promise.reject(over(this.#failure));
    const drained = this.#draining.begin();
    if (!this.#iterating) this.#dropParked();
    this.#readOn();
    return drained;
  }

  /** Sees to it that a read which is about to be cancelled begins again. */
  beginAgain(): void {
    this.#again = this.#reading;
  }

  /** Has everything fail with `error` from now on; a read that is under way, when the context completes it. */
  abort(error: WebSocketError): void {
    this.#failure ??= error;
    this.#unheard = false;
    this.#parked.drop();
    this.#draining.failed(error);
  }

  /**
   * Starts a read of the context's. True when it has finished, and `result` says how; false when its completion will, or
   * if it is not `async`, when there is nothing here.
   */
  #read(data: Uint8Array | null, result: FragmentResult, async: boolean): boolean {
    const hr = this.#context.readFragment(data, async, async ? onRead : null, this, result);
    if (hr === E_IO_INCOMPLETE && !async) return false;
    if (hr === E_ILLEGAL_METHOD_CALL) throw busy("a read of the context's");
    if (FAILED(hr)) throw this.#fail(hr);
    if (!result.completionExpected) return true;
    this.#reading = true;
    this.#direct = data !== null;
    this.#told = result;
    return false;
  }

  /** What an inline read brought: into `direct`, or to be copied to `buffer`, or to be lent. */
  #fragment(
    result: FragmentResult,
    direct: Uint8Array | null,
    buffer: Uint8Array | null,
    lend: boolean,
  ): ReceivedFragment {
    if (result.connectionClose) return this.#close(false);
    const { at, cbIO, reused, utf8Encoded: text, finalFragment: final } = result;
    if (direct) return { data: result.data, text, final, close: false };
    const bytes = result.bytes ?? EMPTY;
    if (buffer) {
      const fragment = this.#parked.fill(buffer, bytes, at, cbIO, text, final, reused);
      if (!this.#parked.any) result.pieces?.giveBack();
      return fragment;
    }
    if (lend) return this.#copy(bytes, at, cbIO, text, final);
    return { data: keep(bytes, at, cbIO, reused), text, final, close: false };
  }

  /** Lends a copy of what will be overwritten. */
  #copy(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean): LentFragment {
    const lent = (this.#lent ??= new LentFragment());
    lent.copy(bytes, at, length, text, final);
    return lent;
  }

  /** Reads what is here until a message is whole; undefined when a read is under way, or CLOSE was read. */
  #gather(): Message | undefined {
    for (;;) {
      if (!this.#read(null, place, true)) return undefined;
      if (place.connectionClose) {
        this.#close(true);
        return undefined;
      }
      const { at, cbIO, utf8Encoded, finalFragment, ascii, reused, pieces } = place;
      const message = this.#gathering.piece(place.bytes ?? EMPTY, at, cbIO, utf8Encoded, finalFragment, ascii, reused);
      // A string has none of the bytes it was made from.
      if (typeof message === 'string') pieces?.giveBack();
      if (message !== undefined) return message;
    }
  }

  /** The context's read has completed. */
  completed(hr: HResult, text: boolean, final: boolean, close: boolean, given: Uint8Array): void {
    this.#reading = false;
    const waiting = this.#waiting;
    const { want, buffer } = waiting;
    const told = this.#told;
    const lives = told !== place && told.inWindow;
    const lent = lives && waiting.lend && !buffer;
    const data = lives && !lent ? told.data : given;
    // What it was told of, and lends to nobody, it loses when this returns.
    if (told !== place && !lent) this.#lent!.lose();
    if (FAILED(hr)) {
      if (this.#again && hr === E_OPERATION_ABORTED) this.#readAgain();
      else this.#fail(hr);
      return;
    }
    this.#again = false;
    if (close && want === 'nothing' && !this.#draining.begun) {
      this.#unheard = true;
    } else if (close) {
      const fragment = this.#close(want === 'message');
      if (want !== 'nothing') waiting.settle(want === 'message' ? DONE : fragment);
    } else if (want === 'message') {
      this.#goOn(() => this.#gathering.piece(data, 0, data.length, text, final, false, true) ?? this.#gather());
    } else if (want === 'fragment') {
      if (this.#direct) waiting.settle({ data, text, final, close });
      else if (lent) waiting.settle(this.#lent);
      else if (buffer) waiting.settle(this.#parked.fill(buffer, data, 0, data.length, text, final, true));
      else if (waiting.lend) waiting.settle(this.#copy(data, 0, data.length, text, final));
      else waiting.settle({ data: copyOf(data, 0, data.length), text, final, close });
    } else {
      this.#leftOver(data, 0, data.length, text, final, true);
    }
    // A caller who had one fragment may want the next: he asks before this does.
    if (this.#draining.begun && !this.#closed) {
      if (want === 'nothing') this.#readOn();
      else setImmediate(() => this.#readOn());
    }
  }

  /** Begins again a read that was cancelled together with a send. */
  #readAgain(): void {
    this.#again = false;
    const waiting = this.#waiting;
    const { want, buffer, lend } = waiting;
    if (want === 'message') this.#goOn(() => this.#gather());
    else if (want === 'fragment') {
      const direct = this.#direct ? buffer : null;
      try {
        if (this.#read(direct, place, true)) waiting.settle(this.#fragment(place, direct, buffer, lend));
      } catch {
        // #fail has told the caller.
      }
    }
  }

  /** Goes on with a message for the caller who waits. */
  #goOn(step: () => Message | undefined): void {
    try {
      const message = step();
      if (message !== undefined) this.#waiting.settle({ value: message, done: false });
      else if (this.#closed) this.#waiting.settle(DONE);
    } catch (error) {
      if (this.#waiting.want !== 'nothing') this.#waiting.fail(error);
    }
  }

  /** Reads for nobody, who drains aside. */
  #readOn(): void {
    try {
      while (this.#waiting.want === 'nothing' && !this.#reading && !this.#closed && !this.#failure) {
        if (!this.#read(null, place, true)) break;
        const { bytes, at, cbIO, utf8Encoded: text, finalFragment: final, reused } = place;
        if (place.connectionClose) this.#close(false);
        else this.#leftOver(bytes ?? EMPTY, at, cbIO, text, final, reused);
      }
    } catch (error) {
      // Who drains has been told of a failure. Where a read of the context's own user is in the way, he may try again.
      if (!this.#failure) this.#draining.giveUp(error as WebSocketError);
    }
  }

  /** Parks what nobody waits for, or discards it where nobody will. */
  #leftOver(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean, reused: boolean): void {
    const discarding = this.#draining.begun && (!this.#iterating || this.#overflow);
    if (discarding) {
      this.#gathering.torn = !final;
    } else if (this.#draining.begun && this.#limit && this.#parked.cost + length > this.#limit) {
      const message = `more than ${this.#limit} bytes came while the connection closed, and the iteration did not read`;
      this.#overflow = new WebSocketError('ERR_TOO_LARGE', message, S_OK);
    } else {
      this.#parked.park(keep(bytes, at, length, reused), text, final);
    }
  }

  #dropParked(): void {
    if (this.#parked.any) this.#gathering.torn = !this.#parked.drop();
  }

  #close(iterating: boolean): ReceivedFragment {
    this.#closed = true;
    this.#unheard = false;
    this.#owner.closeReceived(iterating);
    this.#draining.done();
    return CLOSE;
  }

  /** Ends reading; returns what every caller is told. */
  #fail(hr: HResult): WebSocketError {
    const error = (this.#failure ??= failure(hr, this.#context));
    this.#owner.failed(error);
    this.#draining.failed(error);
    if (this.#waiting.want !== 'nothing') this.#waiting.fail(error);
    return error;
  }
}

function onRead(
  hr: HResult,
  reader: unknown,
  _cbIO: number,
  text: boolean,
  final: boolean,
  close: boolean,
  data: Uint8Array,
): void {
  (reader as Reader).completed(hr, text, final, close, data);
}
