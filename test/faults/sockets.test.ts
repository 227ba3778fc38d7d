/** Real sockets that fail: reset inside a write, read by drops, closed in the midst of a load; and ten thousand rounds. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectWebSocket } from '../../src/client.ts';
import { E_NETNAME_DELETED, FAILED } from '../../src/context/hresult.ts';
import { WebSocketModule } from '../../src/server.ts';
import { Caller } from '../support/caller.ts';
import { linkPair } from '../support/link.ts';
import { held, MIB } from '../support/memory.ts';
import { engine, leaveNothing, openOn, ROLES, turn, turns, watch } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf } from '../support/promise.ts';
import { FrameReader } from '../support/raw.ts';
import { listen, serve, stopAll } from '../support/serve.ts';
import { pump, REQUEST, stand } from '../support/socket.ts';
import { writeFrame } from '../support/wire.ts';

const test = suite('faults/sockets');
test.after.each(stopAll);
test.after.each(leaveNothing);

for (const role of ROLES) {
  test(`${role}: a reset inside the write of a lent view ends the write, and gives back its pages`, async () => {
    const place = await stand(role);
    const { context, far } = await place.join();
    const key = role === 'server' ? Uint8Array.of(1, 2, 3, 4) : undefined;
    const frame = writeFrame({ opcode: 2, data: pattern(200_000), key });
    const flood = pump(far, frame, 500);
    const failed = await new Promise<number>(resolve => {
      let relayed = 0;
      const relay = (): void => {
        context.readFragment(null, true, (hr, _context, _cbIO, utf8, final, _close, data) => {
          if (FAILED(hr)) return resolve(hr);
          relayed += data.length;
          context.writeFragment(data, true, utf8, final, hr => (FAILED(hr) ? resolve(hr) : relay()));
          // The peer reads nothing: at some point a write waits, and there the connection is reset.
          if (context.context.stats.sendBuffered >= 65_536 && relayed > 1_000_000) far.resetAndDestroy();
        });
      };
      relay();
    });
    assert.ok(FAILED(failed));
    await flood;
    await place.stop();
  });

  test(`${role}: a reset inside a large write ends it, and its bytes are the caller's`, async () => {
    const place = await stand(role);
    const { context, far } = await place.join();
    const writing = context.write(pattern(30_000_000));
    await turns();
    assert.is(context.pending, 1);
    far.resetAndDestroy();
    assert.ok(FAILED((await writing).hr));
    await place.stop();
  });

  test(`${role}: a peer that reads by drops gets what was sent, small frames and large in turn`, async () => {
    const place = await stand(role);
    const { context, far } = await place.join();
    const sizes = Array.from({ length: 60 }, (_, index) => [5, 16_384, 16_385, 120, 400_000][index % 5]!);
    const reader = new FrameReader();
    const received: Buffer[] = [];
    const all = new Promise<void>(resolve => {
      const drop = (): void => {
        const chunk: Buffer | null = far.read(Math.min(far.readableLength, 9_973) || undefined);
        if (chunk) received.push(...reader.read(chunk).map(({ data }) => data));
        if (received.length === sizes.length) resolve();
        else if (chunk) setImmediate(drop);
      };
      far.on('readable', drop);
    });
    for (const [index, size] of sizes.entries()) {
      const bytes = Buffer.alloc(size, index);
      assert.is((await context.write(bytes)).hr, 0);
      bytes.fill(0xff);
    }
    await all;
    for (const [index, data] of received.entries()) {
      assert.is(data.length, sizes[index]);
      assert.ok(
        data.every(byte => byte === index),
        `frame ${index} of ${data.length} bytes`,
      );
    }
    await place.stop();
  });
}

for (const carrier of ['tcp', 'tls', 'unix'] as const) {
  test(`${carrier}: a module that closes in the midst of a load resolves, and every connection is told`, async () => {
    const servers: Caller[] = [];
    const served = await serve(context => void servers.push(new Caller(context)) as never, carrier, {
      closeTimeout: 500,
    });
    const clients = await Promise.all(Array.from({ length: 20 }, async () => new Caller(await served.connect())));
    const talks = clients.map(async client => {
      for (let told = 0; ; told++) {
        if (client.writeNow(pattern(10_000)).hr) await client.write(pattern(100_000)).catch(() => undefined);
        const heard = await client.hear();
        if (heard.kind === 'close') await client.close(heard.code).catch(() => undefined);
        if (heard.kind === 'close' || heard.kind === 'failed') return told;
      }
    });
    for (const server of servers) server.echo().catch(() => undefined);
    await turns(50);
    await served.module.close({ timeout: 400 });
    assert.is(served.module.size, 0);
    await Promise.all(talks);
    for (const one of [...clients, ...servers]) {
      one.cleanupStoredContext();
      assert.is(one.pending, 0);
    }
    await served.stop();
    assert.is(engine.memory.records.taken, 0);
  });
}

test('a server that closes in the midst of a load takes nobody more, and ends when those it has are done', async () => {
  const http = createServer();
  const module = new WebSocketModule().attach(http, context => {
    const caller = new Caller(context);
    servers.push(caller);
    caller.echo();
  });
  const servers: Caller[] = [];
  await listen(http);
  const url = `ws://localhost:${(http.address() as AddressInfo).port}`;
  const clients = await Promise.all(Array.from({ length: 20 }, async () => new Caller(await connectWebSocket(url))));
  const messages = Array.from({ length: 15 }, (_, at) => pattern(10_000 * at));
  let closed = false;
  const ended = new Promise<void>(resolve => http.on('close', resolve)).then(() => (closed = true));
  const talks = clients.map(async (client, index) => {
    for (const [at, message] of messages.entries()) {
      if (index === 10 && at === 5) http.close();
      await client.write(message);
      const heard = await client.hear();
      assert.ok('data' in heard && heard.data.equals(message));
      assert.not.ok(closed, 'not before the last has gone');
    }
    await client.close();
    assert.is((await client.hear()).kind, 'close');
  });
  await Promise.all(talks);
  assert.is((await failureOf(connectWebSocket(url))).code, 'ECONNREFUSED');
  await ended;
  // Sockets say that they have closed behind the server that they belong to.
  await turns();
  assert.is(module.size, 0);
  for (const one of [...clients, ...servers]) assert.is(one.pending, 0);
});

test('a socket that was reset before it was accepted is a connection that was lost', async () => {
  const module = new WebSocketModule();
  const http = createServer();
  const told = new Promise<number>(resolve => {
    http.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {
        const context = watch(module.accept(request, socket, head));
        context.readFragment(null, true, resolve);
      });
      far.resetAndDestroy();
    });
  });
  await listen(http);
  const far = connect({ port: (http.address() as AddressInfo).port, host: 'localhost' }).on('error', () => {});
  far.write(REQUEST);
  assert.is(await told, E_NETNAME_DELETED);
  await new Promise(resolve => http.close(resolve));
});

/** What a completion of these throws. */
const THROWN = new Error('of the application');
const onThrown = (error: unknown) => assert.is(error, THROWN);

