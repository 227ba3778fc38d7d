/**
 * The promise layer over a context, modelled on .NET's WebSocket: receive and send by fragment, whole messages by
 * iteration or as streams, the close handshake as one call. It knows a context by IIS's interface alone.
 */
import { closePayload } from '../context/close.ts';
import type { IWebSocketContext, WebSocketContext } from '../context/contract.ts';
import { WebSocketError } from '../context/error.ts';
import { E_OPERATION_ABORTED, S_OK } from '../context/hresult.ts';
import { checkNames } from '../context/options.ts';
import { CloseStatus } from '../context/result.ts';
import { misplaced } from './failure.ts';
import type { ReceivedFragment } from './fragment.ts';
import type { Message } from './message.ts';
import { Reader, type ReceiveOptions } from './reader.ts';
import { readableOf, writableOf } from './streams.ts';
import { type SendOptions, Writer } from './writer.ts';

export type ConnectionState = 'open' | 'closeSent' | 'closeReceived' | 'closed' | 'aborted';

export interface ConnectionOptions {
  /** Longest message that iteration and `readable` accept, in bytes; 0 for no limit. Default 16 MiB. */
  maxMessageSize?: number | undefined;
}

const MESSAGE_MOST = 16 * 1024 * 1024;
const NORMAL = 1000;
const TOO_LARGE = 1009;

export class WebSocketConnection implements AsyncIterable<Message>, AsyncDisposable {
  readonly context: IWebSocketContext;
  readonly #reader: Reader;
  readonly #writer: Writer;
  /** The sending of CLOSE, once it has been asked for; and whether CLOSE has been given to the context. */
  #closing: Promise<void> | undefined;
  #closeSent = false;
  #closeReceived = false;
  #aborted = false;
  #abortedBy: WebSocketError | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<Message> | undefined;

