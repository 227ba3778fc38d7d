/**
 * The receiving half: one read of the context's at a time, and one caller who waits for it, for a fragment or a whole
 * message. The two need not be there together. A caller who is cancelled leaves the read behind, and what it brings is
 * parked for the next; while the connection closes, what nobody waits for is discarded.
 */
import type { IWebSocketContext } from '../context/contract.ts';
import { WebSocketError } from '../context/error.ts';
import { E_ILLEGAL_METHOD_CALL, E_OPERATION_ABORTED, FAILED, type HResult } from '../context/hresult.ts';
import { EMPTY, FragmentResult } from '../context/result.ts';
import { busy, cancelled, failure } from './failure.ts';
import { copyOut, Gathering, keep, type Message } from './message.ts';
import { decodeText } from './text.ts';

export interface ReceivedFragment {
  /** The caller's buffer cut to what was read, or a copy that is the caller's to keep. Empty at a close. */
  readonly data: Uint8Array;
  readonly text: boolean;
  readonly final: boolean;
  readonly close: boolean;
}

export interface ReceiveOptions {
  /** Where to read to; without it the bytes are the caller's to keep. */
  buffer?: Uint8Array;
  signal?: AbortSignal;
}

export interface ReaderOwner {
  /** The peer's CLOSE has been read, by an iteration or by another. */
  closeReceived(iterating: boolean): void;
  /** Reading has failed, and ends. */
  failed(error: WebSocketError): void;
  tooLarge(): WebSocketError;
}

type Want = 'nothing' | 'fragment' | 'message';
type Settle = (value: never) => void;

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };
const CLOSE: ReceivedFragment = { data: EMPTY, text: false, final: true, close: true };
/** Looked at as soon as a call has returned, so one serves all. */
const place = new FragmentResult();

export class Reader {
  readonly #context: IWebSocketContext;
  readonly #owner: ReaderOwner;
  /** Longest message, 0 for no limit. */
  readonly #limit: number;
  readonly #gathering = new Gathering();

  // The read of the context's: whether one is under way, into the caller's own buffer, cancelled only to begin again.
  #reading = false;
  #direct = false;
  #again = false;

  // The caller who waits.
  #want: Want = 'nothing';
  #buffer: Uint8Array | null = null;
  #resolve: Settle | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  /** What came when nobody waited. */
  #parked: ReceivedFragment | null = null;
  #closed = false;
  #failure: WebSocketError | undefined;
  #draining: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #drainFailed: ((error: WebSocketError) => void) | undefined;

  constructor(context: IWebSocketContext, owner: ReaderOwner, limit: number) {
    this.#context = context;
    this.#owner = owner;
    this.#limit = limit;
  }