test('ten thousand connections, ended in every way, leave memory as it was', async () => {
  const ENDS = 10;
  const round = async (index: number) => {
    const [near, far] = linkPair();
    const server = openOn(near, 'server', { closeTimeout: 1 });
    const client = openOn(far, 'client', { closeTimeout: 1 });
    const reading = server.read();
    client.writeNow('hello');
    client.writeNow(pattern(300), { final: false });
    await reading;
    const waiting = server.read().catch(() => undefined);
    if (index % ENDS === 0) server.closeTcpConnection();
    else if (index % ENDS === 1) client.cleanupStoredContext();
    else if (index % ENDS === 2) client.cancelOutstandingIO();
    else if (index % ENDS === 3) client.closeNow(1000);
    else if (index % ENDS === 4) client.context.ping().catch(() => undefined);
    else if (index % ENDS === 5) client.write(pattern(100_000)).catch(() => undefined);
    else if (index % ENDS === 6) {
      near.reset();
      await turn();
    } else if (index % ENDS === 7) {
      far.write(Buffer.of(0xff));
      await turn();
    } else if (index % ENDS === 8) {
      client.writeFragment(Buffer.of(1), true, false, true, () => {
        throw THROWN;
      });
      await turn();
    }
    for (const one of [server, client]) one.cleanupStoredContext();
    await waiting;
    if (index % 50 === 0) await leaveNothing();
  };
  process.on('uncaughtException', onThrown);
  for (let index = 0; index < 1000; index++) await round(index);
  await leaveNothing();
  const before = held();
  for (let index = 0; index < 10_000; index++) await round(index);
  await leaveNothing();
  process.off('uncaughtException', onThrown);
  const grown = held() - before;
  assert.ok(grown < MIB, `${grown} bytes more`);
});

test.run();
