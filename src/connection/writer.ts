/** The sending half: one send, or one CLOSE, at a time. What finishes inline costs no promise of its own. */
import type { IWebSocketContext } from '../context/contract.ts';
import type { WebSocketError } from '../context/error.ts';
import { E_ILLEGAL_METHOD_CALL, E_OPERATION_ABORTED, FAILED, type HResult } from '../context/hresult.ts';
import { FragmentResult } from '../context/result.ts';
import { busy, cancelled, failure } from './failure.ts';
import { Scratch } from './text.ts';

export interface SendOptions {
  /** False sends a piece of a message that goes on. Default true. */
  final?: boolean;
  /** Whether bytes are sent as text; the sender sees to it that the message is UTF-8. A string always is. Default false. */
  text?: boolean;
  signal?: AbortSignal;
}

export interface WriterOwner {
  /** Cancels what is under way. */
  cancel(): void;
  /** Sending has failed, and ends. */
  lost(error: WebSocketError): void;
}

const SENT: Promise<void> = Promise.resolve();
/** Looked at as soon as a call has returned, so one serves all. */
const result = new FragmentResult();

export class Writer {
  readonly #context: IWebSocketContext;
  readonly #owner: WriterOwner;
  /** What is under way, undefined for nothing. */
  #sending: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: WebSocketError) => void) | undefined;
  #scratch: Scratch | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #cancelled = false;

  constructor(context: IWebSocketContext, owner: WriterOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  get busy(): boolean {
    return this.#sending !== undefined;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#sending) await this.#sending.catch(() => {});
  }

  send(data: string | Uint8Array, options?: SendOptions): Promise<void> {
    if (this.#sending) return Promise.reject(busy('a send'));
    const final = options?.final ?? true;
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(cancelled(signal));
    let hr: HResult;
    let scratch: Scratch | undefined;
    if (typeof data === 'string') {
      scratch = Scratch.take();
      hr = this.#context.writeFragment(scratch.encode(data), true, true, final, onWritten, this, result);
      if (FAILED(hr) || !result.completionExpected) scratch.give();
    } else if (data instanceof Uint8Array) {
      hr = this.#context.writeFragment(data, true, options?.text ?? false, final, onWritten, this, result);
    } else {
      return Promise.reject(new TypeError('what is sent is a string or a Uint8Array'));
    }
    if (!FAILED(hr) && !result.completionExpected) return SENT;
    return this.#wait(hr, scratch, signal);
  }

  /** Sends CLOSE; the arguments have been checked. */
  close(code: number, reason: string | null): Promise<void> {
    const hr = this.#context.sendConnectionClose(true, code, reason, onWritten, this, result);
    if (!FAILED(hr) && !result.completionExpected) return SENT;
    return this.#wait(hr, undefined, undefined);
  }

  #wait(hr: HResult, scratch: Scratch | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (hr === E_ILLEGAL_METHOD_CALL) return Promise.reject(busy("a send of the context's"));
    if (FAILED(hr)) return Promise.reject(this.#failed(hr));
    this.#scratch = scratch;
    this.#sending = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal) {
      this.#signal = signal;
      this.#onAbort = () => {
        this.#cancelled = true;
        this.#owner.cancel();
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    return this.#sending;
  }

  completed(hr: HResult): void {
    const signal = this.#signal;
    signal?.removeEventListener('abort', this.#onAbort!);
    const taken = this.#cancelled && hr === E_OPERATION_ABORTED;
    this.#scratch?.give();
    this.#sending = this.#scratch = this.#signal = this.#onAbort = undefined;
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
