/** WebSocketModule: who is let in, who is turned away and how, and how all of it ends. */
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import type { WebSocketContext } from '../src/context/contract.ts';
import { E_CONNECTION_INVALID, E_HANDLE_EOF, E_INVALID_PROTOCOL_OPERATION, S_OK } from '../src/context/hresult.ts';
import {
  connectWebSocket,
  HandshakeError,
  WebSocketConnection,
  WebSocketError,
  WebSocketModule,
} from '../src/index.ts';
import { CERTIFICATE, KEY } from './support/certificate.ts';
import { engine, turn, turns, watch } from './support/pair.ts';
import { Peer } from './support/peer.ts';
import { failureOf } from './support/promise.ts';
import {
  HEAD_LINES,
  happens,
  leaveNobody,
  type Mode,
  readHead,
  type Served,
  serve,
  upgradeRequest,
} from './support/served.ts';
import type { Watched } from './support/watched.ts';

const test = suite('server');
test.after.each(leaveNobody);

const TCP: Mode = { name: 'tcp', kind: 'tcp', directReads: true };
const GONE = 'the connection ended';

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** The client's end, where the connection was upgraded. */
  readonly peer: Peer;
}

/** Sends a request's head; returns the answer, all of it where the server ends the connection. */
async function ask(served: Served, text: string): Promise<Answer> {
  const client = await served.dial();
  client.write(text);
  const [head, rest] = await readHead(client);
  const status = Number(head.split(' ')[1]);
  const peer = new Peer(client, 'client', rest);
  if (status === 101) return { status, head, body: '', peer };
  await peer.end();
  client.end();
  return { status, head, body: peer.bytes.toString(), peer };
}

/** Accepts everything, and notes what accept throws. */
function accepting(served: Served): { contexts: Watched[]; errors: unknown[] } {
  const contexts: Watched[] = [];
  const errors: unknown[] = [];
  served.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    try {
      contexts.push(watch(served.module.accept(request, socket, head)));
    } catch (error) {
      errors.push(error);
    }
  });
  return { contexts, errors };
}

async function uncaught(work: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  process.on('uncaughtException', note);
  await work();
  process.off('uncaughtException', note);
  return errors;
}

function raise(): never {
  throw new Error('of the stream');
}

// ── accept ──

test('accept writes the 101 and returns an open context of the server role', async () => {
  const served = await serve(TCP, { protocols: ['chat'], headers: { 'X-Mine': 'yes' } });
  const { contexts } = accepting(served);
  const { head } = await ask(served, upgradeRequest('/', [...HEAD_LINES, 'Sec-WebSocket-Protocol: other, chat']));
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(head, /\r\nSec-WebSocket-Protocol: chat\r\n/);
  assert.match(head, /\r\nX-Mine: yes\r\n/);
  assert.not.match(head, /Sec-WebSocket-Extensions/i);
  const { context } = contexts[0]!;
  assert.equal([context.role, context.protocol, context.remoteAddress], ['server', 'chat', '127.0.0.1']);
  assert.is(context.fault, undefined);
});

test("accept's own options go before the module's", async () => {
  const served = await serve(TCP, { protocols: ['chat'] });
  served.server.on('upgrade', (request, socket, head) => {
    watch(served.module.accept(request, socket, head, { protocols: ['other'], headers: { 'X-Own': '1' } }));
  });
  const { head } = await ask(served, upgradeRequest('/', [...HEAD_LINES, 'Sec-WebSocket-Protocol: other, chat']));
  assert.match(head, /Sec-WebSocket-Protocol: other\r\n/);
  assert.match(head, /X-Own: 1\r\n/);
});

const without = (name: string, ...more: string[]) => [...HEAD_LINES.filter(line => !line.startsWith(name)), ...more];
const REFUSED: readonly (readonly [status: number, code: string, request: string, answer: RegExp])[] = [
  [400, 'ERR_HANDSHAKE_KEY', upgradeRequest('/', without('Sec-WebSocket-Key')), /./],
  [403, 'ERR_HANDSHAKE_ORIGIN', upgradeRequest('/', [...HEAD_LINES, 'Origin: http://elsewhere.example']), /./],
  [405, 'ERR_HANDSHAKE_METHOD', upgradeRequest().replace('GET', 'PUT'), /\r\nAllow: GET\r\n/],
  [
    426,
    'ERR_HANDSHAKE_VERSION',
    upgradeRequest('/', without('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8')),
    /\r\nSec-WebSocket-Version: 13\r\n/,
  ],
];

