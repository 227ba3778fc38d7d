/**
 * IIS's verbs over one connection. What a call may do is judged here, in one order: arguments, busy, the caller's own
 * protocol errors, connection gone; what becomes of the connection is in life.ts.
 */
import { HEADER_FINAL, OP_BINARY, OP_CONTINUATION, OP_TEXT } from '../../assembly/abi.ts';
import { outOfBounds } from '../codec/check.ts';
import type { Role } from '../codec/decoder.ts';
import type { Fault } from '../codec/faults.ts';
import { badCall, reset } from './call.ts';
import { closePayload } from './close.ts';
import type { Stats, WebSocketContext } from './contract.ts';
import {
  E_CONNECTION_INVALID,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_INVALIDARG,
  E_NOT_SET,
  type HResult,
  S_OK,
} from './hresult.ts';
import { pingPayload } from './keepalive.ts';
import { Life, type LifeInit } from './life.ts';
import { type CloseStatus, FragmentResult, type WebSocketCompletion } from './result.ts';

export interface ContextInit extends LifeInit<Context> {
  readonly protocol: string;
}

export class Context implements WebSocketContext {
  readonly role: Role;
  readonly protocol: string;

  readonly #life: Life<Context>;
  /** OP_TEXT or OP_BINARY between the pieces of a message that is being sent, else 0; and what it was a write before. */
  #message = 0;
  #messageBefore = 0;

  constructor(init: ContextInit) {
    this.role = init.role;
    this.protocol = init.protocol;
    this.#life = new Life<Context>(this, init);
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
    const life = this.#life;
    const { sender } = life;
    sender.makeRoom();
    const fits = data instanceof FragmentResult ? data.usable(life.engine.live.walk) : isPayload(data);
    if (result && !reset(result)) return E_INVALIDARG;
    if (!fits || badCall(async, completion, result)) return E_INVALIDARG;
    if (sender.waiting) return E_ILLEGAL_METHOD_CALL;
    const type = utf8Encoded ? OP_TEXT : OP_BINARY;
    const message = this.#message;
    if (!life.sends || (message && message !== type)) return this.#refuse(type);
    const first = (finalFragment ? HEADER_FINAL : 0) | (message ? OP_CONTINUATION : type);
    const hr = sender.write(first, data, async, utf8Encoded, finalFragment, completion, completionContext, result);
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
    if (result && !reset(result)) return E_INVALIDARG;
    if (data !== null && !isRoom(data)) return E_INVALIDARG;
    if (badCall(async, completion, result)) return E_INVALIDARG;
    return this.#life.receiver.read(data, async, completion, completionContext, result);
  }

  sendConnectionClose(
    async: boolean,
    statusCode: number,
    reason: string | null = null,
    completion: WebSocketCompletion | null = null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    const life = this.#life;
    const { sender } = life;
    if (result && !reset(result)) return E_INVALIDARG;
    if (badCall(async, completion, result) || (reason !== null && typeof reason !== 'string')) return E_INVALIDARG;
    const payload = closePayload(statusCode, reason ?? '');
    if (!payload) return E_INVALIDARG;
    sender.makeRoom();
    if (sender.waiting) return E_ILLEGAL_METHOD_CALL;
    if (life.closeSent) return life.refuse(E_INVALID_PROTOCOL_OPERATION);
    if (!life.sends) return life.refuse(E_CONNECTION_INVALID);
    const hr = sender.close(payload, async, completion, completionContext, result);
    if (hr === S_OK) life.sentClose();
    return hr;
  }

  getCloseStatus(status: CloseStatus): HResult {
    if (status === null || typeof status !== 'object') return E_INVALIDARG;
    const { close, receiver } = this.#life;
    if (!close || !receiver.endDelivered || receiver.end !== S_OK) return E_NOT_SET;
    status.statusCode = close.code;
    status.reason = close.reason;
    return S_OK;
  }

  closeTcpConnection(): void {
    this.#life.disconnect();
  }

  cancelOutstandingIO(): void {
    const { receiver, sender } = this.#life;
    receiver.cancel();
    if (sender.untouched) this.#message = this.#messageBefore;
    sender.cancel(true);
  }

  cleanupStoredContext(): void {
    this.#life.end();
  }

  // ── what this package adds ──

  get remoteAddress(): string | undefined {
    return this.#life.transport.remoteAddress;
  }

  get fault(): Fault | undefined {
    return this.#life.fault;
  }

  get stats(): Stats {
    const { receiver, sender } = this.#life;
    return {
      bytesReceived: receiver.bytesReceived,
      bytesSent: sender.bytesSent,
      fragmentsReceived: receiver.fragmentsReceived,
      fragmentsSent: sender.fragmentsSent,
      receiveBuffered: receiver.buffered,
      sendBuffered: sender.unsent,
    };
  }

  async ping(payload?: Uint8Array): Promise<number> {
    return this.#life.clock().ping(pingPayload(payload));
  }

  hurry(): void {
    this.#life.hurry();
  }

  /** Sends CLOSE for the engine, after a write that is under way; a no-op once CLOSE has been sent. */
  shutDown(payload: Uint8Array): void {
    this.#life.shutDown(payload);
  }

  /** Says what is wrong with a write: the caller's own protocol errors count before a connection that is gone. */
  #refuse(type: number): HResult {
    const life = this.#life;
    if (life.closeSent) return life.refuse(E_INVALID_PROTOCOL_OPERATION);
    if (this.#message && this.#message !== type) return E_INVALID_PROTOCOL_OPERATION;
    return life.refuse(E_CONNECTION_INVALID);
  }
}

/** Whether it is bytes that are there. */
function isPayload(data: unknown): boolean {
  return data instanceof Uint8Array && !outOfBounds(data);
}

/** Whether something can be read to it. */
function isRoom(data: unknown): boolean {
  return data instanceof Uint8Array && data.length > 0;
}
