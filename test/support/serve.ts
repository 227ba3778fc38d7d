/**
 * Servers of ours for tests, on every kind of connection that the engine knows: the same handshake, the same module, and
 * a client that connects the same way. Port and path are the machine's to choose.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createPlain, type IncomingMessage } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { type ConnectOptions, connectWebSocket } from '../../src/client.ts';
import type { WebSocketContext, WebSocketOptions } from '../../src/context/contract.ts';
import type { AcceptOptions } from '../../src/handshake/index.ts';
import { WebSocketModule } from '../../src/server.ts';
import { CERTIFICATE, KEY } from './certificate.ts';

/** What carries the bytes; 'copied' takes 'data' events instead of reading straight into the window. */
export const CARRIERS = ['tcp', 'tcp copied', 'tls', 'tls copied', 'unix', 'duplex', 'tls over duplex'] as const;
export type Carrier = (typeof CARRIERS)[number];

export interface Served {
  readonly module: WebSocketModule;
  /** Where others may connect; '' for a pair in memory. */
  readonly url: string;
  readonly port: number;
  connect(options?: ConnectOptions): Promise<WebSocketContext>;
  /** Ends the server and every connection of it. */
  stop(): Promise<void>;
}

const stops = new Set<() => Promise<void>>();

/** Has `stop` run once: by the test, or by `stopAll` where the test failed before. */
export function stopping(stop: () => Promise<void>): () => Promise<void> {
  const once = async () => {
    if (stops.delete(once)) await stop();
  };
  stops.add(once);
  return once;
}

/** Ends what a test has left open: a server that listens keeps the file from ending. */
export async function stopAll(): Promise<void> {
  for (const stop of stops) await stop();
}

export async function serve(
  onContext: (context: WebSocketContext, request: IncomingMessage) => void,
  carrier: Carrier = 'tcp',
  options: WebSocketOptions & AcceptOptions = {},
): Promise<Served> {
  const secure = carrier.startsWith('tls');
  const directReads = !carrier.endsWith('copied');
  const http = secure ? createSecure({ key: KEY, cert: CERTIFICATE }) : createPlain();
  const module = new WebSocketModule({ directReads, ...options }).attach(http, onContext);
  const scheme = secure ? 'wss' : 'ws';
  const tls = { ca: CERTIFICATE };

  if (carrier.endsWith('duplex')) {
    const url = `${scheme}://localhost`;
    const createConnection = (): Duplex => {
      const [ours, theirs] = duplexPair();
      http.emit('connection', theirs);
      return ours;
    };
    const connect = (more?: ConnectOptions) => connectWebSocket(url, { createConnection, tls, ...more });
    return { module, url: '', port: 0, connect, stop: stopping(() => module.close({ timeout: 0 })) };
  }

  const folder = carrier === 'unix' ? mkdtempSync(join(tmpdir(), 'websocket-')) : undefined;
  const path = folder && join(folder, 'socket');
  await listen(http, path);
  const port = path ? 0 : (http.address() as AddressInfo).port;
  const url = path ? `ws+unix:${path}:/` : `${scheme}://localhost:${port}`;
  return {
    module,
    url,
    port,
    connect: more => connectWebSocket(url, { directReads, tls, ...more }),
    stop: stopping(async () => {
      await module.close({ timeout: 0 });
      http.closeAllConnections();
      await new Promise(resolve => http.close(resolve));
      if (folder) rmSync(folder, { recursive: true });
    }),
  };
}

/** Listens on a port of the loopback that is free, or on a socket in the file system. */
export function listen(server: Server, path?: string): Promise<void> {
  return new Promise(resolve => {
    if (path) server.listen(path, resolve);
    else server.listen(0, 'localhost', resolve);
  });
}