for (const [status, code, request, answer] of REFUSED) {
  test(`what may not be upgraded is answered with ${status} and thrown as ${code}`, async () => {
    const served = await serve(TCP);
    const { contexts, errors } = accepting(served);
    const told = await ask(served, request);
    assert.is(told.status, status);
    assert.match(told.head, answer);
    assert.match(told.head, /\r\nConnection: close/);
    assert.is(contexts.length, 0);
    const error = errors[0] as HandshakeError;
    assert.instance(error, HandshakeError);
    assert.equal([error.status, error.code], [status, code]);
    assert.is(told.body, error.message);
    assert.is(served.module.size, 0);
  });
}

test('over TLS an Origin without TLS is another, and one with TLS the same', async () => {
  const served = await serve({ name: 'tls', kind: 'tls', directReads: true });
  accepting(served);
  for (const [origin, status] of [
    ['https://localhost', 101],
    ['http://localhost', 403],
  ] as const) {
    assert.is((await ask(served, upgradeRequest('/', [...HEAD_LINES, `Origin: ${origin}`]))).status, status, origin);
  }
});

test('a module that is not enabled answers every upgrade with 404', async () => {
  const served = await serve(TCP, { enabled: false });
  const { errors } = accepting(served);
  assert.is((await ask(served, upgradeRequest())).status, 404);
  assert.is((errors[0] as HandshakeError).code, 'ERR_HANDSHAKE_DISABLED');
});

test('without a decoder record left an upgrade is answered with 503, and with one again it is accepted', async () => {
  const served = await serve(TCP);
  const { contexts, errors } = accepting(served);
  const { records } = engine.memory;
  const taken: number[] = [];
  for (let record = records.take(); record; record = records.take()) taken.push(record);
  const told = await ask(served, upgradeRequest());
  for (const record of taken) records.give(record);
  assert.ok(taken.length >= 65_536);
  assert.is(told.status, 503);
  assert.is((errors[0] as HandshakeError).code, 'ERR_HANDSHAKE_FULL');
  assert.is((await ask(served, upgradeRequest())).status, 101);
  assert.is(contexts.length, 1);
});

for (const [name, fails] of [
  ['throws from the write of the 101', { write: () => raise() }],
  ['cannot be made a transport', { setNoDelay: () => raise() }],
] as const) {
  test(`a stream that ${name} keeps no record, and is destroyed`, async () => {
    const served = await serve(TCP);
    let stream!: Duplex;
    served.server.on('upgrade', (request, socket) => {
      socket.destroy();
      stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      Object.assign(stream, fails);
      assert.throws(() => served.module.accept(request, stream, Buffer.alloc(0)), 'of the stream');
    });
    const client = await served.dial();
    client.write(upgradeRequest());
    await happens(client.resume(), 'end');
    assert.ok(stream.destroyed);
    assert.is(served.module.size, 0);
    assert.is(engine.memory.records.taken, 0);
  });
}

test("an application's function that throws is a 500 to the peer and an exception to the caller", async () => {
  const served = await serve(TCP, {
    protocols: () => {
      throw new Error('of the application');
    },
  });
  const { errors } = accepting(served);
  const told = await ask(served, upgradeRequest('/', [...HEAD_LINES, 'Sec-WebSocket-Protocol: chat']));
  assert.is(told.status, 500);
  assert.not.match(told.body, /of the application/);
  assert.is((errors[0] as Error).message, 'of the application');
});

test('accept of a socket that has been accepted throws, and its context goes on', async () => {
  const served = await serve(TCP);
  const { contexts } = accepting(served);
  const errors: WebSocketError[] = [];
  for (const module of [served.module, new WebSocketModule({ enabled: false })]) {
    served.server.on('upgrade', (request, socket, head) => {
      try {
        module.accept(request, socket, head);
      } catch (error) {
        errors.push(error as WebSocketError);
      }
    });
  }
  const { peer } = await ask(served, upgradeRequest());
  for (const error of errors) {
    assert.instance(error, WebSocketError);
    assert.is(error.code, 'ERR_STATE');
    assert.match(error.message, /accepted already: let one listener/);
  }
  assert.equal([errors.length, served.module.size], [2, 1]);
  await contexts[0]!.write('undisturbed');
  assert.is(await peer.next(), 'text "undisturbed"');
});

