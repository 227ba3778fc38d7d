/**
 * One connection: IIS's verbs over a receiver and a sender. What a call may do is judged here, in one order: arguments,
 * busy, the caller's own protocol errors, connection gone; the connection's life is in state.ts.
 */
import { HEADER_FINAL, OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT } from '../../assembly/abi.ts';
import { FAULTS, type Fault } from '../codec/faults.ts';
import type { Transport, TransportOwner } from '../transport/transport.ts';
import { badCall } from './call.ts';
import { type Close, closePayload, readClose } from './close.ts';
import type { Stats, WebSocketContext } from './contract.ts';
import type { Completing, Engine } from './engine.ts';
import {
  E_CONNECTION_INVALID,
  E_HANDLE_EOF,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_FORMAT,
  E_INVALID_PROTOCOL_OPERATION,
  E_INVALIDARG,
  E_NETNAME_DELETED,
  E_NOT_SET,
  E_OPERATION_ABORTED,
  type HResult,
  S_OK,
} from './hresult.ts';
import { pingPayload } from './keepalive.ts';
import type { Limits } from './options.ts';
import { Receiver, type ReceiverOwner } from './receiver.ts';
import { type CloseStatus, FragmentResult, type WebSocketCompletion } from './result.ts';
import { Sender } from './sender.ts';
import { next, type State, sends } from './state.ts';
import { Timing, type TimingOwner } from './timing.ts';

export interface ContextInit {
  readonly engine: Engine;
  /** A decoder's record that is the context's from now on. */
  readonly record: number;
  readonly role: 'server' | 'client';
  readonly protocol: string;
  readonly limits: Limits;
  /** Called once, when the context's life has ended. */
  readonly onCleanup: (context: Context) => void;
  /** Called when the peer has broken a rule, in the middle of the walk. */
  readonly onFault: (context: Context) => void;
  /** Makes the transport, whose owner the context is. */
  readonly transport: (owner: TransportOwner) => Transport;
}

export class Context implements WebSocketContext, TransportOwner, ReceiverOwner, TimingOwner, Completing {
  readonly role: 'server' | 'client';
  readonly protocol: string;
  fault: Fault | undefined = undefined;
  /** @internal Null as long as the connection has not had to keep time. Only the context sets it. */
  timing: Timing | null = null;

  readonly #engine: Engine;
  readonly #limits: Limits;
  readonly #transport: Transport;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #onCleanup: (context: Context) => void;
  readonly #onFault: (context: Context) => void;

  #state: State = 'open';
  /** OP_TEXT or OP_BINARY between the pieces of a message that is being sent, else 0; and what it was a write before. */
  #message = 0;
  #messageBefore = 0;
  #closeSent = false;
  #close: Close | null = null;
  /** What reads and writes are told when TCP goes down by this side's doing; null for E_OPERATION_ABORTED. */
  #downWith: HResult | null = null;
  #gone = false;
  #cleaned = false;

  constructor(init: ContextInit) {
    const { engine, limits, role } = init;
    this.role = role;
    this.protocol = init.protocol;
    this.#engine = engine;
    this.#limits = limits;
    this.#onCleanup = init.onCleanup;
    this.#onFault = init.onFault;
    this.#receiver = new Receiver(this, engine, init.record, role, limits.receiveBufferLimit, limits.maxMessageSize);
    this.#transport = init.transport(this);
    this.#sender = new Sender(engine, this.#transport, role, limits.sendBufferLimit);
    if (limits.pingInterval) this.#clock();
  }

  // ── IIS's methods ──

