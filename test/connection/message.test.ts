/** Whole messages: by iteration and as streams, however they come in pieces. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketConnection } from '../../src/index.ts';
import { leaveNothing, open, openPair, ROLES, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf, settled } from '../support/promise.ts';
import { Random } from '../support/random.ts';

const test = suite('connection: messages');
test.after.each(leaveNothing);

function wired(options = {}, contextOptions = {}) {
  const { context, peer, near, far } = open('server', contextOptions);
  return { connection: new WebSocketConnection(context, options), context, peer, near, far };
}

async function all(connection: WebSocketConnection): Promise<(string | Uint8Array)[]> {
  const messages: (string | Uint8Array)[] = [];
  for await (const message of connection) messages.push(message);
  return messages;
}

const TEXTS = [
  '',
  'a',
  'eight by',
  'nine byte',
  'x'.repeat(48),
  'é',
  'ż'.repeat(9),
  '漢字かな',
  '🚀'.repeat(300),
  '\ufeffmark',
];

for (const here of [true, false]) {
  test(`text comes as strings and bytes as bytes, ${here ? 'read when all is here' : 'each awaited'}`, async () => {
    const { connection, peer } = wired();
    const iterator = connection[Symbol.asyncIterator]();
    const long = 'long ascii '.repeat(10_000);
    const sent = [
      ...TEXTS,
      long,
      'mixed: ü '.repeat(20_000),
      pattern(0),
      pattern(5),
      pattern(100_000),
      pattern(3_000_000),
    ];
    const send = (message: string | Buffer) =>
      typeof message === 'string' ? peer.text(message) : peer.binary(message);
    if (here) {
      for (const message of sent) send(message);
      await turns(20);
    }
    for (const message of sent) {
      const next = iterator.next();
      if (!here) send(message);
      const { value } = await next;
      if (typeof message === 'string') assert.is(value, message);
      else assert.ok(message.equals(value as Uint8Array), `${message.length} bytes`);
    }
  });
}

test('a message in fragments is one message, wherever it is cut', async () => {
  const random = new Random(7);
  for (let round = 0; round < 60; round++) {
    const { connection, peer } = wired();
    const text = random.pick(TEXTS).repeat(random.below(40));
    const bytes = Buffer.from(text);
    const places = Array.from({ length: random.below(9) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b);
    const cuts = [...places, bytes.length].map((end, index) => bytes.subarray(index ? places[index - 1] : 0, end));
    for (const opcode of [1, 2]) {
      for (const [index, data] of cuts.entries()) {
        peer.send({ opcode: index ? 0 : opcode, final: index === cuts.length - 1, data });
      }
    }
    peer.close(1000);
    const [asText, asBytes] = await all(connection);
    assert.is(asText, text);
    assert.ok(bytes.equals(asBytes as Uint8Array));
  }
});

test('300,000 one-byte fragments cost about their bytes', async () => {
  const { connection, peer } = wired();
  const next = connection[Symbol.asyncIterator]().next();
  global.gc!();
  const before = process.memoryUsage();
  for (let round = 0; round < 30; round++) {
    peer.send(
      ...Array.from({ length: 10_000 }, (_, index) => ({
        opcode: round || index ? 0 : 2,
        final: round === 29 && index === 9999,
        data: Uint8Array.of(index),
      })),
    );
    await turns(4);
    if (round !== 28) continue;
    global.gc!();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const grown = heapUsed - before.heapUsed + arrayBuffers - before.arrayBuffers;
    assert.ok(grown < 4_000_000, `${grown} bytes held for 290,000`);
  }
  const { value } = await next;
  assert.is(value!.length, 300_000);
  assert.ok((value as Uint8Array).every((byte, index) => byte === ((index % 10_000) & 255)));
});

test('pieces that were lent are copied before the window is used again', async () => {
  const { connection, peer } = wired();
  const next = connection[Symbol.asyncIterator]().next();
  const pieces = [1, 2, 3, 4].map(value => Buffer.alloc(5000, value));
  const frames = pieces.map((data, index) => ({ opcode: index ? 0 : 2, final: index === 3, data }));
  peer.send(...frames.slice(0, 2));
  await turns();
  peer.send(...frames.slice(2));
  assert.ok(Buffer.concat(pieces).equals((await next).value as Uint8Array));
});

test('the iteration ends with the CLOSE of the peer, which it answers with the same code', async () => {
  const { connection, peer } = wired();
  peer.text('last');
  peer.close(4001, 'enough');
  assert.equal(await all(connection), ['last']);
  assert.equal(connection.closeStatus, { code: 4001, reason: 'enough' });
  assert.is(connection.state, 'closed');
  assert.equal(await peer.rest(), ['close 4001 enough']);
  assert.equal(await all(connection), [], 'iterating again gives nothing more');

  const empty = wired();
  empty.peer.close();
  assert.equal(await all(empty.connection), []);
  assert.equal(empty.connection.closeStatus, { code: 1005, reason: '' });
  assert.equal(await empty.peer.rest(), ['close']);
});

test('an end without CLOSE is thrown', async () => {
  const { connection, peer, far } = wired();
  peer.text('before');
  const seen: unknown[] = [];
  const iterating = (async () => {
    for await (const message of connection) {
      seen.push(message);
      far.end();
    }
  })();
  assert.is((await failureOf(iterating)).code, 'ERR_LOST');
  assert.equal(seen, ['before']);
});

test('leaving the loop leaves the connection open; another goes on with the next message', async () => {
  const { connection, peer } = wired();
  for (const message of ['one', 'two', 'three']) peer.text(message);
  peer.close(1000);
  for await (const message of connection) {
    assert.is(message, 'one');
    break;
  }
  assert.is(connection.state, 'open');
  assert.equal(await all(connection), ['two', 'three']);
});

test('what a cancelled receive left behind begins the next message', async () => {
  const { connection, peer } = wired();
  const controller = new AbortController();
  const cancelled = connection.receive({ signal: controller.signal });
  controller.abort();
  await failureOf(cancelled);
  peer.text('be', false);
  await turns();
  peer.send({ opcode: 0, final: true, data: Buffer.from('gin') });
  peer.close(1000);
  assert.equal(await all(connection), ['begin']);
});

test('a message over maxMessageSize is closed with 1009, at the piece that exceeds it', async () => {
  for (const pieces of [[11], [6, 5], [10, 1], [3, 3, 3, 3]]) {
    const { connection, peer } = wired({ maxMessageSize: 10 });
    peer.text('1234567890');
    for (const [index, length] of pieces.entries()) {
      peer.send({ opcode: index ? 0 : 2, final: false, data: pattern(length) });
    }
    const iterator = connection[Symbol.asyncIterator]();
    assert.is((await iterator.next()).value, '1234567890');
    assert.is((await failureOf(iterator.next())).code, 'ERR_TOO_LARGE');
    assert.is(await peer.next(), 'close 1009');
    assert.is(await peer.next(), 'end');
    assert.is(connection.state, 'aborted');
    assert.is((await failureOf(connection.receive())).code, 'ERR_TOO_LARGE');
  }
  const most = wired();
  most.peer.binary(Buffer.alloc(16 << 20));
  most.peer.binary(Buffer.alloc((16 << 20) + 1));
  const byDefault = most.connection[Symbol.asyncIterator]();
  assert.is((await byDefault.next()).value!.length, 16 << 20);
  assert.is((await failureOf(byDefault.next())).code, 'ERR_TOO_LARGE');
  const unlimited = wired({ maxMessageSize: 0 });
  unlimited.peer.binary(Buffer.alloc(17 << 20));
  const { value } = await unlimited.connection[Symbol.asyncIterator]().next();
  assert.is(value!.length, 17 << 20);
});

for (const role of ROLES) {
  test(`strings of every length arrive as they were sent by a ${role}`, async () => {
    const pair = openPair();
    const sender = new WebSocketConnection(pair[role]);
    const receiver = new WebSocketConnection(pair[role === 'server' ? 'client' : 'server']);
    const iterator = receiver[Symbol.asyncIterator]();
    const lengths = [0, 1, 41, 42, 63, 125, 126, 128, 129, 5461, 5462, 16_383, 16_384, 16_385, 70_000];
    for (const length of lengths) {
      for (const letter of ['a', 'ü', '漢']) {
        const text = letter.repeat(length);
        await sender.send(text);
        assert.is((await iterator.next()).value, text, `${length} times ${letter}`);
      }
    }
    await sender.send('lone \ud800 surrogate');
    assert.is((await iterator.next()).value, 'lone \ufffd surrogate');
  });
}

test('readable gives messages, and reads none that nobody asks for', async () => {
  const { connection, peer, context } = wired();
  const reader = connection.readable.getReader();
  assert.is(connection.readable, connection.readable);
  for (const message of ['one', 'two', 'three']) peer.text(message);
  await turns();
  assert.is((await reader.read()).value, 'one');
  await turns();
  assert.is(context.context.stats.receiveBuffered, 8, "'two' and 'three' wait in the connection");
  assert.is((await reader.read()).value, 'two');
  peer.close(1000);
  assert.is((await reader.read()).value, 'three');
  assert.ok((await reader.read()).done);
  assert.is(connection.state, 'closed');
});

test('a reader who stops makes the socket stop, and going on makes it go on', async () => {
  const { connection, peer, near } = wired({}, { receiveBufferLimit: 10_000 });
  const reader = connection.readable.getReader();
  for (let index = 0; index < 100; index++) peer.binary(pattern(1000));
  await turns(30);
  assert.ok(near.isPaused());
  for (let index = 0; index < 100; index++) assert.is((await reader.read()).value!.length, 1000);
  assert.not.ok(near.isPaused());
});

test('readable errors at an unclean end, and closes the connection when it is cancelled', async () => {
  const lost = wired();
  const reading = lost.connection.readable.getReader().read();
  lost.far.reset();
  assert.is((await failureOf(reading)).code, 'ERR_LOST');

  const { connection, peer } = wired();
  const cancelling = connection.readable.cancel();
  assert.is(await peer.next(), 'close 1000');
  peer.close(1000);
  await cancelling;
  assert.is(connection.state, 'closed');
});

test('for a readable that was cancelled nothing is kept of what comes while the connection closes', async () => {
  const { connection, peer } = wired();
  const reader = connection.readable.getReader();
  peer.text('first');
  assert.is((await reader.read()).value, 'first');
  const cancelling = reader.cancel();
  peer.text('second');
  await turns();
  const messages = all(connection);
  peer.text('third');
  peer.close(1000);
  await cancelling;
  assert.equal(await messages, ['third']);
});

test('writable takes a message when the connection takes it, and its end sends CLOSE while reading goes on', async () => {
  const { connection, peer, near } = wired({}, { sendBufferLimit: 1 });
  const writer = connection.writable.getWriter();
  near.hold();
  await writer.write('first');
  await turns();
  const second = writer.write('second');
  const done = settled(second);
  await turns();
  assert.not.ok(done());
  near.release();
  await second;
  const closing = writer.close();
  assert.equal(
    [await peer.next(), await peer.next(), await peer.next()],
    ['text "first"', 'text "second"', 'close 1000'],
  );
  await closing;
  peer.text('an answer to all that');
  peer.close(1000);
  assert.equal(await all(connection), ['an answer to all that']);

  const aborted = wired();
  await aborted.connection.writable.abort();
  assert.is(aborted.connection.state, 'aborted');

  const stuck = wired({}, { sendBufferLimit: 1 });
  const stuckWriter = stuck.connection.writable.getWriter();
  stuck.near.hold();
  await stuckWriter.write('first');
  await turns();
  const writing = failureOf(stuckWriter.write('second'));
  await turns();
  const aborting = stuckWriter.abort();
  assert.is(stuck.connection.state, 'aborted', 'at once');
  stuck.near.release();
  await Promise.all([writing, aborting]);
});

test('piping readable to writable echoes until the end', async () => {
  const { connection, peer } = wired();
  const piping = connection.readable.pipeTo(connection.writable);
  peer.text('text');
  peer.binary(Uint8Array.of(66));
  assert.equal([await peer.next(), await peer.next()], ['text "text"', 'binary "B"']);
  peer.close(3000, 'done');
  await piping;
  assert.equal(await peer.rest(), ['close 3000 done']);
});

test.run();
