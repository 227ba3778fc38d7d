/** Strangers who begin a handshake and stop, are refused and stay, or answer wrongly: they hold no record and no time. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createBare, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectWebSocket } from '../../src/client.ts';
import { WebSocketModule } from '../../src/server.ts';
import { held, MIB } from '../support/memory.ts';
import { engine, leaveNothing, turns, watch } from '../support/pair.ts';
import { failureOf } from '../support/promise.ts';
import { switching } from '../support/raw.ts';
import { listen } from '../support/serve.ts';
import { REQUEST, stand } from '../support/socket.ts';

const test = suite('hostile/handshakes');
test.after.each(leaveNothing);

test('five hundred handshakes that stop at any byte hold no record, and one that is whole gets through', async () => {
  const place = await stand('server');
  const before = held();
  const sockets: Socket[] = [];
  for (let count = 0; count < 500; count++) {
    const socket = connect({ port: place.port, host: 'localhost' }).on('error', () => {});
    sockets.push(socket);
    await new Promise(resolve => socket.write(REQUEST.slice(0, count % REQUEST.length), resolve));
  }
  const { context } = await place.join();
  assert.is(place.module.size, 1);
  assert.is(engine.memory.records.taken, 1);
  assert.ok(held() - before < 16 * MIB, `${held() - before} bytes: both ends of 500 sockets, and Node's parsers`);
  context.cleanupStoredContext();
  for (const socket of sockets) socket.destroy();
  await place.stop();
});

test('ten thousand handshakes that stop at any byte hold no record and no more than Node keeps of them', async () => {
  const module = new WebSocketModule();
  const http = createServer();
  module.attach(http, () => assert.unreachable('nobody gets in'));
  const before = held();
  const streams = Array.from({ length: 10_000 }, (_, count) => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    http.emit('connection', stream);
    stream.push(REQUEST.slice(0, count % REQUEST.length));
    return stream;
  });
  await turns();
  assert.is(module.size, 0);
  assert.is(engine.memory.records.taken, 0);
  assert.ok(held() - before < 10_000 * 6144, `${held() - before} bytes: streams and parsers`);
  for (const stream of streams) stream.destroy();
  await turns();
});

test('a stranger who is refused and stays is cut after closeTimeout, talking or not', async () => {
  const module = new WebSocketModule({ closeTimeout: 2000 });
  const http = createServer();
  module.attach(http, () => assert.unreachable('nobody gets in'));
  await listen(http);
  const { port } = http.address() as AddressInfo;
  const bad = REQUEST.replace('Version: 13', 'Version: 12');
  const sockets = Array.from({ length: 100 }, (_, index) => {
    const socket = connect({ port, host: 'localhost', allowHalfOpen: true }).on('error', () => {});
    socket.write(bad);
    if (index % 2) socket.on('drain', () => socket.write(Buffer.alloc(65_536))).write(Buffer.alloc(65_536));
    else socket.resume();
    return socket;
  });
  // once() would reject at the reset that a talker may see.
  const cut = Array.from(sockets, socket => new Promise(resolve => socket.once('close', resolve)));
  const ended = sockets.filter((_, index) => index % 2 === 0).map(socket => once(socket, 'end'));
  await Promise.all(ended);
  const count = await new Promise<number>((resolve, reject) =>
    http.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
  assert.is(count, 100, 'they are given time to read the answer');
  http.close();
  await once(http, 'close');
  for (const socket of sockets) socket.destroy();
  await Promise.all(cut);
  assert.is(engine.memory.records.taken, 0);
});

test('bytes behind a handshake that is refused are not decoded', async () => {
  const place = await stand('server');
  const socket = connect({ port: place.port, host: 'localhost' });
  socket.write(REQUEST.replace('GET', 'POST') + Buffer.from('8180010203', 'hex').toString('latin1'));
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1.1 405 /);
  assert.not.match(String(answer), /\x88/);
  assert.is(engine.memory.records.taken, 0);
  socket.destroy();
  await place.stop();
});

test('an extension that a client offers is not negotiated, and a frame compressed all the same is a fault', async () => {
  const place = await stand('server');
  const { context, far } = await place.join();
  far.resume();
  far.write(Buffer.from('c18701020304f24bcdc9c90702', 'hex'));
  const [chunk] = await once(far, 'data');
  assert.is(chunk.readUInt16BE(2), 1002);
  assert.is(context.context.fault!.name, 'FAULT_RESERVED_BITS');
  context.cleanupStoredContext();
  await place.stop();
});

const WRONG: readonly (readonly [name: string, answer: (right: string) => string])[] = [
  ['another Accept', right => right.replace(/Accept: .{4}/, 'Accept: AAAA')],
  ['no Accept', right => right.replace(/Sec-WebSocket-Accept: .*\r\n/, '')],
  ['two Accepts', right => right.replace(/(Sec-WebSocket-Accept: .*\r\n)/, '$1$1')],
  ['an extension', right => right.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n')],
  ['a subprotocol', right => right.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: chat\r\n\r\n')],
  ['another Upgrade', right => right.replace('websocket', 'h2c')],
  ['status 200', right => right.replace('101 Switching Protocols', '200 OK')],
];

for (const [name, answer] of WRONG) {
  test(`an answer with ${name}, and frames behind it: no context, no record, the connection ends`, async () => {
    let gone!: Promise<unknown>;
    const server = createBare(socket => {
      gone = once(
        socket.on('error', () => {}),
        'close',
      );
      socket.once('data', request => {
        const frame = Buffer.concat([Buffer.of(0x81, 5), Buffer.from('frame')]);
        socket.write(Buffer.concat([Buffer.from(answer(switching(String(request)))), frame]));
      });
    });
    await listen(server);
    const { port } = server.address() as AddressInfo;
    const failure = await failureOf(connectWebSocket(`ws://localhost:${port}`).then(watch));
    assert.match(String(failure.code), /^ERR_HANDSHAKE_/);
    assert.is(engine.memory.records.taken, 0);
    await gone;
    await new Promise(resolve => server.close(resolve));
  });
}

test.run();
