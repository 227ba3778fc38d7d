/**
 * A context on a real socket whose peer is bare: the handshake is done, and from then on the test writes bytes, reads
 * them or leaves them. The peer's socket is paused, and so a peer that never reads unless the test lets it.
 */
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connectWebSocket } from '../../src/client.ts';
import type { WebSocketContext, WebSocketOptions } from '../../src/context/contract.ts';
import { WebSocketModule } from '../../src/server.ts';
import { type Role, watch } from './pair.ts';
import { switching } from './raw.ts';
import { listen } from './serve.ts';
import type { Watched } from './watched.ts';

export interface Joined {
  readonly context: Watched;
  /** The context's socket. */
  readonly near: Socket;
  /** The peer's. */
  readonly far: Socket;
}

/** The other end of a connection, known by the port that it comes from. */
interface Arrival {
  arrived: Promise<[socket: Socket, context: WebSocketContext | undefined]>;
  arrive(end: [socket: Socket, context: WebSocketContext | undefined]): void;
}

export interface Stand {
  readonly port: number;
  readonly module: WebSocketModule;
  join(): Promise<Joined>;
  stop(): Promise<void>;
}

export const REQUEST = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Extensions: permessage-deflate',
  '\r\n',
].join('\r\n');

/** Opens a place where contexts of this role come into being, one by one. */
export async function stand(role: Role, options: WebSocketOptions = {}): Promise<Stand> {
  const module = new WebSocketModule(options);
  const near = new Set<Socket>();
  const arrivals = new Map<number, Arrival>();
  const arrival = (at: number): Arrival => {
    const known = arrivals.get(at);
    if (known) return known;
    const made = {} as Arrival;
    made.arrived = new Promise(resolve => (made.arrive = resolve));
    arrivals.set(at, made);
    return made;
  };
  const arrive = (socket: Socket, context?: WebSocketContext) => {
    near.add(socket.on('error', () => {}));
    arrival(socket.remotePort!).arrive([socket, context]);
  };
  const http = createHttp().on('connection', socket => near.add(socket));
  module.attach(http, (context, request) => arrive(request.socket, context));
  const bare = createServer({ allowHalfOpen: true }, arrive);
  const server = role === 'server' ? http : bare;
  await listen(server);
  const { port } = server.address() as AddressInfo;

  async function joinServer(): Promise<Joined> {
    const far = connect({ port, host: 'localhost', allowHalfOpen: true }).on('error', () => {});
    far.write(REQUEST);
    await head(far);
    const [socket, context] = await arrival(far.localPort!).arrived;
    arrivals.delete(far.localPort!);
    return { context: watch(context!), near: socket, far };
  }

  async function joinClient(): Promise<Joined> {
    const socket = connect({ port, host: 'localhost' });
    const opening = connectWebSocket(`ws://localhost:${port}`, { ...options, createConnection: () => socket });
    await once(socket, 'connect');
    const [far] = await arrival(socket.localPort!).arrived;
    arrivals.delete(socket.localPort!);
    far.write(switching(await head(far)));
    return { context: watch(await opening), near: socket, far };
  }

  return {
    port,
    module,
    join: role === 'server' ? joinServer : joinClient,
    async stop() {
      for (const socket of near) socket.destroy();
      await module.close({ timeout: 0 });
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** Reads an HTTP head, which comes in one piece here, and pauses. */
function head(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      resolve(chunk.toString('latin1'));
    });
  });
}

/** Writes `block` so many times, as fast as it is taken. Resolves with whether all of it was. */
export async function pump(socket: Socket, block: Uint8Array, times: number): Promise<boolean> {
  const gone = new Promise<void>(resolve => socket.once('close', () => resolve()));
  for (let time = 0; time < times && !socket.destroyed; time++) {
    if (!socket.write(block)) await Promise.race([once(socket, 'drain').catch(() => {}), gone]);
  }
  return !socket.destroyed;
}
