/**
 * Contexts on real sockets: a server of Node's own, upgraded by WebSocketModule, and a client that writes frames by hand,
 * in every way that bytes may come: TCP, TLS and a Unix socket, read straight into the window or by 'data' events.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import * as assert from 'uvu/assert';
import type { WebSocketOptions } from '../../src/context/contract.ts';
import { type AcceptOptions, WebSocketModule } from '../../src/index.ts';
import { CERTIFICATE, KEY } from './certificate.ts';
import { leaveNothing, watch } from './pair.ts';
import { Peer } from './peer.ts';
import type { Watched } from './watched.ts';

export interface Mode {
  readonly name: string;
  readonly kind: 'tcp' | 'tls' | 'unix';
  readonly directReads: boolean;
}

export const MODES: readonly Mode[] = (['tcp', 'tls', 'unix'] as const).flatMap(kind =>
  [true, false].map(directReads => ({
    name: `${kind}, ${directReads ? 'direct' : 'by data events'}`,
    kind,
    directReads,
  })),
);

export interface Connected {
  readonly context: Watched;
  readonly peer: Peer;
  /** The server's socket, and the client's. */
  readonly socket: Socket;
  readonly client: Socket;
}

export const HEAD_LINES = [
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

export function upgradeRequest(path = '/', lines: readonly string[] = HEAD_LINES): string {
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

const open = new Set<Served>();
let paths = 0;

export class Served {
  readonly server: Server;
  readonly module: WebSocketModule;
  readonly mode: Mode;
  readonly clients = new Set<Socket>();
  #where: { port: number; host: string } | { path: string } = { path: '' };

  constructor(mode: Mode, options: WebSocketOptions & AcceptOptions = {}) {
    this.mode = mode;
    this.server =
      mode.kind === 'tls' ? createSecureServer({ key: KEY, cert: CERTIFICATE }) : createServer({ keepAlive: true });
    this.module = new WebSocketModule({ directReads: mode.directReads, ...options });
    open.add(this);
  }

  async listen(): Promise<this> {
    const path = this.mode.kind === 'unix' ? join(tmpdir(), `context-${process.pid}-${++paths}.sock`) : undefined;
    await new Promise<void>(resolve => {
      if (path) this.server.listen(path, resolve);
      else this.server.listen(0, '127.0.0.1', resolve);
    });
    this.#where = path ? { path } : { port: (this.server.address() as AddressInfo).port, host: '127.0.0.1' };
    return this;
  }

  /** Connects and says nothing yet. */
  async dial(): Promise<Socket> {
    const client =
      this.mode.kind === 'tls'
        ? connectSecure({
            ...this.#where,
            ca: CERTIFICATE,
            servername: 'localhost',
            allowHalfOpen: true,
          } as object)
        : connect({ ...this.#where, allowHalfOpen: true });
    this.clients.add(client);
    client.on('error', () => {});
    await new Promise(resolve => client.once(this.mode.kind === 'tls' ? 'secureConnect' : 'connect', resolve));
    return client;
  }

  /** Connects and asks for an upgrade, with `behind` in the same packet; the server's listener accepts it. */
  async connect(behind: Uint8Array = Buffer.alloc(0)): Promise<Connected> {
    const client = await this.dial();
    const accepted = new Promise<[Watched, Socket]>(resolve => {
      this.server.once('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        resolve([watch(this.module.accept(request, socket, head)), socket as Socket]);
      });
    });
    client.write(Buffer.concat([Buffer.from(upgradeRequest()), behind]));
    const [[context, socket], [head, rest]] = await Promise.all([accepted, readHead(client)]);
    assert.match(head, /^HTTP\/1\.1 101 /);
    return { context, socket, client, peer: new Peer(client, 'client', rest) };
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.destroy();
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }
}

/** Opens a server that accepts what `connect` asks for. */
export function serve(mode: Mode, options: WebSocketOptions & AcceptOptions = {}): Promise<Served> {
  return new Served(mode, options).listen();
}

/** Reads a response's head; returns it, and the bytes behind it. */
export function readHead(client: Duplex): Promise<[head: string, rest: Buffer]> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', take).off('close', fail);
      client.pause();
      resolve([bytes.toString('latin1', 0, end + 4), bytes.subarray(end + 4)]);
    };
    const fail = () => reject(new Error(`the connection ended with ${bytes.length} bytes of an answer`));
    client.on('data', take).on('close', fail).resume();
  });
}

/** Ends every connection and server of the test, and asserts that nothing is left: no call, record, page or socket. */
export async function leaveNobody(): Promise<void> {
  try {
    await leaveNothing();
  } finally {
    for (const served of open) {
      open.delete(served);
      await served.close();
    }
  }
}

/** Resolves with the arguments of the next such event. */
export function happens(emitter: NodeJS.EventEmitter, event: string): Promise<unknown[]> {
  return new Promise(resolve => emitter.once(event, (...told) => resolve(told)));
}