test('options that cannot be meant are refused when the module is made, or attached', () => {
  assert.throws(() => new WebSocketModule({ closeTimeout: -1 }), /closeTimeout/);
  assert.throws(() => new WebSocketModule({ enabled: 'no' as never }), /enabled must be true or false; got no/);
  assert.throws(() => new WebSocketModule({ protocols: ['a b'] }));
  assert.throws(() => new WebSocketModule({ headers: { 'X-Bad': 'a\r\nb' } }));
  assert.throws(() => new WebSocketModule().attach(createServer(), () => {}, { origin: 'https://a.example' as never }));
});

// ── refuse ──

test('refuse answers with the status, headers and body it is given, and ends the connection', async () => {
  const served = await serve(TCP);
  served.server.on('upgrade', async (_request, socket) => {
    await turns();
    served.module.refuse(socket, 401, { headers: { 'WWW-Authenticate': 'Basic' }, body: 'who are you?' });
  });
  const { status, head, body } = await ask(served, upgradeRequest());
  assert.is(status, 401);
  assert.match(head, /\r\nWWW-Authenticate: Basic\r\n/);
  assert.is(body, 'who are you?');
});

test('a refused peer that stays, talking or not, is cut after closeTimeout', async () => {
  const served = await serve(TCP, { closeTimeout: 100 });
  const closed = new Promise(resolve =>
    served.server.on('upgrade', (_request, socket) => {
      socket.on('close', resolve);
      served.module.refuse(socket, 404);
    }),
  );
  const client = await served.dial();
  const talking = setInterval(() => client.write('x'), 10);
  client.write(upgradeRequest());
  client.resume();
  await closed;
  clearInterval(talking);
});

test('a refused peer that vanished is no exception', async () => {
  const served = await serve(TCP);
  const upgraded = happens(served.server, 'upgrade');
  const client = await served.dial();
  client.write(upgradeRequest());
  const [, socket] = (await upgraded) as [IncomingMessage, Socket];
  const closed = happens(socket, 'close');
  client.resetAndDestroy();
  served.module.refuse(socket, 404);
  await closed;
});

// ── attach ──

test('attach hands every context over with its request', async () => {
  const served = await serve(TCP);
  const handed = new Promise<[WebSocketContext, IncomingMessage]>(resolve => {
    assert.is(
      served.module.attach(served.server, (context, request) => resolve([context, request])),
      served.module,
    );
  });
  const { peer } = await ask(served, upgradeRequest('/somewhere?q=1'));
  const [context, request] = await handed;
  assert.is(request.url, '/somewhere?q=1');
  assert.is((await watch(context).write('hello')).hr, S_OK);
  assert.is(await peer.next(), 'text "hello"');
});

test('attached to a path, others get 404 where nobody else listens, the query being no part of it', async () => {
  const served = await serve(TCP);
  served.module.attach(served.server, context => watch(context), { path: '/chat' });
  assert.is((await ask(served, upgradeRequest('/chat'))).status, 101);
  assert.is((await ask(served, upgradeRequest('/chat?room=1'))).status, 101);
  for (const path of ['/', '/chat/', '/chatter', '/Chat'])
    assert.is((await ask(served, upgradeRequest(path))).status, 404, path);
});

test('attached to several paths, each goes its way, and others get 404 once', async () => {
  const served = await serve(TCP);
  const other = new WebSocketModule();
  served.module.attach(served.server, context => void watch(context).writeNow('one'), { path: '/one' });
  other.attach(served.server, context => void watch(context).writeNow('two'), { path: '/two' });
  for (const name of ['one', 'two']) {
    const { status, peer } = await ask(served, upgradeRequest(`/${name}`));
    assert.is(status, 101);
    assert.is(await peer.next(), `text "${name}"`);
  }
  assert.equal([served.module.size, other.size], [1, 1]);
  const { status, body } = await ask(served, upgradeRequest('/three'));
  assert.equal([status, body], [404, 'no WebSocket is at this path']);
});

