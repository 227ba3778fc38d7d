/**
 * The receiving half: what its one caller asks for, a fragment or a whole message, and what he is given. What comes when
 * nobody waits is parked for the next; while the connection closes it is discarded, unless an iteration may ask for it.
 */
import type { IWebSocketContext } from '../context/contract.ts';
import type { WebSocketError } from '../context/error.ts';
import { FAILED, type HResult, S_OK } from '../context/hresult.ts';
import { CloseStatus, EMPTY, type FragmentResult } from '../context/result.ts';
import { Ending } from './ending.ts';
import { busy, checkSignal, failure, over } from './failure.ts';
import { CLOSE, LentFragment, type ReceivedFragment } from './fragment.ts';
import { Iteration } from './iteration.ts';
import { copyOf, keep, type Message } from './message.ts';
import { Parked } from './parked.ts';
import { place, Reading, type ReadingOwner } from './reading.ts';
import { Waiting } from './waiting.ts';

export interface ReceiveOptions {
  /** Where to read to; without it the bytes are the caller's to keep. */
  buffer?: Uint8Array | undefined;
  /** Lends the fragment: it is good until the next receive, which brings the same object, so one is awaited before another. */
  lend?: boolean | undefined;
  signal?: AbortSignal | undefined;
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

export class Reader implements ReadingOwner {
  readonly #context: IWebSocketContext;
  readonly #owner: ReaderOwner;
  readonly #waiting = new Waiting();
  readonly #reading: Reading;
  readonly #ending = new Ending();
  readonly #parked = new Parked();
  readonly #iteration: Iteration;
  /** What receives that allow it are lent. */
  #lent: LentFragment | null = null;

