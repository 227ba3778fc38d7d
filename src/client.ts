/**
 * connectWebSocket: handshake, transport and context put together, for clients (RFC 6455 §4.1). The HTTP is spoken by
 * Node's own client; the connection under it is made here, so that whatever ends an attempt takes the connection down
 * with it: an error, an answer other than 101, the time, the caller's signal. An attempt ends once.
 */
import { type IncomingMessage, request } from 'node:http';
import { connect as connectPlain, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import { Context } from './context/context.ts';
import type { WebSocketContext, WebSocketOptions } from './context/contract.ts';
import { LONGEST_TIMER } from './context/deadlines.ts';
import { type Engine, threadEngine } from './context/engine.ts';
import { WebSocketError } from './context/error.ts';
import { E_CONNECTION_INVALID, E_OUTOFMEMORY } from './context/hresult.ts';
import { CONTEXT_NAMES, checkNames, type Limits, limitsOf } from './context/options.ts';
import { tellClosed, tellConnected, tellFault } from './diagnostics.ts';
import {
  type Address,
  composeRequest,
  HandshakeError,
  judgeResponse,
  parseAddress,
  REQUEST_NAMES,
  type RequestOptions,
} from './handshake/index.ts';
import { StreamTransport } from './transport/stream.ts';

const HANDSHAKE_TIMEOUT = 30_000;

export interface ConnectOptions extends WebSocketOptions, RequestOptions {
  /** Milliseconds until the handshake must be done; 0 waits for ever. Default 30_000. */
  handshakeTimeout?: number | undefined;
  /** Aborts the attempt, which rejects with the signal's reason; once connected it has no effect. */
  signal?: AbortSignal | undefined;
  /** What tls.connect is told beside host, port and server name. */
  tls?: ConnectionOptions | undefined;
  /** Connects through this function instead of TCP (proxies, tests); for wss: TLS is laid over what it returns. */
  createConnection?: (() => Duplex | Promise<Duplex>) | undefined;
}

const OWN_NAMES = ['handshakeTimeout', 'signal', 'tls', 'createConnection'];
const CONNECT_NAMES: readonly string[] = [...REQUEST_NAMES, ...OWN_NAMES, ...CONTEXT_NAMES];

/**
 * Opens a ws:, wss: or ws+unix: connection as a client. Rejects with TypeError or RangeError for an address or options that
 * cannot be meant, with HandshakeError for an answer that is not the 101 asked for (a redirect is not followed) or none in
 * time, with the signal's reason, with WebSocketError ERR_FULL or ERR_LOST, or with the network's own error.
 */
export function connectWebSocket(url: string | URL, options: ConnectOptions = {}): Promise<WebSocketContext> {
  return new Promise((resolve, reject) => {
    const address = parseAddress(url);
    checkOptions(options);
    const { headers, ...asked } = composeRequest(address, options);
    const limits = limitsOf(options);
    const timeout = timeoutOf(options);
    const engine = threadEngine();
    const { signal } = options;
    signal?.throwIfAborted();

    let connection: Duplex | undefined;
    let over = false;
    const end = () => {
      over = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: unknown) => {
      if (over) return;
      end();
      connection?.destroy();
      reject(error);
    };
    const abort = () => fail(signal!.reason);
    const expire = () => fail(new HandshakeError(0, 'ERR_HANDSHAKE_TIMEOUT', `no handshake within ${timeout} ms`));
    // Where the process was stopped meanwhile, an answer that has come is read before the time is judged.
    const timer = timeout ? setTimeout(() => setImmediate(expire), timeout) : undefined;
    signal?.addEventListener('abort', abort);

    const answered = (response: IncomingMessage, socket?: Duplex, head?: Uint8Array) => {
      if (over) return;
      try {
        const context = openContext(engine, judgeResponse(response, asked), limits, socket!, head!);
        end();
        tellConnected(context, url);
        resolve(context);
      } catch (error) {
        fail(error);
      }
    };
    const converse = (made: Duplex) => {
      if (over) {
        made.destroy();
        return;
      }
      connection = made;
      // The request listens to the connection from here on, and goes on when the attempt is over.
      request({ createConnection: () => made, path: address.path, headers, setHost: false })
        .on('error', fail)
        .on('response', answered)
        .on('upgrade', answered)
        .end();
    };
    try {
      const made = dial(address, options);
      if (isPromise(made)) made.then(converse).catch(fail);
      else converse(made);
    } catch (error) {
      fail(error);
    }
  });
}

/** Throws the TypeError that says what is wrong with what neither the handshake's rooms nor the context's look at. */
function checkOptions(options: ConnectOptions): void {
  if (typeof options === 'string' || Array.isArray(options)) {
    throw new TypeError('options must be an object: subprotocols are given as { protocols: [...] }');
  }
  checkNames(options, CONNECT_NAMES);
  const { signal, createConnection } = options;
  if (signal && typeof signal.throwIfAborted !== 'function') {
    throw new TypeError('signal must be an AbortSignal: of an AbortController, its signal');
  }
  if (createConnection !== undefined && typeof createConnection !== 'function') {
    throw new TypeError('createConnection must be a function that returns a Duplex, or a promise of one');
  }
}

/** Makes the connection that the handshake will go through. */
function dial(address: Address, { createConnection, tls }: ConnectOptions): Duplex | Promise<Duplex> {
  const { hostname: host, port, socketPath: path, secure } = address;
  // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
  const servername = isIP(host) ? '' : host;
  const securely = { host, port, servername, ALPNProtocols: ['http/1.1'], ...tls };
  if (!createConnection) {
    if (secure) return connectSecure(securely);
    return connectPlain(path === undefined ? { host, port } : { path });
  }
  const over = (socket: Duplex) => (secure ? connectSecure({ ...securely, socket: checked(socket) }) : checked(socket));
  const made = createConnection();
  return isPromise(made) ? made.then(over) : over(made);
}

function isPromise<T extends object>(made: T | Promise<T>): made is Promise<T> {
  return typeof (made as Partial<Promise<T>> | undefined)?.then === 'function';
}

/** Nothing is connected in the place of what createConnection did not give: it may have been a proxy. */
function checked(socket: Duplex): Duplex {
  if (typeof socket?.write !== 'function') {
    throw new TypeError('createConnection must return a Duplex, or a promise of one');
  }
  if (socket.destroyed) {
    throw new WebSocketError('ERR_LOST', 'what createConnection returned is destroyed', E_CONNECTION_INVALID);
  }
  return socket;
}

function openContext(engine: Engine, protocol: string, limits: Limits, socket: Duplex, head: Uint8Array): Context {
  const record = engine.memory.records.take();
  if (!record) {
    throw new WebSocketError('ERR_FULL', 'no decoder record is left: close other connections first', E_OUTOFMEMORY);
  }
  let transport!: StreamTransport;
  let context: Context;
  try {
    context = new Context({
      engine,
      record,
      role: 'client',
      protocol,
      limits,
      onCleanup: tellClosed,
      onFault: tellFault,
      transport: owner => (transport = new StreamTransport(socket, engine.intake, owner)),
    });
  } catch (error) {
    engine.memory.records.give(record);
    throw error;
  }
  transport.start(head, limits.directReads);
  return context;
}

function timeoutOf({ handshakeTimeout = HANDSHAKE_TIMEOUT }: ConnectOptions): number {
  if (Number.isInteger(handshakeTimeout) && handshakeTimeout >= 0 && handshakeTimeout <= LONGEST_TIMER)
    return handshakeTimeout;
  throw new RangeError(
    `handshakeTimeout must be a whole number from 0 to ${LONGEST_TIMER}; got ${String(handshakeTimeout)}`,
  );
}
