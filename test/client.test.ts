/**
 * connectWebSocket: what it asks for, what it takes for an answer, and what it leaves behind when an attempt ends before
 * its time: no socket, no timer, no listener, no record.
 */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OP_CLOSE } from '../assembly/abi.ts';
import { connectWebSocket } from '../src/client.ts';
import { type Engine, threadEngine } from '../src/context/engine.ts';
import { WebSocketError } from '../src/context/error.ts';
import { HandshakeError } from '../src/handshake/index.ts';
import { Caller } from './support/caller.ts';
import { CERTIFICATE, KEY } from './support/certificate.ts';
import { joinAnswer } from './support/http.ts';
import { pattern } from './support/peer.ts';
import { type Raw, rawServer, switching } from './support/raw.ts';
import { listen, serve, stopAll } from './support/serve.ts';
import { writeFrame } from './support/wire.ts';

const test = suite('client');
test.after.each(stopAll);

/** What keeps this process alive or would fire later. */
function holdings(): string[] {
  return process.getActiveResourcesInfo().filter(name => name !== 'TTYWrap' && name !== 'PipeWrap');
}

/** A TCP server that answers each connection's first bytes in its own way. */
async function answering(answer: (request: string, socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.once('data', chunk => answer(chunk.toString('latin1'), socket));
  });
  await listen(server);
  return {
    url: `ws://localhost:${(server.address() as AddressInfo).port}`,
    /** Resolves when every client has gone, and the server with them. */
    async gone() {
      await Promise.all(Array.from(sockets, socket => new Promise(resolve => socket.on('close', resolve))));
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it was to reject');
}

test('it asks for what its options say', async () => {
  let headers: Record<string, unknown> = {};
  let url: string | undefined;
  const served = await serve((_context, request) => ({ headers, url } = request), 'tcp', {
    protocols: ['v2', 'v1'],
    origin: '*',
  });
  const context = await connectWebSocket(`http://us%65r:p%40ss@localhost:${served.port}/a%20b?c=d`, {
    protocols: ['v1', 'v2'],
    headers: { 'X-Trace': '7', Cookie: ['a=1', 'b=2'] },
    origin: 'https://elsewhere.example',
  });
  assert.is(context.role, 'client');
  assert.is(context.protocol, 'v2');
  assert.is(url, '/a%20b?c=d');
  assert.is(headers.host, `localhost:${served.port}`);
  assert.is(headers.origin, 'https://elsewhere.example');
  assert.is(headers['x-trace'], '7');
  assert.is(headers.cookie, 'a=1; b=2');
  assert.is(headers.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.is(headers['sec-websocket-extensions'], undefined);
  await served.stop();
});

test('what cannot be meant rejects before anything is connected', async () => {
  const before = holdings();
  const createConnection = () => assert.unreachable('nothing is connected') as never;
  for (const [url, options, kind] of [
    ['nonsense', { signal: undefined, headers: undefined }, TypeError],
    ['ftp://localhost', {}, RangeError],
    ['ws://localhost/#part', {}, RangeError],
    ['ws://localhost', { protocols: ['a', 'a'] }, TypeError],
    ['ws://localhost', { protocols: ['a b'] }, TypeError],
    ['ws://localhost', { headers: { 'X-A': 'b\r\nX-C: d' } }, TypeError],
    ['ws://localhost', { headers: { Upgrade: 'h2c' } }, TypeError],
    ['ws://localhost', { origin: 'a\nb' }, TypeError],
    ['ws://localhost', { handshakeTimeout: -1 }, RangeError],
    ['ws://localhost', { handshakeTimeout: 2 ** 31 }, RangeError],
    ['ws://localhost', { closeTimeout: 0.5 }, RangeError],
  ] as const) {
    assert.instance(await rejection(connectWebSocket(url, { createConnection, ...options })), kind, url);
  }
  for (const [options, message] of [
    [['chat.v2'], /given as \{ protocols: \[\.\.\.\] \}/],
    ['chat.v2', /given as \{ protocols/],
    [null, /options must be an object/],
    [{ headers: new Headers({ a: 'b' }), createConnection }, /Object\.fromEntries\(headers\)/],
    [{ signal: new AbortController(), createConnection }, /of an AbortController, its signal/],
    [{ createConnection: {} }, /createConnection must be a function/],
    [{ createConnection: null }, /createConnection must be a function/],
    [{ agent: {} }, /agent is no option here; those are protocols, /],
    [{ handshakeTimout: 5 }, /handshakeTimout is no option here/],
  ] as const) {
    const error = await rejection(connectWebSocket('ws://localhost', options as never));
    assert.instance(error, TypeError);
    assert.match(error.message, message);
  }
  assert.equal(holdings(), before);
});

for (const [status, code, head] of [
  [
    302,
    'ERR_HANDSHAKE_REDIRECT',
    'HTTP/1.1 302 Found\r\nLocation: ws://elsewhere.example/\r\nContent-Length: 0\r\n\r\n',
  ],
  [
    401,
    'ERR_HANDSHAKE_STATUS',
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\nwith a body that never ends',
  ],
  [200, 'ERR_HANDSHAKE_STATUS', 'HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
  [503, 'ERR_HANDSHAKE_STATUS', 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Service Unavailable\r\n\r\n'],
  [
    101,
    'ERR_HANDSHAKE_ACCEPT',
    'HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
  ],
  [101, 'ERR_HANDSHAKE_UPGRADE', 'HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\n\r\n'],
] as const) {
  test(`an answer of ${status} (${code}) is refused, with the peer's own headers, and the connection ends`, async () => {
    const server = await answering((_request, socket) => socket.write(head));
    const error = await rejection(connectWebSocket(server.url));
    assert.instance(error, HandshakeError);
    assert.is(error.status, status);
    assert.is(error.code, code);
    const headers = error.headers as Record<string, string>;
    if (status === 302) assert.is(headers.location, 'ws://elsewhere.example/');
    if (status === 401) assert.is(headers['www-authenticate'], 'Basic');
    await server.gone();
  });
}

for (const [title, code, answer] of [
  ['bytes that are no HTTP', /^HPE_/, (_: string, socket: Socket) => socket.write('SSH-2.0-server\r\n\r\n')],
  [
    'a head without end',
    'HPE_HEADER_OVERFLOW',
    (_: string, socket: Socket) => socket.write(`HTTP/1.1 101 Yes\r\nX: ${'y'.repeat(100_000)}`),
  ],
  ['an end', 'ECONNRESET', (_: string, socket: Socket) => socket.end()],
  ['a reset', 'ECONNRESET', (_: string, socket: Socket) => socket.resetAndDestroy()],
  ['an end inside the head', 'ECONNRESET', (_: string, socket: Socket) => socket.end('HTTP/1.1 101 Switching')],
] as const) {
  test(`${title} instead of an answer rejects with Node's own error`, async () => {
    const server = await answering(answer);
    const error = await rejection(connectWebSocket(server.url));
    assert.match(String(error.code), code);
    await server.gone();
  });
}

test('where nobody listens the error is the network’s', async () => {
  const server = createTcpServer();
  await listen(server);
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  assert.is((await rejection(connectWebSocket(`ws://127.0.0.1:${port}`))).code, 'ECONNREFUSED');
  assert.is((await rejection(connectWebSocket(`wss://127.0.0.1:${port}`))).code, 'ECONNREFUSED');
  const createConnection = () => connect(port, '127.0.0.1');
  assert.is((await rejection(connectWebSocket('ws://localhost', { createConnection }))).code, 'ECONNREFUSED');
  assert.is((await rejection(connectWebSocket('wss://localhost', { createConnection }))).code, 'ECONNREFUSED');
  assert.is((await rejection(connectWebSocket('ws+unix:/nowhere/socket:/'))).code, 'ENOENT');
});

test('a handshake that takes too long is given up', async () => {
  const server = await answering(() => {});
  const error = await rejection(connectWebSocket(server.url, { handshakeTimeout: 20 }));
  assert.instance(error, HandshakeError);
  assert.is(error.code, 'ERR_HANDSHAKE_TIMEOUT');
  assert.is(error.status, 0);
  await server.gone();
});

/** A signal that tells how many listen to it. */
function counted() {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  return { signal, abort: (reason: unknown) => controller.abort(reason), listeners: () => listeners };
}

test('a signal that is aborted already lets nothing begin', async () => {
  const reason = new Error('too late');
  const createConnection = () => assert.unreachable('nothing is connected') as never;
  const signal = AbortSignal.abort(reason);
  assert.is(await rejection(connectWebSocket('ws://localhost', { signal, createConnection })), reason);
});

test('a signal that is aborted during the handshake ends it with its reason', async () => {
  const { signal, abort, listeners } = counted();
  const reason = new Error('changed my mind');
  const server = await answering(() => abort(reason));
  assert.is(await rejection(connectWebSocket(server.url, { signal })), reason);
  assert.is(listeners(), 0);
  await server.gone();
});

test('a signal that is aborted once connected has no effect, and nobody listens to it', async () => {
  const { signal, abort, listeners } = counted();
  const served = await serve(context => new Caller(context).echo());
  const client = new Caller(await served.connect({ signal }));
  assert.is(listeners(), 0);
  abort(new Error('no effect'));
  await client.write('still here');
  assert.is(await client.hearText(), 'still here');
  client.cleanupStoredContext();
  await served.stop();
});

test('a connection that comes when the attempt is over is destroyed', async () => {
  const { signal, abort } = counted();
  const [ours] = duplexPair();
  let give!: (socket: Duplex) => void;
  const promised = new Promise<Duplex>(resolve => (give = resolve));
  const attempt = rejection(connectWebSocket('ws://localhost', { signal, createConnection: () => promised }));
  abort(new Error('over'));
  assert.is((await attempt).message, 'over');
  give(ours);
  await promised;
  await new Promise(resolve => ours.on('close', resolve));
});

test('createConnection that throws, rejects, or gives nothing is told as it is', async () => {
  const before = holdings();
  const reason = new Error('no way through');
  const thrown = () => {
    throw reason;
  };
  assert.is(await rejection(connectWebSocket('ws://localhost', { createConnection: thrown })), reason);
  assert.is(
    await rejection(connectWebSocket('wss://localhost', { createConnection: () => Promise.reject(reason) })),
    reason,
  );
  const nothing = () => undefined as never;
  assert.instance(await rejection(connectWebSocket('ws://localhost', { createConnection: nothing })), TypeError);
  const number = () => 5 as never;
  assert.match((await rejection(connectWebSocket('ws://localhost', { createConnection: number }))).message, /a Duplex/);
  assert.instance(
    await rejection(connectWebSocket('ws://localhost', { createConnection: async () => nothing() })),
    TypeError,
  );
  assert.instance(
    await rejection(connectWebSocket('wss://localhost', { createConnection: async () => nothing() })),
    TypeError,
  );
  const [ours] = duplexPair();
  ours.destroy();
  await new Promise(resolve => ours.on('close', resolve));
  assert.instance(await rejection(connectWebSocket('ws://localhost', { createConnection: () => ours })), Error);
  assert.equal(holdings(), before);
});

test('createConnection goes through a proxy: CONNECT, then the handshake, plain or with TLS over it', async () => {
  for (const carrier of ['tcp', 'tls'] as const) {
    const served = await serve(context => new Caller(context).echo(), carrier);
    const proxy = createServer().on('connect', (request, socket: Duplex) => {
      const [host, port] = request.url!.split(':');
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    await listen(proxy);
    const createConnection = async () => {
      const socket = connect((proxy.address() as AddressInfo).port, 'localhost');
      socket.write(`CONNECT localhost:${served.port} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await new Promise(resolve => socket.once('readable', resolve));
      assert.match(String(socket.read()), '200');
      return socket;
    };
    const client = new Caller(await served.connect({ createConnection }));
    await client.write('through');
    assert.is(await client.hearText(), 'through');
    client.cleanupStoredContext();
    await served.stop();
    proxy.closeAllConnections();
    await new Promise(resolve => proxy.close(resolve));
  }
});

test('TLS: the certificate is checked against the name, and the name is sent', async () => {
  const names: unknown[] = [];
  const secure = createSecureServer({ key: KEY, cert: CERTIFICATE, ALPNProtocols: ['h2', 'http/1.1'] });
  secure.on('upgrade', (request, socket: TLSSocket & { servername: unknown }) => {
    names.push([socket.servername, socket.alpnProtocol]);
    socket.on('error', () => {});
    socket.write(switching(`sec-websocket-key: ${request.headers['sec-websocket-key']}`));
  });
  await listen(secure);
  const { port } = secure.address() as AddressInfo;
  assert.is((await rejection(connectWebSocket(`wss://localhost:${port}`))).code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  const tls = { ca: CERTIFICATE };
  (await connectWebSocket(`wss://localhost:${port}`, { tls })).cleanupStoredContext();
  (await connectWebSocket(`https://127.0.0.1:${port}`, { tls: { ...tls, host: 'localhost' } })).cleanupStoredContext();
  const other = connectWebSocket(`wss://localhost:${port}`, { tls: { ...tls, servername: 'elsewhere.example' } });
  assert.is((await rejection(other)).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(names, [
    ['localhost', 'http/1.1'],
    [false, 'http/1.1'],
  ]);
  secure.closeAllConnections();
  await new Promise(resolve => secure.close(resolve));
});

test('a plain answer to TLS, and TLS where plain was asked for, reject', async () => {
  const server = await answering((_request, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assert.instance(await rejection(connectWebSocket(server.url.replace('ws:', 'wss:'))), Error);
  await server.gone();
});

test('what came in one piece with the answer is decoded first', async () => {
  const frames = Buffer.concat([
    writeFrame({ opcode: 1, data: Buffer.from('at once') }),
    writeFrame({ opcode: 1, data: Buffer.from('more') }),
  ]);
  const server = await rawServer(() => {}, frames.subarray(0, frames.length - 2));
  const client = new Caller(await connectWebSocket(server.url));
  assert.is(await client.hearText(), 'at once');
  client.cleanupStoredContext();
  await server.stop();
});

test('every frame has a masking key of its own, small or large, and the caller keeps its bytes', async () => {
  const FRAMES = 3000;
  let raw!: Raw;
  const server = await rawServer(accepted => (raw = accepted));
  const client = new Caller(await connectWebSocket(server.url));
  const small = Buffer.from('the same bytes');
  const large = pattern(200_000);
  for (let i = 0; i < FRAMES; i++) client.writeNow(small);
  await client.write(large);
  await client.write(large);
  await client.close();
  await raw.until(({ opcode }) => opcode === OP_CLOSE);
  const keys = raw.frames.map(({ key }) => key!.readUInt32LE());
  assert.is(keys.length, FRAMES + 3);
  assert.is.not(keys[FRAMES], keys[FRAMES + 1], 'nor for large frames');
  // Of 3,003 random keys two are the same once in a thousand runs, and three once in millions.
  assert.ok(new Set(keys).size >= FRAMES, 'no key is drawn twice');
  assert.ok(raw.frames.slice(0, FRAMES).every(({ data }) => data.equals(small)));
  assert.ok(raw.frames[FRAMES]!.data.equals(pattern(200_000)));
  assert.is(small.toString(), 'the same bytes');
  assert.ok(large.equals(pattern(200_000)));
  client.cleanupStoredContext();
  await server.stop();
});

test('without a record left it rejects, and the connection ends', async () => {
  const engine: Engine = threadEngine();
  const taken: number[] = [];
  for (let record = engine.memory.records.take(); record; record = engine.memory.records.take()) taken.push(record);
  const server = await answering((request, socket) => socket.write(switching(request)));
  const error = await rejection(connectWebSocket(server.url));
  for (const record of taken) engine.memory.records.give(record);
  assert.instance(error, WebSocketError);
  assert.is(error.code, 'ERR_FULL');
  await server.gone();
});

test('a connection that cannot be made a transport rejects, keeps no record, and ends', async () => {
  const connection = joinAnswer(switching);
  Reflect.set(connection, 'setNoDelay', () => {
    throw new Error('of the stream');
  });
  const failure = await rejection(connectWebSocket('ws://localhost', { createConnection: () => connection }));
  assert.is(failure.message, 'of the stream');
  assert.ok(connection.destroyed);
  assert.is(threadEngine().memory.records.taken, 0);
});

test('failed attempts keep no record, no timer and no socket', async () => {
  const before = holdings();
  const server = await answering((_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  await Promise.all(Array.from({ length: 200 }, () => rejection(connectWebSocket(server.url))));
  await server.gone();
  assert.equal(holdings(), before);
});

test.run();
