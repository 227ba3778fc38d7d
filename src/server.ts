/** WebSocketModule: handshake, transport and context put together, for servers. */
import type { Server as HttpServer, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { closePayload } from './context/close.ts';
import { Context } from './context/context.ts';
import type { WebSocketContext, WebSocketOptions } from './context/contract.ts';
import { LONGEST_TIMER } from './context/deadlines.ts';
import { type Engine, threadEngine } from './context/engine.ts';
import { CONTEXT_NAMES, checkNames, flagOf, type Limits, limitsOf } from './context/options.ts';
import { rethrow } from './context/turn.ts';
import { tellAccepted, tellClosed, tellFault, tellRefused } from './diagnostics.ts';
import {
  ACCEPT_NAMES,
  type AcceptOptions,
  checkAcceptOptions,
  composeRefusal,
  HandshakeError,
  type Judgement,
  judgeUpgrade,
} from './handshake/index.ts';
import { StreamTransport } from './transport/stream.ts';
import { checkFree, listen } from './upgrades.ts';

const isStream = (socket: Partial<Duplex> | undefined): boolean => typeof socket?.write === 'function';
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

export class WebSocketModule {
  readonly #engine: Engine;
  readonly #enabled: boolean;
  readonly #limits: Limits;
  readonly #accept: AcceptOptions;
  readonly #contexts = new Set<Context>();
  #closing = false;
  #onEmpty: (() => void) | undefined;

  /** Throws TypeError or RangeError for an option that cannot be meant. */
  constructor(options: WebSocketOptions & AcceptOptions = {}) {
    checkNames(options, [...ACCEPT_NAMES, ...CONTEXT_NAMES]);
    checkAcceptOptions(options);
    this.#limits = limitsOf(options);
    this.#enabled = flagOf(options, 'enabled');
    this.#accept = options;
    this.#engine = threadEngine();
  }

  /** Contexts accepted, and neither cleaned up nor left by the application after their connection's end. */
  get size(): number {
    return this.#contexts.size;
  }

  /**
   * Answers an 'upgrade' event: writes the 101 and returns the context. A request that may not be upgraded is answered
   * with its HTTP status (400, 403, 404, 405, 426, 500, 503) and throws HandshakeError. `options` go before the module's own.
   * Throws WebSocketError ERR_STATE for a socket that has been accepted, and leaves its context alone.
   */
  accept(request: IncomingMessage, socket: Duplex, head: Uint8Array, options: AcceptOptions = {}): WebSocketContext {
    if (typeof request?.headers !== 'object' || !isStream(socket)) {
      throw new TypeError(
        "accept takes what an 'upgrade' event gives: the request, its socket and what came behind it",
      );
    }
    checkNames(options, ACCEPT_NAMES);
    checkFree(socket);
    const refuse = (status: number, code: string, message: string, headers?: OutgoingHttpHeaders) =>
      this.#refuse(request, socket, new HandshakeError(status, code, message), headers);
    if (!this.#enabled) throw refuse(404, 'ERR_HANDSHAKE_DISABLED', 'WebSockets are not enabled here');
    if (this.#closing) throw refuse(503, 'ERR_HANDSHAKE_CLOSING', 'the module is closing');
    const secure = (socket as Partial<TLSSocket>).encrypted === true;
    let judgement: Judgement;
    try {
      judgement = judgeUpgrade(request, this.#accepting(options), secure);
    } catch (error) {
      this.refuse(socket, 500);
      throw error;
    }
    if (judgement.status !== 101) {
      throw refuse(judgement.status, judgement.code, judgement.message, judgement.headers);
    }
    const record = this.#engine.memory.records.take();
    if (!record) throw refuse(503, 'ERR_HANDSHAKE_FULL', 'no decoder record is left');

    const { protocol } = judgement;
    let transport!: StreamTransport;
    let context: Context;
    try {
      socket.write(judgement.head, 'latin1');
      context = new Context({
        engine: this.#engine,
        record,
        role: 'server',
        protocol,
        limits: this.#limits,
        onCleanup: this.#onCleanup,
        onLeft: this.#onLeft,
        onFault: tellFault,
        transport: owner => (transport = new StreamTransport(socket, this.#engine.intake, owner)),
      });
    } catch (error) {
      // A stream of the application's own threw.
      this.#engine.memory.records.give(record);
      socket.destroy();
      throw error;
    }
    this.#contexts.add(context);
    transport.start(head, this.#limits.directReads);
    tellAccepted(context, request);
    return context;
  }

  /**
   * Answers an upgrade request that the application turns down (401, 302, ...), whenever it has decided. Throws RangeError
   * for a status that is none of 300 to 599 or is 304, TypeError for a header that cannot be sent.
   */
  refuse(
    socket: Duplex,
    status: number,
    options: { headers?: OutgoingHttpHeaders | undefined; body?: string | undefined } = {},
  ): void {
    if (!isStream(socket)) throw new TypeError("refuse takes the socket of an 'upgrade' event");
    checkNames(options, ['headers', 'body']);
    const text = composeRefusal(status, options);
    const destroy = () => socket.destroy();
    socket.on('error', destroy);
    socket.end(text);
    // Until the peer has read the answer and ends its side, what it sends is discarded; sending keeps nothing open.
    socket.resume();
    const timer = setTimeout(destroy, Math.min(this.#limits.closeTimeout, LONGEST_TIMER)).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /**
   * Accepts every upgrade of `server` (optionally one path) and hands each context over. A request for another path is
   * left alone where others than attach listen for 'upgrade', and answered with 404 where nobody does. Throws TypeError
   * for arguments that cannot be meant, WebSocketError ERR_STATE where an attach before takes some of the same requests.
   */
  attach(
    server: HttpServer | HttpsServer,
    onContext: (context: WebSocketContext, request: IncomingMessage) => void,
    options: AcceptOptions & { path?: string | undefined } = {},
  ): this {
    checkNames(options, [...ACCEPT_NAMES, 'path']);
    checkAcceptOptions(options);
    const { path } = options;
    if (typeof onContext !== 'function') {
      throw new TypeError('attach takes a function behind the server: it is handed each context, with its request');
    }
    const taken = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      let context: WebSocketContext;
      try {
        context = this.accept(request, socket, head, this.#accepting(options));
      } catch (error) {
        if (!(error instanceof HandshakeError)) rethrow(error);
        return;
      }
      try {
        onContext(context, request);
      } catch (error) {
        (context as Context).shutDown(closePayload(INTERNAL_ERROR, '')!);
        rethrow(error);
      }
    };
    const lost = (request: IncomingMessage, socket: Duplex) =>
      this.#refuse(request, socket, new HandshakeError(404, 'ERR_HANDSHAKE_PATH', 'no WebSocket is at this path'));
    listen(server, { path, over: () => this.#closing }, taken, lost);
    return this;
  }

  /**
   * Refuses new upgrades with 503, sends CLOSE (1001 by default) to all, and resolves when all are gone: when TCP is, and
   * the application has read to the end, or for a second nothing since a write failed. What is not gone after `timeout`
   * milliseconds (default: closeTimeout) is cut. Rejects with RangeError for a CLOSE or a time that may not be.
   */
  async close(
    options: { statusCode?: number | undefined; reason?: string | undefined; timeout?: number | undefined } = {},
  ): Promise<void> {
    checkNames(options, ['statusCode', 'reason', 'timeout']);
    const { statusCode = GOING_AWAY, reason = '', timeout = this.#limits.closeTimeout } = options;
    const payload = closePayload(statusCode, reason);
    if (!payload) {
      throw new RangeError('statusCode must be one that may stand in a CLOSE frame, reason at most 123 bytes of UTF-8');
    }
    if (typeof timeout !== 'number' || !(timeout >= 0)) {
      throw new RangeError(`timeout must be milliseconds, 0 or more; got ${String(timeout)}`);
    }
    this.#closing = true;
    for (const context of this.#contexts) context.shutDown(payload);
    if (!this.#contexts.size) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>(resolve => {
      const before = this.#onEmpty;
      this.#onEmpty = () => {
        before?.();
        resolve();
      };
      timer = setTimeout(resolve, Math.min(timeout, LONGEST_TIMER));
    });
    clearTimeout(timer);
    for (const context of this.#contexts) context.cleanupStoredContext();
  }

  /** The options of an upgrade, and the module's own where they leave one undefined. */
  #accepting(options: AcceptOptions): AcceptOptions {
    const { protocols, origin, headers } = this.#accept;
    const { protocols: itsProtocols = protocols, origin: itsOrigin = origin, headers: itsHeaders = headers } = options;
    return { protocols: itsProtocols, origin: itsOrigin, headers: itsHeaders };
  }

  readonly #onCleanup = (context: Context): void => {
    tellClosed(context);
    this.#onLeft(context);
  };

  readonly #onLeft = (context: Context): void => {
    this.#contexts.delete(context);
    if (this.#closing && !this.#contexts.size) this.#onEmpty?.();
  };

  #refuse(request: IncomingMessage, socket: Duplex, error: HandshakeError, headers: OutgoingHttpHeaders = {}) {
    this.refuse(socket, error.status, { headers, body: error.message });
    tellRefused(request, error);
    return error;
  }
}
