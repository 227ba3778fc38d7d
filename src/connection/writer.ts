/** The sending half: one send, or one CLOSE, at a time. What finishes inline costs no promise of its own. */
import type { IWebSocketContext, WebSocketContext } from '../context/contract.ts';
import type { WebSocketError } from '../context/error.ts';
import {
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_INVALIDARG,
  E_IO_INCOMPLETE,
  E_OPERATION_ABORTED,
  FAILED,
  type HResult,
} from '../context/hresult.ts';
import { FragmentResult } from '../context/result.ts';
import { busy, cancelled, checkSignal, failure, returned } from './failure.ts';
import { LentFragment, type ReceivedFragment } from './fragment.ts';
import type { Message } from './message.ts';
import { Scratch } from './text.ts';

export interface SendOptions {
  /** False sends a piece of a message that goes on. Default true; a fragment's own. */
  final?: boolean | undefined;
  /**
   * Whether bytes are sent as text; the sender sees to it that the message is UTF-8. A string always is. Default false; a
   * fragment's own.
   */
  text?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface WriterOwner {
  /** Cancels what is under way. */
  cancel(): void;
  /** Sending has failed, and ends. */
  lost(error: WebSocketError): void;
}

interface Held {
  giveBack(): void;
}

/** What has become of a write: none was begun where it would have had to wait. */
type Outcome = 'sent' | 'pending' | 'full';

const SENT: Promise<void> = Promise.resolve();
/** Looked at as soon as a call has returned, so one serves all but those that are begun from inside another's write. */
let spare: FragmentResult | undefined = new FragmentResult();

export class Writer {
  readonly #context: IWebSocketContext;
  readonly #owner: WriterOwner;
  /** Whether the context is one of this package's, which write a piece without a view of it. */
  readonly #viewless: boolean;
  /** What is under way, undefined for nothing. */
  #sending: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: WebSocketError) => void) | undefined;
  /** What the context writes from, until it has. */
  #held: Held | null = null;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #cancelled = false;

  constructor(context: IWebSocketContext, owner: WriterOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#viewless = (context as Partial<WebSocketContext>).role !== undefined;
  }

  /** Whether a send is under way, or may be: who asks from inside a stream's write asks before it is known to wait. */
  get busy(): boolean {
    return this.#sending !== undefined || spare === undefined;
  }

  /** Resolves when nothing is under way. What is has closeTimeout, where the context can hurry. */
  async idle(): Promise<void> {
    do {
      if (this.#sending) (this.#context as Partial<WebSocketContext>).hurry?.();
      await this.#sending?.catch(() => {});
    } while (this.#sending);
  }

  send(data: Message | ReceivedFragment, options?: SendOptions): Promise<void> {
    try {
      const signal = options?.signal;
      if (signal) checkSignal(signal);
      return this.#write(data, options, true) === 'pending' ? this.#wait(signal) : SENT;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends if that is done at once; false where it would have to wait, and nothing was sent. */
  sendNow(data: Message | ReceivedFragment, options?: SendOptions): boolean {
    if (data instanceof LentFragment && !options && this.#viewless) return this.#passOn(data.place);
    return this.#write(data, options, false) === 'sent';
  }

  /** What comes and goes as it came is most of what is sent so: the few steps that it takes. */
  #passOn(place: FragmentResult): boolean {
    if (this.#sending) throw busy('a send');
    if (!place.bytes) throw returned();
    const hr = this.#context.writeFragment(place as never, false, place.utf8Encoded, place.finalFragment);
    if (FAILED(hr) && hr !== E_IO_INCOMPLETE) throw this.#refused(hr);
    return !FAILED(hr);
  }

  #write(data: Message | ReceivedFragment, options: SendOptions | undefined, async: boolean): Outcome {
    if (this.#sending) throw busy('a send');
    let bytes: Uint8Array | FragmentResult;
    let text = options?.text ?? false;
    let final = options?.final ?? true;
    let held: Held | null = null;
    if (typeof options === 'function')
      throw new TypeError('a send takes no callback: await the promise that it returns');
    if (data instanceof LentFragment) {
      const { place } = data;
      if (!place.bytes) throw returned();
      bytes = this.#viewless ? place : data.data;
      text = options?.text ?? place.utf8Encoded;
      final = options?.final ?? place.finalFragment;
    } else if (typeof data === 'string') {
      const scratch = Scratch.take();
      bytes = scratch.encode(data);
      text = true;
      held = scratch;
    } else if (data instanceof Uint8Array) {
      bytes = data;
    } else if (data?.data instanceof Uint8Array && !data.close) {
      bytes = data.data;
      text = options?.text ?? data.text;
      final = options?.final ?? data.final;
    } else {
      throw new TypeError('what is sent is a string, a Uint8Array, or a fragment that is no close');
    }
    let outcome: Outcome | undefined;
    try {
      outcome = this.#give(bytes as Uint8Array, text, final, async);
    } finally {
      if (outcome !== 'pending') held?.giveBack();
    }
    if (outcome === 'pending') this.#held = data instanceof LentFragment ? (data.place.pieces?.hold() ?? null) : held;
    return outcome;
  }

  /** Gives a frame to the context. */
  #give(bytes: Uint8Array, text: boolean, final: boolean, async: boolean): Outcome {
    const result = spare ?? new FragmentResult();
    spare = undefined;
    const hr = this.#context.writeFragment(bytes, async, text, final, async ? onWritten : null, this, result);
    spare = result;
    if (!FAILED(hr)) return result.completionExpected ? 'pending' : 'sent';
    if (async || hr !== E_IO_INCOMPLETE) throw this.#refused(hr);
    return 'full';
  }

  /** Sends CLOSE, unless that has been done past this connection; the arguments have been checked. */
  close(code: number, reason: string): Promise<void> {
    const result = new FragmentResult();
    const hr = this.#context.sendConnectionClose(true, code, reason, onWritten, this, result);
    if (hr === E_INVALID_PROTOCOL_OPERATION) return SENT;
    if (FAILED(hr)) return Promise.reject(this.#refused(hr));
    return result.completionExpected ? this.#wait(undefined) : SENT;
  }

  #refused(hr: HResult): Error {
    if (hr === E_ILLEGAL_METHOD_CALL) return busy("a send of the context's");
    if (hr === E_INVALIDARG)
      return new TypeError('what is sent has no bytes any more: its buffer was transferred or shrunk');
    return this.#failed(hr);
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const sending = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#sending = sending;
    if (signal) {
      this.#signal = signal;
      this.#onAbort = () => {
        this.#cancelled = true;
        this.#owner.cancel();
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    // From inside a stream's write it may have been, since it was looked at.
    if (signal?.aborted) this.#onAbort!();
    return sending;
  }

  completed(hr: HResult): void {
    const signal = this.#signal;
    signal?.removeEventListener('abort', this.#onAbort!);
    const taken = this.#cancelled && hr === E_OPERATION_ABORTED;
    this.#held?.giveBack();
    this.#held = null;
    this.#sending = this.#signal = this.#onAbort = undefined;
    this.#cancelled = false;
    if (!FAILED(hr)) this.#resolve!();
    else this.#reject!(taken ? cancelled(signal!) : this.#failed(hr));
  }

  #failed(hr: HResult): WebSocketError {
    const error = failure(hr, this.#context);
    if (error.code !== 'ERR_STATE') this.#owner.lost(error);
    return error;
  }
}

function onWritten(hr: HResult, writer: unknown): void {
  (writer as Writer).completed(hr);
}