  writeFragment(
    data: Uint8Array | FragmentResult,
    async: boolean,
    utf8Encoded: boolean,
    finalFragment: boolean,
    completion: WebSocketCompletion | null = null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    const fits = data instanceof FragmentResult ? data.stands(this.#engine.live.walk) : data instanceof Uint8Array;
    if (result) result.completionExpected = false;
    if (!fits || badCall(async, completion, result)) return E_INVALIDARG;
    if (this.#sender.waiting) return E_ILLEGAL_METHOD_CALL;
    if (this.#closeSent) return E_INVALID_PROTOCOL_OPERATION;
    const type = utf8Encoded ? OP_TEXT : OP_BINARY;
    const message = this.#message;
    if (message && message !== type) return E_INVALID_PROTOCOL_OPERATION;
    if (!sends(this.#state)) return E_CONNECTION_INVALID;
    const first = (finalFragment ? HEADER_FINAL : 0) | (message ? OP_CONTINUATION : type);
    const hr = this.#sender.write(
      first,
      data,
      async,
      utf8Encoded,
      finalFragment,
      completion,
      completionContext,
      result,
    );
    if (hr === S_OK) {
      this.#messageBefore = message;
      this.#message = finalFragment ? 0 : type;
    }
    return hr;
  }

  readFragment(
    data: Uint8Array | null,
    async: boolean,
    completion: WebSocketCompletion | null = null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    if (result) result.completionExpected = false;
    if (data !== null && (!(data instanceof Uint8Array) || data.length === 0)) return E_INVALIDARG;
    if (badCall(async, completion, result)) return E_INVALIDARG;
    return this.#receiver.read(data, async, completion, completionContext, result);
  }

  sendConnectionClose(
    async: boolean,
    statusCode: number,
    reason: string | null = null,
    completion: WebSocketCompletion | null = null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    if (result) result.completionExpected = false;
    if (badCall(async, completion, result) || (reason !== null && typeof reason !== 'string')) return E_INVALIDARG;
    const payload = closePayload(statusCode, reason ?? '');
    if (!payload) return E_INVALIDARG;
    if (this.#sender.waiting) return E_ILLEGAL_METHOD_CALL;
    if (this.#closeSent) return E_INVALID_PROTOCOL_OPERATION;
    if (!sends(this.#state)) return E_CONNECTION_INVALID;
    const hr = this.#sender.close(payload, async, completion, completionContext, result);
    if (hr === S_OK) this.#sentClose();
    return hr;
  }

  getCloseStatus(status: CloseStatus): HResult {
    if (!status) return E_INVALIDARG;
    if (!this.#close || !this.#receiver.ended || this.#receiver.end !== S_OK) return E_NOT_SET;
    status.statusCode = this.#close.code;
    status.reason = this.#close.reason;
    return S_OK;
  }

  closeTcpConnection(): void {
    if (this.#gone || this.#cleaned) return;
    this.#state = next(this.#state, 'disconnect');
    this.#receiver.cancel();
    this.#receiver.discard();
    this.#sender.cancel(false);
    this.#sender.end();
    this.#hurry();
  }

  cancelOutstandingIO(): void {
    this.#receiver.cancel();
    if (this.#sender.untouched) this.#message = this.#messageBefore;
    this.#sender.cancel(true);
  }

  cleanupStoredContext(): void {
    if (this.#cleaned) return;
    this.#cleaned = true;
    this.#state = next(this.#state, 'disconnect');
    this.timing?.end();
    if (!this.#gone) this.#transport.destroy();
    this.#receiver.discard();
    this.#sender.lost(E_OPERATION_ABORTED);
    this.#receiver.abandon();
    this.#sender.abandon();
    this.#onCleanup(this);
  }

  // ── what this package adds ──

  get remoteAddress(): string | undefined {
    return this.#transport.remoteAddress;
  }

  get stats(): Stats {
    return {
      bytesReceived: this.#receiver.bytesReceived,
      bytesSent: this.#sender.bytesSent,
      fragmentsReceived: this.#receiver.fragmentsReceived,
      fragmentsSent: this.#sender.fragmentsSent,
      receiveBuffered: this.#receiver.buffered,
      sendBuffered: this.#sender.unsent,
    };
  }

  async ping(payload?: Uint8Array): Promise<number> {
    return this.#clock().ping(pingPayload(payload));
  }

  /** Sends CLOSE for the engine, behind a write that is under way; a no-op once CLOSE has been sent. */
  shutDown(payload: Uint8Array): void {
    if (!sends(this.#state)) return;
    this.#sender.control(OP_CLOSE, payload);
    this.#sentClose();
  }

  // ── what the transport says ──

  received(length: number): boolean {
    this.timing?.heard();
    this.#receiver.received(length);
    return this.goOn(true);
  }

  goOn(run: boolean): boolean {
    const receiver = this.#receiver;
    const before = receiver.bytesReceived;
    this.#engine.begin();
    try {
      return receiver.goOn(run);
    } finally {
      if (this.timing?.closing && receiver.bytesReceived !== before) this.timing.close();
      this.#engine.settle();
    }
  }

  written(): void {
    this.#engine.begin();
    if (this.timing?.closing) this.timing.close();
    try {
      this.#sender.written();
    } finally {
      this.#engine.settle();
    }
  }

  ended(): void {
    this.#engine.begin();
    this.#receiver.finish(E_HANDLE_EOF);
    this.#state = next(this.#state, 'disconnect');
    this.#sender.end();
    this.#hurry();
    this.#engine.settle();
  }

  closed(error: Error | undefined): void {
    this.#gone = true;
    if (this.#cleaned) return;
    this.#engine.begin();
    const hr = error ? E_NETNAME_DELETED : (this.#downWith ?? E_OPERATION_ABORTED);
    this.#state = next(this.#state, 'disconnect');
    this.#receiver.finish(hr);
    this.#sender.lost(hr);
    this.timing?.lost(hr);
    this.#engine.settle();
    if (this.#receiver.drained) this.cleanupStoredContext();
    else this.#hurry();
  }

  // ── what the receiver says ──

  control(opcode: number, bytes: Uint8Array): void {
    if (opcode === OP_PING) {
      // §5.5.2: "an endpoint MUST send a Pong frame in response, unless it already received a Close frame".
      this.#sender.control(OP_PONG, bytes);
    } else if (opcode === OP_PONG) {
      this.timing?.answered(bytes);
    } else {
      this.#close = readClose(bytes);
      this.#state = next(this.#state, 'receiveClose');
      this.#receiver.finish(S_OK);
      this.#endIfClosed();
    }
  }

  /** §7.1.7: fails the connection, with a CLOSE that says why. */
  faulted(rule: number): void {
    this.fault = FAULTS.get(rule)!;
    if (sends(this.#state)) this.#sender.control(OP_CLOSE, closePayload(this.fault.closeCode, this.fault.message)!);
    this.#state = next(this.#state, 'fail');
    this.#receiver.finish(E_INVALID_PROTOCOL_FORMAT);
    this.#sender.end();
    this.#hurry();
    this.#onFault(this);
  }

  delivered(): void {
    if (this.#gone && this.#receiver.drained) this.#engine.due(this);
    else this.#hurry();
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.timing?.resumed();
    this.#transport.resume();
  }

  /** All is delivered, and the call or completion that did it has returned. */
  complete(): void {
    this.cleanupStoredContext();
  }

  // ── what the clock says ──

  get deaf(): boolean {
    return this.#receiver.paused;
  }

  sendPing(payload: Uint8Array): boolean {
    if (!sends(this.#state)) return false;
    this.#sender.control(OP_PING, payload);
    return true;
  }

  /** Ends TCP at once; `closed` follows. Where it has ended, nobody has come for what was received. */
  cut(hr: HResult): void {
    this.#downWith = hr;
    if (this.#gone) this.cleanupStoredContext();
    else this.#transport.destroy();
  }

  #clock(): Timing {
    return (this.timing ??= new Timing(this, this.#engine.deadlines, this.#limits));
  }

  /** Gives what is left of the connection closeTimeout from now on. */
  #hurry(): void {
    if (!this.#cleaned) this.#clock().close();
  }

  #sentClose(): void {
    this.#closeSent = true;
    this.#state = next(this.#state, 'sendClose');
    this.#hurry();
    this.#endIfClosed();
  }

  /** §7.1.1: once both CLOSEs have passed, the server ends TCP first; the client waits for it. */
  #endIfClosed(): void {
    if (this.#state === 'closed' && this.role === 'server') this.#sender.end();
  }
}