  /** Takes `context` over: its reads and sends are the connection's from now on. */
  constructor(context: IWebSocketContext, options: ConnectionOptions = {}) {
    if (typeof (context as Partial<IWebSocketContext> | null | undefined)?.readFragment !== 'function') {
      throw new TypeError(
        'a WebSocketConnection takes a context: what attach hands over, or await connectWebSocket(url)',
      );
    }
    checkNames(options, ['maxMessageSize']);
    const { maxMessageSize = MESSAGE_MOST } = options;
    if (!Number.isSafeInteger(maxMessageSize) || maxMessageSize < 0) {
      throw new RangeError(`maxMessageSize must be a whole number, 0 or more; got ${String(maxMessageSize)}`);
    }
    this.context = context;
    this.#reader = new Reader(
      context,
      {
        closeReceived: iterating => this.#onClose(iterating),
        failed: () => this.#end(),
        tooLarge: () => this.#refuse(maxMessageSize),
      },
      maxMessageSize,
    );
    this.#writer = new Writer(context, {
      cancel: () => {
        this.#reader.beginAgain();
        context.cancelOutstandingIO();
      },
      lost: error => {
        this.#aborted = true;
        // Somebody cancelled past this connection: what became of the frame is not known, so nothing may follow it.
        if (error.hr === E_OPERATION_ABORTED) context.closeTcpConnection();
      },
    });
  }

  get state(): ConnectionState {
    if (this.#closeSent && this.#closeReceived) return 'closed';
    if (this.#aborted) return 'aborted';
    if (this.#closeSent) return 'closeSent';
    return this.#closeReceived ? 'closeReceived' : 'open';
  }

  /** The negotiated subprotocol, '' for none. */
  get protocol(): string {
    return (this.context as Partial<WebSocketContext>).protocol ?? '';
  }

  /** What the peer's CLOSE said, once it has been read; 1005 where it said nothing. */
  get closeStatus(): { readonly code: number; readonly reason: string } | undefined {
    const status = new CloseStatus();
    if (this.context.getCloseStatus(status) !== S_OK) return undefined;
    return { code: status.statusCode, reason: status.reason };
  }

  /**
   * Reads one fragment. One receive and one send may be under way at once; a second of the same kind rejects with
   * ERR_BUSY. A receive cancelled by its signal loses nothing: what comes is kept for the next. What is only passed on is
   * cheapest lent.
   */
  receive(options?: ReceiveOptions): Promise<ReceivedFragment> {
    return this.#reader.receive(options);
  }

  /** Reads one fragment if one is here: no promise is made. Else undefined. Throws what `receive` rejects with. */
  receiveNow(options?: Omit<ReceiveOptions, 'signal'>): ReceivedFragment | undefined {
    return this.#reader.receiveNow(options);
  }

  /**
   * Sends a message, or with `final: false` a piece of one; a fragment goes as it came. Bytes belong to the connection until
   * the promise settles. A send cancelled by its signal goes out whole or not at all.
   */
  send(data: Message | ReceivedFragment, options?: SendOptions): Promise<void> {
    if (this.#closing) return Promise.reject(misplaced('CLOSE has been sent'));
    return this.#writer.send(data, options);
  }

  /**
   * Sends if it can be done at once: no promise is made. Else false, and nothing is sent. Throws what `send` rejects with.
   */
  sendNow(data: Message | ReceivedFragment, options?: Omit<SendOptions, 'signal'>): boolean {
    if (this.#closing) throw misplaced('CLOSE has been sent');
    return this.#writer.sendNow(data, options);
  }

  /**
   * Sends CLOSE after the send that is under way, and does not wait for the peer's; another send is refused from now on. The
   * second time it waits for the first.
   */
  async closeOutput(code = NORMAL, reason = ''): Promise<void> {
    checkClose(code, reason);
    if (!this.#closing && this.#aborted) throw misplaced('the connection is gone');
    await (this.#closing ??= this.#sendClose(code, reason));
  }

  /**
   * Sends CLOSE and reads until the peer's, after which the context ends TCP. A receive that waits is given what comes, and
   * an iteration that is under way all of it, up to `maxMessageSize` bytes between two of its steps, each fragment
   * counting 160 more; from there it rejects with ERR_TOO_LARGE; what nobody waits for is discarded.
   */
  async close(code = NORMAL, reason = ''): Promise<void> {
    await this.closeOutput(code, reason);
    await this.#reader.drain();
  }

  /** Ends TCP without a CLOSE. What is under way rejects with ERR_ABORTED. */
  abort(): void {
    if (this.state === 'closed') return;
    this.#abortedBy ??= new WebSocketError(
      'ERR_ABORTED',
      'the connection was aborted on this side',
      E_OPERATION_ABORTED,
    );
    this.#reader.abort(this.#abortedBy);
    this.#end();
  }

  /**
   * Whole messages, text as strings. Answers the peer's CLOSE with its own code and ends; throws at an unclean end.
   * Leaving the loop leaves the connection open.
   */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    const reader = this.#reader;
    return {
      next: () => reader.next(),
      return: () => {
        reader.leave();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  /** The messages that iteration gives, one read for each that is asked for. Cancelling it closes the connection. */
  get readable(): ReadableStream<Message> {
    return (this.#readable ??= readableOf(this));
  }

  /** Sends each chunk as a message. Closing it sends CLOSE, and reading goes on; aborting it aborts the connection. */
  get writable(): WritableStream<Message> {
    return (this.#writable ??= writableOf(this));
  }

  /** Closes the connection if it is open; how its end goes is no concern of who leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close();
    } catch {
      this.abort();
    }
  }

  async #sendClose(code: number, reason: string): Promise<void> {
    if (this.#writer.busy) await this.#writer.idle();
    try {
      if (this.#abortedBy) throw this.#abortedBy;
      const sent = this.#writer.close(code, reason);
      this.#closeSent = true;
      await sent;
    } catch (error) {
      this.#closeSent = false;
      // Somebody used the context itself meanwhile: it may be asked for again.
      if ((error as WebSocketError).code === 'ERR_BUSY') this.#closing = undefined;
      throw error;
    }
  }

  #onClose(iterating: boolean): void {
    this.#closeReceived = true;
    if (!iterating || this.#closing) return;
    const { code, reason } = this.closeStatus!;
    // Where the answer cannot go out any more, the peer has gone: the iteration has ended cleanly all the same.
    this.closeOutput(code, reason).catch(() => {});
  }

  #end(): void {
    this.#aborted = true;
    this.context.closeTcpConnection();
  }

  /** Closes with 1009; returns what the reader is told. */
  #refuse(most: number): WebSocketError {
    const error = new WebSocketError('ERR_TOO_LARGE', `a message is longer than ${most} bytes`, S_OK);
    this.#reader.abort(error);
    this.closeOutput(TOO_LARGE).then(
      () => this.#end(),
      () => this.#end(),
    );
    return error;
  }
}

function checkClose(code: number, reason: string): void {
  if (typeof code !== 'number') throw new TypeError('code must be a number');
  if (typeof reason !== 'string') throw new TypeError('reason must be a string');
  if (!closePayload(code, reason)) {
    throw new RangeError('code must be one that may stand in a CLOSE frame, reason at most 123 bytes of UTF-8');
  }
}