  constructor(context: IWebSocketContext, owner: ReaderOwner, limit: number) {
    this.#context = context;
    this.#owner = owner;
    this.#reading = new Reading(context, this);
    this.#iteration = new Iteration(this.#parked, limit, () => owner.tooLarge());
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
      if (fragment) {
        this.#taken(fragment);
        return fragment === this.#lent ? this.#lent.ready : Promise.resolve(fragment);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = this.#waiting.begin<ReceivedFragment>('fragment');
    this.#waiting.buffer = buffer;
    this.#waiting.lend = lend;
    if (signal) this.#waiting.watch(signal, () => this.#ending.draining && this.#readOn());
    return promise;
  }

  /** Reads one fragment if one is here. */
  receiveNow(options?: ReceiveOptions): ReceivedFragment | undefined {
    const buffer = options?.buffer ?? null;
    const fragment = this.#receive(buffer, buffer, options?.lend ?? false, false);
    if (fragment) this.#taken(fragment);
    return fragment;
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
    const ending = this.#ending;
    if (ending.unheard) return this.#close(false);
    if (ending.reached) throw over(ending.failure);
    const reading = this.#reading;
    if (reading.underWay) return undefined;
    if (!lend || buffer !== direct) {
      return reading.begin(direct, place, async) ? this.#fragment(place, direct, buffer, false) : this.#none();
    }
    if (!lent) this.#lent = new LentFragment();
    const result = this.#lent!.place;
    if (!reading.begin(direct, result, async)) return this.#none();
    if (result.connectionClose || (result.reused && !result.inWindow))
      return this.#fragment(result, direct, null, true);
    return this.#lent!;
  }

  /** Nothing is here; throws where nothing can come any more. */
  #none(): undefined {
    if (this.#ending.closed) throw over(undefined);
  }

  /** Where the connection closes, the end of a message that was torn may have gone to who receives by fragments. */
  #taken(fragment: ReceivedFragment): void {
    if (this.#ending.draining && fragment.final) this.#iteration.pass(true);
  }

  /** Reads one message, or answers that the peer has sent CLOSE. */
  next(): Promise<IteratorResult<Message>> {
    if (this.#waiting.want !== 'nothing') {
      // A loop ends by this, and tells nobody that it has.
      if (this.#waiting.want === 'fragment') this.leave();
      return Promise.reject(busy('a receive'));
    }
    this.#lent?.end();
    this.#iteration.mayAsk = true;
    const ending = this.#ending;
    try {
      let message = this.#iteration.take();
      if (message === undefined) {
        if (ending.unheard) this.#close(true);
        if (ending.closed) return Promise.resolve(DONE);
        if (ending.failure) throw over(ending.failure);
        if (!this.#reading.underWay) message = this.#gather();
      }
      if (message !== undefined) return Promise.resolve({ value: message, done: false });
      if (ending.closed) return Promise.resolve(DONE);
    } catch (error) {
      this.leave();
      return Promise.reject(error);
    }
    return this.#waiting.begin('message');
  }

  /** The iteration will not ask again. */
  leave(): void {
    this.#iteration.mayAsk = false;
    if (this.#ending.draining) this.#iteration.discard();
  }

  /**
   * Reads until the peer's CLOSE. What a caller waits for is given to him, what an iteration may still ask for is parked,
   * everything else discarded.
   */
  drain(): Promise<void> {
    if (this.#ending.unheard) this.#close(false);
    const drained = this.#ending.drain();
    if (!this.#ending.reached) {
      if (!this.#iteration.mayAsk) this.#iteration.discard();
      this.#readOn();
    }
    return drained;
  }

  /** Sees to it that a read which is about to be cancelled begins again. */
  beginAgain(): void {
    this.#reading.beginAgain();
  }

  /** Has everything fail with `error` from now on; a read that is under way, when the context completes it. */
  abort(error: WebSocketError): void {
    this.#parked.drop();
    this.#ending.fail(error);
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
    const iteration = this.#iteration;
    for (;;) {
      if (!this.#reading.begin(null, place, true)) return undefined;
      if (place.connectionClose) {
        this.#close(true);
        return undefined;
      }
      const { at, cbIO, utf8Encoded, finalFragment, ascii, reused, pieces } = place;
      const message = iteration.piece(place.bytes ?? EMPTY, at, cbIO, utf8Encoded, finalFragment, ascii, reused);
      // A string has none of the bytes it was made from.
      if (typeof message === 'string') pieces?.giveBack();
      if (message !== undefined) return message;
    }
  }

  completed(hr: HResult, text: boolean, final: boolean, close: boolean, given: Uint8Array): void {
    const reading = this.#reading;
    const waiting = this.#waiting;
    const { want, buffer } = waiting;
    const { told } = reading;
    const lives = told?.inWindow ?? false;
    const lent = lives && waiting.lend && !buffer;
    const data = lives && !lent ? told!.data : given;
    // What it was told of, and lends to nobody, it loses when this returns.
    if (told && !lent) this.#lent!.lose();
    const again = reading.end(hr);
    if (FAILED(hr)) {
      if (again) this.#readAgain();
      else this.failed(hr);
      return;
    }
    if (close && want === 'nothing' && !this.#ending.draining) {
      this.#ending.unheard = true;
    } else if (close) {
      const fragment = this.#close(want === 'message');
      if (want !== 'nothing') waiting.settle(want === 'message' ? DONE : fragment);
    } else if (want === 'message') {
      this.#goOn(() => this.#iteration.piece(data, 0, data.length, text, final, false, true) ?? this.#gather());
    } else if (want === 'fragment') {
      let fragment: ReceivedFragment;
      if (reading.direct) fragment = { data, text, final, close };
      else if (lent) fragment = this.#lent!;
      else if (buffer) fragment = this.#parked.fill(buffer, data, 0, data.length, text, final, true);
      else if (waiting.lend) fragment = this.#copy(data, 0, data.length, text, final);
      else fragment = { data: copyOf(data, 0, data.length), text, final, close };
      this.#taken(fragment);
      waiting.settle(fragment);
    } else {
      this.#leftOver(data, 0, data.length, text, final, true);
    }
    // A caller who had one fragment may want the next: he asks before this does.
    if (this.#ending.draining && !this.#ending.closed) {
      if (want === 'nothing') this.#readOn();
      else setImmediate(() => this.#readOn());
    }
  }

  /** Begins again a read that was cancelled together with a send. */
  #readAgain(): void {
    const waiting = this.#waiting;
    const { want, buffer, lend } = waiting;
    if (want === 'message') this.#goOn(() => this.#gather());
    else if (want === 'fragment') {
      const direct = this.#reading.direct ? buffer : null;
      try {
        if (this.#reading.begin(direct, place, true)) waiting.settle(this.#fragment(place, direct, buffer, lend));
        else this.#none();
      } catch (error) {
        if (waiting.want !== 'nothing') waiting.fail(error);
      }
    }
  }

  /** Goes on with a message for the caller who waits. */
  #goOn(step: () => Message | undefined): void {
    try {
      const message = step();
      if (message !== undefined) this.#waiting.settle({ value: message, done: false });
      else if (this.#ending.closed) this.#waiting.settle(DONE);
    } catch (error) {
      if (this.#waiting.want !== 'nothing') this.#waiting.fail(error);
    }
  }

  /** Reads for nobody, who drains aside. */
  #readOn(): void {
    try {
      while (this.#waiting.want === 'nothing' && !this.#reading.underWay && !this.#ending.reached) {
        if (!this.#reading.begin(null, place, true)) break;
        const { bytes, at, cbIO, utf8Encoded: text, finalFragment: final, reused } = place;
        if (place.connectionClose) this.#close(false);
        else this.#leftOver(bytes ?? EMPTY, at, cbIO, text, final, reused);
      }
    } catch (error) {
      // Where a read of the context's own user is in the way, who drains may try again.
      this.#ending.giveUp(error as WebSocketError);
    }
  }

  /** Parks what nobody waits for, or discards it where nobody will. */
  #leftOver(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean, reused: boolean): void {
    if (this.#ending.draining) this.#iteration.offer(bytes, at, length, text, final, reused);
    else this.#parked.park(keep(bytes, at, length, reused), text, final);
  }

  #close(iterating: boolean): ReceivedFragment {
    this.#ending.close();
    this.#owner.closeReceived(iterating);
    return CLOSE;
  }

  overtaken(): boolean {
    const closed = this.#context.getCloseStatus(new CloseStatus()) === S_OK;
    if (closed) this.#close(this.#iteration.mayAsk);
    return closed;
  }

  /** Ends reading; returns what every caller is told. */
  failed(hr: HResult): WebSocketError {
    const error = this.#ending.fail(failure(hr, this.#context));
    this.#owner.failed(error);
    if (this.#waiting.want !== 'nothing') this.#waiting.fail(error);
    return error;
  }
}