test('attached to paths, others are left to the listeners that are not ours', async () => {
  const served = await serve(TCP);
  served.module.attach(served.server, context => watch(context), { path: '/one' });
  served.server.on('upgrade', (request, socket) => {
    if (request.url === '/two') socket.end('HTTP/1.1 402 Payment Required\r\n\r\n');
  });
  new WebSocketModule().attach(served.server, context => watch(context), { path: '/three' });
  const { status, body } = await ask(served, upgradeRequest('/two'));
  assert.equal([status, body], [402, '']);
});

const OVERLAPS: readonly (readonly [string | undefined, string | undefined])[] = [
  [undefined, undefined],
  [undefined, '/a'],
  ['/a', undefined],
  ['/a', '/a'],
];
for (const [first, second] of OVERLAPS) {
  test(`attach to ${second ?? 'every path'} behind ${first ?? 'every path'} throws, and says what to do`, () => {
    const server = createServer().on('upgrade', () => {});
    const module = new WebSocketModule().attach(server, () => {}, first === undefined ? {} : { path: first });
    for (const each of [module, new WebSocketModule()]) {
      assert.throws(
        () => each.attach(server, () => {}, second === undefined ? {} : { path: second }),
        (error: WebSocketError) => error.code === 'ERR_STATE' && /give each a path of its own/.test(error.message),
      );
    }
    assert.is(server.listenerCount('upgrade'), 2);
    module.attach(createServer(), () => {});
  });
}

test('attach comes in the place of one whose module is closed', async () => {
  const served = await serve(TCP);
  served.module.attach(served.server, () => assert.unreachable('its module is closed'));
  await served.module.close();
  new WebSocketModule().attach(served.server, context => void watch(context).writeNow('hello'), { path: '/new' });
  const { status, peer } = await ask(served, upgradeRequest('/new'));
  assert.is(status, 101);
  assert.is(await peer.next(), 'text "hello"');
  assert.is((await ask(served, upgradeRequest('/old'))).status, 404);
});

test('attach says what to pass in place of what is no server, no function or no path', () => {
  const module = new WebSocketModule();
  const server = createServer();
  const told = (message: RegExp) => (error: Error) => error instanceof TypeError && message.test(error.message);
  const app = Object.assign(() => {}, { on() {}, listen() {} });
  for (const given of [undefined, null, {}, 'http', 8080, app, new EventEmitter()]) {
    assert.throws(() => module.attach(given as never, () => {}), told(/what its listen\(\) returns/));
  }
  for (const given of [undefined, null, 42, { path: '/' }]) {
    assert.throws(() => module.attach(server, given as never), told(/attach takes a function/));
  }
  for (const path of ['', 'chat', '/chat?room=1', '/#chat', '*', 42, null, /chat/]) {
    assert.throws(() => module.attach(server, () => {}, { path: path as never }), told(/path must be a string that/));
  }
  for (const given of ['/chat', null]) {
    assert.throws(() => module.attach(server, () => {}, given as never), told(/options must be an object/));
  }
  assert.is(server.listenerCount('upgrade'), 0);
});

test('an option that is none is refused wherever options are given, and one that is undefined is as good as absent', async () => {
  const module = new WebSocketModule({ origin: undefined, pingInterval: undefined });
  const server = createServer();
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, taken) => taken() });
  const request = { headers: {}, headersDistinct: {} };
  const none = (call: (options: never) => unknown, names: readonly string[]) => {
    for (const name of names) {
      assert.throws(
        () => call({ [name]: 1 } as never),
        (error: Error) => {
          return error instanceof TypeError && error.message.startsWith(`${name} is no option here; those are `);
        },
      );
    }
  };
  none(options => new WebSocketModule(options), ['verifyClient', 'maxPayload', 'path', 'port', 'perMessageDeflate']);
  none(options => module.attach(server, () => {}, options), ['verifyClient', 'pingInterval']);
  none(options => module.accept(request as never, socket, Buffer.alloc(0), options), ['path', 'handleProtocols']);
  none(options => module.refuse(socket, 404, options), ['message']);
  none(options => new WebSocketConnection({ readFragment() {} } as never, options), ['maxPayload']);
  for (const given of [{ code: 1000 }, 1000]) {
    const error = await failureOf(module.close(given as never));
    assert.instance(error, TypeError);
  }
  assert.is(server.listenerCount('upgrade'), 0);
  assert.not.ok(socket.destroyed);
  socket.destroy();
});