  /** Reads one fragment. */
  receive(options?: ReceiveOptions): Promise<ReceivedFragment> {
    if (this.#want !== 'nothing') return Promise.reject(busy('a receive'));
    const buffer = options?.buffer ?? null;
    const signal = options?.signal;
    if (buffer !== null && !(buffer instanceof Uint8Array)) {
      return Promise.reject(new TypeError('buffer must be a Uint8Array'));
    }
    if (buffer?.length === 0) return Promise.reject(new RangeError('buffer must have room for a byte'));
    if (signal?.aborted) return Promise.reject(cancelled(signal));
    if (this.#parked) return Promise.resolve(this.#unpark(buffer));
    if (this.#closed || this.#failure) return Promise.reject(this.#over());
    if (!this.#reading) {
      // A read that may be cancelled must not write to the caller's buffer afterwards: it is lent, then copied.
      const direct = buffer && !signal ? buffer : null;
      try {
        if (this.#read(direct)) return Promise.resolve(this.#fragment(direct, buffer));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const promise = this.#wait<ReceivedFragment>('fragment');
    this.#buffer = buffer;
    if (signal) this.#watch(signal);
    return promise;
  }

  /** Reads one message, or answers that the peer has sent CLOSE. */
  next(): Promise<IteratorResult<Message>> {
    if (this.#want !== 'nothing') return Promise.reject(busy('a receive'));
    try {
      let message: Message | undefined;
      if (this.#parked) {
        const { data, text, final } = this.#unpark(null);
        message = this.#add(data, 0, data.length, text, final, false, false);
      }
      if (message === undefined && this.#closed) return Promise.resolve(DONE);
      if (this.#failure) return Promise.reject(this.#over());
      if (message === undefined && !this.#reading) message = this.#gather();
      if (message !== undefined) return Promise.resolve({ value: message, done: false });
      if (this.#closed) return Promise.resolve(DONE);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#wait('message');
  }

  /** Reads until the peer's CLOSE. What a caller waits for is given to him, everything else discarded. */
  drain(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#failure) return Promise.reject(this.#over());
    this.#draining ??= new Promise((resolve, reject) => {
      this.#drained = resolve;
      this.#drainFailed = reject;
    });
    this.#parked = null;
    this.#discard();
    return this.#draining;
  }

  /** Sees to it that a read which is about to be cancelled begins again. */
  begin(): void {
    this.#again = this.#reading;
  }

  /** Has everything fail with `error` from now on; a read that is under way, when the context completes it. */
  abort(error: WebSocketError): void {
    this.#failure ??= error;
    this.#parked = null;
  }

  /** Starts a read of the context's. True when it has finished, and `place` says how; false when its completion will. */
  #read(data: Uint8Array | null): boolean {
    const hr = this.#context.readFragment(data, true, onRead, this, place);
    if (hr === E_ILLEGAL_METHOD_CALL) throw busy("a read of the context's");
    if (FAILED(hr)) throw this.#fail(hr);
    if (!place.completionExpected) return true;
    this.#reading = true;
    this.#direct = data !== null;
    return false;
  }

  /** What an inline read brought: into `direct`, or to be copied to `buffer`. */
  #fragment(direct: Uint8Array | null, buffer: Uint8Array | null): ReceivedFragment {
    if (place.connectionClose) return this.#close(false);
    const { at, cbIO, reused, utf8Encoded: text, finalFragment: final } = place;
    if (direct) return { data: place.data, text, final, close: false };
    const bytes = place.bytes ?? EMPTY;
    if (buffer) return this.#fill(buffer, bytes, at, cbIO, text, final, reused);
    return { data: keep(bytes, at, cbIO, reused), text, final, close: false };
  }

  /** Copies to the caller's `buffer` what it holds, and parks the rest. */
  #fill(
    buffer: Uint8Array,
    bytes: Uint8Array,
    at: number,
    length: number,
    text: boolean,
    final: boolean,
    reused: boolean,
  ): ReceivedFragment {
    const part = Math.min(length, buffer.length);
    buffer.set(bytes.subarray(at, at + part));
    const whole = part === length;
    if (!whole) this.#parked = { data: keep(bytes, at + part, length - part, reused), text, final, close: false };
    return { data: buffer.subarray(0, part), text, final: final && whole, close: false };
  }

  #unpark(buffer: Uint8Array | null): ReceivedFragment {
    const parked = this.#parked!;
    this.#parked = null;
    if (!buffer) return parked;
    return this.#fill(buffer, parked.data, 0, parked.data.length, parked.text, parked.final, false);
  }

  /** Reads what is here until a message is whole; undefined when a read is under way, or CLOSE was read. */
  #gather(): Message | undefined {
    for (;;) {
      if (!this.#read(null)) return undefined;
      if (place.connectionClose) {
        this.#close(true);
        return undefined;
      }
      const { at, cbIO, utf8Encoded, finalFragment, ascii, reused } = place;
      const message = this.#add(place.bytes ?? EMPTY, at, cbIO, utf8Encoded, finalFragment, ascii, reused);
      if (message !== undefined) return message;
    }
  }

  /** Adds a piece; returns the message where that was its last. */
  #add(
    bytes: Uint8Array,
    at: number,
    length: number,
    text: boolean,
    final: boolean,
    ascii: boolean,
    reused: boolean,
  ): Message | undefined {
    const gathering = this.#gathering;
    if (this.#limit && gathering.length + length > this.#limit) throw this.#owner.tooLarge();
    if (final && gathering.empty) return text ? decodeText(bytes, at, length, ascii) : keep(bytes, at, length, reused);
    gathering.add(bytes, at, length, reused);
    return final ? gathering.take(text) : undefined;
  }

  /** The context's read has completed. */
  completed(hr: HResult, text: boolean, final: boolean, close: boolean, data: Uint8Array): void {
    this.#reading = false;
    const want = this.#want;
    if (FAILED(hr)) {
      if (this.#again && hr === E_OPERATION_ABORTED) this.#readAgain();
      else this.#fail(hr);
      return;
    }
    this.#again = false;
    if (close) {
      const fragment = this.#close(want === 'message');
      if (want !== 'nothing') this.#settle()((want === 'message' ? DONE : fragment) as never);
    } else if (want === 'message') {
      this.#goOn(() => this.#add(data, 0, data.length, text, final, false, true) ?? this.#gather());
    } else if (want === 'fragment') {
      const buffer = this.#buffer;
      const fragment =
        buffer && !this.#direct
          ? this.#fill(buffer, data, 0, data.length, text, final, true)
          : { data: this.#direct ? data : copyOut(data, 0, data.length), text, final, close };
      this.#settle()(fragment as never);
    } else if (!this.#draining) {
      this.#parked = { data: copyOut(data, 0, data.length), text, final, close };
    }
    // A caller who had one fragment may want the next: he asks before this does.
    if (this.#draining && !this.#closed) {
      if (want === 'nothing') this.#discard();
      else setImmediate(() => this.#discard());
    }
  }

  /** Begins again a read that was cancelled together with a send. */
  #readAgain(): void {
    this.#again = false;
    if (this.#want === 'message') this.#goOn(() => this.#gather());
    else if (this.#want === 'fragment') {
      const buffer = this.#buffer;
      const direct = this.#direct ? buffer : null;
      try {
        if (this.#read(direct)) this.#settle()(this.#fragment(direct, buffer) as never);
      } catch {
        // #fail has told the caller.
      }
    }
  }

  /** Goes on with a message for the caller who waits. */
  #goOn(step: () => Message | undefined): void {
    try {
      const message = step();
      if (message !== undefined) this.#settle()({ value: message, done: false } as never);
      else if (this.#closed) this.#settle()(DONE as never);
    } catch (error) {
      if (this.#want !== 'nothing') this.#settleFailed(error);
    }
  }

  #discard(): void {
    try {
      while (this.#want === 'nothing' && !this.#reading && !this.#closed && !this.#failure) {
        if (this.#read(null) && place.connectionClose) this.#close(false);
      }
    } catch {
      // #fail has told who drains.
    }
  }

  #close(iterating: boolean): ReceivedFragment {
    this.#closed = true;
    this.#owner.closeReceived(iterating);
    this.#drained?.();
    return CLOSE;
  }

  /** Ends reading; returns what every caller is told. */
  #fail(hr: HResult): WebSocketError {
    const error = (this.#failure ??= failure(hr, this.#context));
    this.#owner.failed(error);
    this.#drainFailed?.(error);
    if (this.#want !== 'nothing') this.#settleFailed(error);
    return error;
  }

  /** Why there is nothing more to read. */
  #over(): WebSocketError {
    if (this.#failure) {
      const { code, message, hr } = this.#failure;
      return new WebSocketError(code, message, hr, { cause: this.#failure });
    }
    return new WebSocketError('ERR_STATE', "the peer's CLOSE has been read", E_ILLEGAL_METHOD_CALL);
  }

  #wait<T>(want: Want): Promise<T> {
    this.#want = want;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve as Settle;
      this.#reject = reject;
    });
  }

  #watch(signal: AbortSignal): void {
    this.#signal = signal;
    this.#onAbort = () => {
      this.#settleFailed(cancelled(signal));
      if (this.#draining) this.#discard();
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Lets go of the caller who waits; returns what resolves his promise. */
  #settle(): Settle {
    this.#signal?.removeEventListener('abort', this.#onAbort!);
    this.#signal = this.#onAbort = undefined;
    this.#want = 'nothing';
    this.#buffer = null;
    return this.#resolve!;
  }

  #settleFailed(error: unknown): void {
    const reject = this.#reject!;
    this.#settle();
    reject(error);
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