test('an option that an attach leaves undefined is the module’s, and an inherited one is looked at', async () => {
  const served = await serve(TCP);
  const module = new WebSocketModule({ origin: () => false });
  const none = () => assert.unreachable('nobody comes in');
  module.attach(served.server, none, { origin: undefined, path: '/a' });
  new WebSocketModule().attach(served.server, none, Object.create({ origin: () => false, path: '/b' }));
  for (const path of ['/a', '/b']) assert.is((await ask(served, upgradeRequest(path))).status, 403);
});

test('accept and refuse say what they take, and an origin that no page has is refused', () => {
  const module = new WebSocketModule();
  const told = (message: RegExp) => (error: Error) => error instanceof TypeError && message.test(error.message);
  const socket = new Duplex({ read() {} });
  for (const given of [[], [{}, socket], [{ headers: {} }], [{ headers: {} }, {}]]) {
    assert.throws(
      () => (module.accept as (...given: unknown[]) => void)(...given),
      told(/what an 'upgrade' event gives/),
    );
  }
  assert.throws(() => module.refuse({} as never, 404), told(/the socket of an 'upgrade' event/));
  assert.throws(() => new WebSocketModule({ origin: ['example.com'] }), told(/as 'https:\/\/example\.com'/));
  assert.throws(() => new WebSocketModule({ origin: ['https://a.example', '*'] }), told(/'\*' stands alone/));
  assert.throws(() => new WebSocketModule({ origin: ['https://*.example.com'] }), told(/use a function/));
  new WebSocketModule({ origin: ['https://a.example', 'null', 'app://page'] });
});

test('attach takes a server of HTTP/2 that allows HTTP/1', async () => {
  const server = createSecureServer({ key: KEY, cert: CERTIFICATE, allowHTTP1: true });
  const module = new WebSocketModule().attach(server as never, context => void watch(context).writeNow('hello'));
  server.listen(0, '127.0.0.1');
  await happens(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = watch(await connectWebSocket(`wss://localhost:${port}`, { tls: { ca: CERTIFICATE } }));
  assert.is((await client.read()).text, 'hello');
  const closing = module.close({ timeout: 0 });
  client.cleanupStoredContext();
  await closing;
  await new Promise(resolve => server.close(resolve));
});

test('attach answers what may not be upgraded, and nothing is thrown', async () => {
  const served = await serve(TCP);
  served.module.attach(served.server, () => assert.unreachable('nobody comes in'));
  const errors = await uncaught(async () => {
    assert.is((await ask(served, upgradeRequest('/', without('Sec-WebSocket-Key')))).status, 400);
  });
  assert.equal(errors, []);
});

test("attach's options go before the module's", async () => {
  const served = await serve(TCP, { origin: '*' });
  served.module.attach(served.server, context => watch(context), { origin: 'same' });
  const request = upgradeRequest('/', [...HEAD_LINES, 'Origin: http://elsewhere.example']);
  assert.is((await ask(served, request)).status, 403);
});

test('onContext that throws: that connection gets CLOSE 1011, the error is uncaught, others are served', async () => {
  const served = await serve(TCP);
  const error = new Error('of the application');
  let fail = true;
  served.module.attach(served.server, context => {
    const one = watch(context);
    if (fail) throw error;
    one.writeNow('fine');
  });
  const errors = await uncaught(async () => {
    const { peer } = await ask(served, upgradeRequest());
    assert.is(await peer.next(), 'close 1011');
  });
  assert.equal(errors, [error]);
  fail = false;
  const { peer } = await ask(served, upgradeRequest());
  assert.is(await peer.next(), 'text "fine"');
});

test('requests that are no upgrades reach the server as before', async () => {
  const served = await serve(TCP);
  served.module.attach(served.server, () => {});
  served.server.on('request', (_request, response) => response.end('a page'));
  const port = (served.server.address() as AddressInfo).port;
  assert.is(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'a page');
});

test('a request in front of the upgrade on the same connection is answered in front of it', async () => {
  const served = await serve(TCP);
  served.server.on('request', (_request, response) => response.end('page'));
  served.module.attach(served.server, context => void watch(context).writeNow('hello'));
  const client = await served.dial();
  client.write(`GET / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [first] = await readHead(client);
  assert.match(first, /^HTTP\/1\.1 200 /);
  client.write(upgradeRequest());
  const [second, rest] = await readHead(client);
  assert.match(second, / 101 /);
  assert.is(await new Peer(client, 'client', rest).next(), 'text "hello"');
});

test('a client that is gone when its upgrade is accepted ends as a context whose reads fail', async () => {
  const served = await serve(TCP);
  const upgraded = happens(served.server, 'upgrade');
  const client = await served.dial();
  client.write(upgradeRequest());
  const [request, socket, head] = (await upgraded) as [IncomingMessage, Socket, Buffer];
  socket.on('error', () => {});
  const closed = happens(socket, 'close');
  client.resetAndDestroy();
  socket.destroy();
  await closed;
  const context = watch(served.module.accept(request, socket, head));
  const { hr } = await context.read();
  assert.not.ok(hr === S_OK);
  while (served.module.size) await turn();
});

// ── size and close ──

test('size counts contexts from accept to cleanup', async () => {
  const served = await serve(TCP);
  assert.is(served.module.size, 0);
  const one = await served.connect();
  const two = await served.connect();
  assert.is(served.module.size, 2);
  one.context.cleanupStoredContext();
  assert.is(served.module.size, 1);
  two.client.end();
  assert.is((await two.context.read()).hr, E_HANDLE_EOF);
  while (served.module.size) await turn();
});

test('close sends CLOSE 1001 to all, refuses new upgrades with 503, and resolves when all are gone', async () => {
  const served = await serve(TCP);
  const connected = [await served.connect(), await served.connect()];
  const reading = connected.map(({ context }) => context.read());
  const { errors } = accepting(served);
  let closed = false;
  const closing = served.module.close().then(() => {
    closed = true;
  });
  for (const { peer } of connected) assert.is(await peer.next(), 'close 1001');
  assert.is((await ask(served, upgradeRequest())).status, 503);
  assert.is((errors[0] as HandshakeError).code, 'ERR_HANDSHAKE_CLOSING');
  connected[0]!.peer.close(1001);
  assert.ok((await reading[0])!.close);
  connected[0]!.client.end();
  while (served.module.size === 2) await turn();
  assert.not.ok(closed, 'one is still there');
  connected[1]!.peer.text('still read');
  assert.is((await reading[1])!.text, 'still read');
  connected[1]!.peer.close();
  assert.ok((await connected[1]!.context.read()).close);
  connected[1]!.client.end();
  await closing;
  assert.is(served.module.size, 0);
});

test('close says the code and reason that it is given, and refuses those that no frame may say, and times that are none', async () => {
  const served = await serve(TCP);
  const { peer, client } = await served.connect();
  const times = [-1, Number.NaN, '5' as never, null as never].map(timeout => ({ timeout }));
  for (const options of [{ statusCode: 1006 }, { statusCode: 999 }, { reason: 'x'.repeat(124) }, ...times]) {
    assert.instance(await served.module.close(options).catch(error => error), RangeError);
  }
  const closing = served.module.close({ statusCode: 1012, reason: 'restarting', timeout: 50 });
  assert.is(await peer.next(), 'close 1012 restarting');
  await closing;
  await happens(client, 'end');
});

test('close waits as long as it is told, also for ever', async () => {
  const served = await serve(TCP);
  const { context, peer, client } = await served.connect();
  const reading = context.read();
  const closing = served.module.close({ timeout: Number.POSITIVE_INFINITY });
  assert.is(await peer.next(), 'close 1001');
  // A timer that cannot be so long would have fired by now.
  const { setTimeout: later } = await import('node:timers/promises');
  await later(5);
  peer.close();
  assert.ok((await reading).close);
  client.end();
  await closing;
});

test('close cuts who is still there after its timeout, and completes their calls', async () => {
  const served = await serve(TCP);
  const { context } = await served.connect();
  const reading = context.read();
  await served.module.close({ timeout: 20 });
  assert.is(served.module.size, 0);
  assert.not.ok((await reading).hr === S_OK);
  assert.is(context.readNow().hr, E_CONNECTION_INVALID);
});

// Nothing here comes to its timeout.
const PATIENT = { closeTimeout: 3_600_000 };

for (const told of ['before TCP is gone', 'afterwards', 'by a write that was under way']) {
  test(`close does not wait for an application that was told of the end and reads no more: told ${told}`, async () => {
    const served = await serve(TCP, PATIENT);
    const { context, peer, client, socket } = await served.connect();
    const gone = happens(socket, 'close');
    peer.text('one');
    peer.text('two');
    assert.is((await context.read()).text, 'one');
    const waits = told === 'by a write that was under way';
    const writing = waits ? context.write(Buffer.alloc(20_000_000)) : undefined;
    if (waits) peer.stream.pause();
    let closed = false;
    const closing = served.module.close().then(() => {
      closed = true;
    });
    if (waits) {
      client.destroy();
      assert.not.ok((await writing!).hr === S_OK);
    } else {
      assert.is(await peer.next(), 'close 1001');
      if (told !== 'afterwards') assert.is(context.writeNow('x').hr, E_INVALID_PROTOCOL_OPERATION);
      peer.close(1001);
      client.end();
      await gone;
      await turns();
      assert.not.ok(closed, 'it may yet come back');
      if (told === 'afterwards') assert.is(context.writeNow('x').hr, E_INVALID_PROTOCOL_OPERATION);
    }
    await closing;
    assert.is(served.module.size, 0);
    assert.is((await context.read()).text, 'two', 'what was left is still there');
    if (waits) context.cleanupStoredContext();
    else assert.ok((await context.read()).close);
  });
}

test('close waits for an application that reads on after it was told of the end', async () => {
  const served = await serve(TCP, PATIENT);
  const { context, peer, client, socket } = await served.connect();
  const gone = happens(socket, 'close');
  peer.text('one');
  peer.text('two');
  let closed = false;
  const closing = served.module.close().then(() => {
    closed = true;
  });
  assert.is(await peer.next(), 'close 1001');
  peer.close(1001);
  client.end();
  await gone;
  for (const text of ['one', 'two']) {
    assert.is((await context.read()).text, text);
    assert.is(context.writeNow('x').hr, E_INVALID_PROTOCOL_OPERATION);
    await turns();
    assert.not.ok(closed);
  }
  assert.ok((await context.read()).close);
  await closing;
});

test('close with nobody there resolves at once, also twice', async () => {
  const { module } = await serve(TCP);
  await Promise.all([module.close(), module.close()]);
  await module.close();
});

test('two calls of close both resolve when all are gone', async () => {
  const served = await serve(TCP);
  const { peer, client, context } = await served.connect();
  const reading = context.read();
  // Neither comes to its timeout.
  const timeout = 3_600_000;
  const both = [served.module.close({ timeout }), served.module.close({ statusCode: 1012, timeout })];
  assert.is(await peer.next(), 'close 1001');
  peer.close();
  await reading;
  client.end();
  await Promise.all(both);
});

// ── with a client that others wrote ──

test('ws talks to it: text, binary, fragments, pings and a close with a reason', async () => {
  const served = await serve(TCP, { protocols: ['chat'] });
  served.module.attach(served.server, context => {
    const one = watch(context);
    const echo = async (): Promise<void> => {
      for (;;) {
        const { hr, close, data, utf8, final } = await one.read();
        if (hr !== S_OK) return assert.unreachable(GONE);
        if (close) break;
        await one.write(data, { text: utf8, final });
      }
      const [code, ...reason] = String(one.status).split(' ');
      one.closeNow(Number(code), reason.join(' '));
    };
    void echo();
  });
  const { port } = served.server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, 'chat', { perMessageDeflate: false });
  await happens(client, 'open');
  assert.is(client.protocol, 'chat');
  for (const [data, binary] of [
    ['hello €', false],
    [Buffer.alloc(200_000, 7), true],
    ['', false],
  ] as const) {
    const answer = happens(client, 'message');
    client.send(data, { binary });
    const [received, isBinary] = (await answer) as [Buffer, boolean];
    assert.ok(received.equals(Buffer.from(data)));
    assert.is(isBinary, binary);
  }
  const answer = happens(client, 'message');
  client.send('one ', { fin: false });
  client.send('two', { fin: true });
  assert.is(String((await answer)[0]), 'one two');
  const pong = happens(client, 'pong');
  client.ping('are you there');
  assert.is(String((await pong)[0]), 'are you there');
  const closed = happens(client, 'close');
  client.close(3000, 'done');
  const [code, reason] = await closed;
  assert.equal([code, String(reason)], [3000, 'done']);
  while (served.module.size) await turn();
});

test.run();
