/** Fragments by promise: received and sent, one at a time each, cancelled without loss. */
import { getEventListeners } from 'node:events';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pieces } from '../../src/context/pieces.ts';
import {
  E_NOT_SET,
  type FragmentResult,
  type IWebSocketContext,
  type ReceivedFragment,
  S_OK,
  type WebSocketCompletion,
  WebSocketConnection,
  WebSocketError,
} from '../../src/index.ts';
import { masked } from '../support/kernel.ts';
import { leaveNothing, open, openOn, openPair, ROLES, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf, settled } from '../support/promise.ts';
import { throwsA } from '../support/throws.ts';
import { transferred } from '../support/transferred.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('connection: receive and send');
test.after.each(leaveNothing);

function wired(role: 'server' | 'client' = 'server', options = {}) {
  const { context, peer, near, far } = open(role, options);
  return { connection: new WebSocketConnection(context), context, peer, near, far };
}

function text({ data }: ReceivedFragment): string {
  return Buffer.from(data).toString();
}

for (const role of ROLES) {
  test(`a ${role} receives each fragment as it comes, with its type and place`, async () => {
    const { connection, peer } = wired(role);
    peer.text('one', false);
    const first = await connection.receive();
    assert.equal([text(first), first.text, first.final, first.close], ['one', true, false, false]);
    peer.send({ opcode: 0, final: true, data: Buffer.from('two') });
    peer.binary(Uint8Array.of(1, 2, 3));
    const second = await connection.receive();
    assert.equal([text(second), second.text, second.final], ['two', true, true]);
    const third = await connection.receive();
    assert.equal([[...third.data], third.text, third.final], [[1, 2, 3], false, true]);
  });

  test(`a ${role} sends text from strings, bytes as they are, and messages in pieces`, async () => {
    const { connection, peer } = wired(role);
    await connection.send('zażółć');
    await connection.send(Uint8Array.of(65, 66));
    await connection.send('one', { final: false });
    await connection.send(Buffer.from('two'), { text: true });
    await connection.send('');
    assert.is(await peer.next(), 'text "zażółć"');
    assert.is(await peer.next(), 'binary "AB"');
    assert.is(await peer.next(), 'text "one"+');
    assert.is(await peer.next(), 'more "two"');
    assert.is(await peer.next(), 'text');
  });
}

test('what was received stays as it was while more arrives', async () => {
  const { connection, peer } = wired();
  const kept: Uint8Array[] = [];
  for (const length of [1, 64, 65, 1000, 4096, 5000, 100_000]) {
    const sent = pattern(length);
    peer.binary(sent);
    const got: Uint8Array[] = [];
    for (let final = false; !final; ) {
      const fragment = await connection.receive();
      got.push(fragment.data);
      final = fragment.final;
    }
    kept.push(...got);
    assert.equal(Buffer.concat(got), sent, `${length} bytes`);
  }
  const before = kept.map(data => Buffer.from(data));
  for (let round = 0; round < 20; round++) {
    peer.binary(Buffer.alloc(100_000, round));
    peer.binary(Buffer.alloc(10, round));
  }
  await turns(40);
  for (let bytes = 0; bytes < 20 * 100_010; ) bytes += (await connection.receive()).data.length;
  for (const [index, data] of kept.entries()) assert.equal(Buffer.from(data), before[index]);
});

test('who transfers what was received takes no bytes of others with it', async () => {
  const { connection, peer } = wired();
  const sent = [pattern(10), pattern(5000), pattern(20), pattern(6000)];
  peer.send(...sent.map(data => ({ opcode: 2, data })));
  await turns();
  const received: Uint8Array[] = [];
  for (const _ of sent) {
    const { data } = await connection.receive();
    received.push(data);
    try {
      structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    } catch (error) {
      assert.is((error as Error).name, 'DataCloneError');
    }
  }
  for (const [index, data] of received.entries()) assert.ok(sent[index]!.equals(data), `${sent[index]!.length} bytes`);
});

test('a few bytes that stay do not keep many that came with them', async () => {
  const { connection, peer } = wired();
  for (const many of [1000, 200_000]) {
    peer.send({ opcode: 2, data: pattern(10) }, { opcode: 2, data: pattern(many) });
    await turns();
    const few = (await connection.receive()).data;
    assert.ok(pattern(10).equals(few));
    assert.ok(few.buffer.byteLength <= 65_536, `${few.buffer.byteLength} bytes`);
    assert.ok(pattern(many).equals((await connection.receive()).data));
  }
});

test("a caller's buffer is filled as far as it goes, and the rest is for the next receive", async () => {
  const { connection, peer } = wired();
  const buffer = new Uint8Array(4);
  for (const signal of [undefined, new AbortController().signal]) {
    for (const waiting of [false, true]) {
      if (!waiting) peer.text('abcdefg');
      if (!waiting) await turns();
      const options = signal ? { buffer, signal } : { buffer };
      const promise = connection.receive(options);
      if (waiting) peer.text('abcdefg');
      const first = await promise;
      assert.is(first.data.buffer, buffer.buffer);
      assert.equal([text(first), first.text, first.final], ['abcd', true, false]);
      const second = await connection.receive({ buffer });
      assert.equal([text(second), second.text, second.final], ['efg', true, true]);
    }
  }
});

test("a buffer that holds all of a fragment's bytes is told whether the fragment ends its message", async () => {
  for (const when of ['here', 'waited for', 'left by a cancelled receive']) {
    const { connection, peer } = wired();
    for (const final of [false, true]) {
      const buffer = new Uint8Array(10);
      const { signal } = new AbortController();
      const cancel = new AbortController();
      const cancelled = when.startsWith('left') ? failureOf(connection.receive({ signal: cancel.signal })) : undefined;
      cancel.abort();
      await cancelled;
      const bring = () => peer.send({ opcode: final ? 0 : 1, final, data: Buffer.from('piece') });
      if (when !== 'waited for') bring();
      await turns();
      const receiving = connection.receive({ buffer, signal });
      if (when === 'waited for') bring();
      const fragment = await receiving;
      assert.equal([text(fragment), fragment.text, fragment.final], ['piece', true, final], when);
    }
  }
});

test('what is lent to who comes for a read that another began is told as it came', async () => {
  const { connection, peer } = wired();
  const pieces = [
    { opcode: 1, final: false, data: Buffer.from('text') },
    { opcode: 0, final: true, data: Buffer.from(', its end') },
    { opcode: 2, final: true, data: Buffer.from('binary') },
  ];
  for (const { opcode, final, data } of [...pieces, ...pieces]) {
    const controller = new AbortController();
    const cancelled = failureOf(connection.receive({ signal: controller.signal }));
    controller.abort();
    await cancelled;
    const receiving = connection.receive({ lend: true });
    peer.send({ opcode, final, data });
    const fragment = await receiving;
    assert.equal([text(fragment), fragment.text, fragment.final], [String(data), opcode !== 2, final]);
  }
});

test('a receive that is cancelled loses nothing and leaves the connection open', async () => {
  const { connection, peer } = wired();
  const buffer = Buffer.alloc(3);
  for (const options of [{}, { buffer }]) {
    const controller = new AbortController();
    const cancelled = connection.receive({ ...options, signal: controller.signal });
    const reason = new Error('changed my mind');
    controller.abort(reason);
    const error = await failureOf(cancelled);
    assert.instance(error, WebSocketError);
    assert.is(error.code, 'ERR_CANCELLED');
    assert.is(error.cause, reason);
    peer.text('kept');
    await turns();
    assert.equal([...buffer], [0, 0, 0], "a cancelled receive does not write to the caller's buffer");
    assert.is(connection.state, 'open');
    const { data, close } = await connection.receive();
    assert.equal([Buffer.from(data).toString(), close], ['kept', false]);
  }
  const again = new AbortController();
  const first = connection.receive({ signal: again.signal });
  again.abort();
  await failureOf(first);
  const second = connection.receive();
  peer.text('for the second');
  assert.is(text(await second), 'for the second');
});

test('a signal that aborts behind the end of its call stops no other', async () => {
  const { connection, peer, near } = wired('server', { sendBufferLimit: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const first = connection.receive({ signal });
  peer.text('first');
  assert.is(text(await first), 'first');
  near.hold();
  await connection.send('fills what may be unsent');
  await turns();
  const sent = connection.send('sent', { signal });
  near.release();
  await sent;
  assert.equal(getEventListeners(signal, 'abort'), []);
  near.hold();
  const receiving = connection.receive();
  const sending = connection.send(pattern(200_000));
  await turns();
  controller.abort();
  near.release();
  peer.text('second');
  assert.is(text(await receiving), 'second');
  await sending;
});

test('a signal that has been aborted before cancels at once, with nothing done', async () => {
  const { connection, peer } = wired();
  const signal = AbortSignal.abort();
  peer.text('here');
  await turns();
  assert.is((await failureOf(connection.receive({ signal }))).code, 'ERR_CANCELLED');
  assert.is((await failureOf(connection.send('never', { signal }))).code, 'ERR_CANCELLED');
  assert.is(text(await connection.receive()), 'here');
  await connection.send('sent');
  assert.is(await peer.next(), 'text "sent"');
});

test('what is sent after its buffer was transferred is refused, and what follows is sent', async () => {
  const { connection, peer } = wired();
  const none = transferred();
  const fragment = { data: none, text: false, final: true, close: false };
  for (const data of [none, fragment]) {
    assert.throws(() => connection.sendNow(data), /its buffer was transferred/);
    assert.instance(await failureOf(connection.send(data)), TypeError);
  }
  await connection.send(new Uint8Array(0));
  await connection.send('sent');
  assert.equal([await peer.next(), await peer.next()], ['binary', 'text "sent"']);
});

test('a second receive, and a second send, is refused while one waits; the first is undisturbed', async () => {
  const { connection, peer, near } = wired('server', { sendBufferLimit: 1 });
  const first = connection.receive();
  assert.is((await failureOf(connection.receive())).code, 'ERR_BUSY');
  assert.is((await failureOf(connection[Symbol.asyncIterator]().next())).code, 'ERR_BUSY');
  peer.text('first');
  assert.is(text(await first), 'first');
  near.hold();
  await connection.send('fills what may wait');
  await turns();
  const waiting = connection.send('waits');
  assert.is((await failureOf(connection.send('busy'))).code, 'ERR_BUSY');
  near.release();
  await waiting;
  assert.is(await peer.next(), 'text "fills what may wait"');
  assert.is(await peer.next(), 'text "waits"');
});

test('a send waits until the peer takes bytes, and a scratch is not written to while it does', async () => {
  const { connection, peer, near } = wired('server', { sendBufferLimit: 1 });
  near.hold();
  await connection.send('first');
  await turns();
  const waiting = connection.send('second');
  const done = settled(waiting);
  const other = wired();
  await other.connection.send('another text through the same scratch');
  await turns();
  assert.not.ok(done());
  near.release();
  await waiting;
  await connection.send('third');
  assert.equal(
    [await peer.next(), await peer.next(), await peer.next()],
    ['text "first"', 'text "second"', 'text "third"'],
  );
});

test('a send waits for its own bytes where its stream sends from inside the write, on another connection', async () => {
  const other = wired();
  let taken: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      if (!taken) other.connection.send('seen');
      taken = callback;
    },
  });
  const connection = new WebSocketConnection(openOn(stream, 'server'));
  const sending = connection.send(pattern(20_000));
  const done = settled(sending);
  await turns();
  assert.not.ok(done());
  assert.is(await other.peer.next(), 'text "seen"');
  for (; !done(); await turns(1)) taken?.();
  await sending;
});

test('a callback in the place of options is refused: it would never be called', async () => {
  const { connection, peer } = wired();
  const error = await failureOf(connection.send('text', (() => {}) as never));
  assert.instance(error, TypeError);
  assert.match(error.message, /takes no callback/);
  assert.throws(() => connection.sendNow('text', (() => {}) as never), /takes no callback/);
  await connection.send('next');
  assert.is(await peer.next(), 'text "next"');
});

test('a send whose context is ended, or whose signal aborts, from inside its write is told so', async () => {
  for (const [code, does] of [
    ['ERR_ABORTED', (context: Watched) => context.cleanupStoredContext()],
    ['ERR_CANCELLED', (_context: Watched, controller: AbortController) => controller.abort()],
  ] as const) {
    for (const length of [20_000, 400_000]) {
      const controller = new AbortController();
      let inside: (() => void) | undefined = () => does(context, controller);
      let taken: (() => void) | undefined;
      const stream = new Duplex({
        read() {},
        write(_chunk, _encoding, callback) {
          taken = callback;
          inside?.();
          inside = undefined;
        },
      });
      const context = openOn(stream, 'server', { sendBufferLimit: 1 });
      const connection = new WebSocketConnection(context);
      const failed = failureOf(connection.send(pattern(length), { signal: controller.signal }));
      const done = settled(failed);
      for (; !done(); await turns(1)) taken?.();
      assert.is((await failed).code, code, `${length} bytes`);
      context.cleanupStoredContext();
    }
  }
});

test('a receive whose signal aborts from inside the write of a PONG is cancelled, and loses nothing', async () => {
  const controller = new AbortController();
  let inside: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      inside?.();
      callback();
    },
  });
  const context = openOn(stream, 'server', { sendBufferLimit: 1 });
  const connection = new WebSocketConnection(context);
  // The read from the callback comes upon the PING, whose PONG finds no room behind what was written there.
  let cancelled: Promise<Error & { code?: string }> | undefined;
  context.readFragment(null, true, () => {
    context.writeNow('fills what may be unsent');
    inside = () => controller.abort();
    cancelled = failureOf(connection.receive({ signal: controller.signal }));
  });
  stream.push(Buffer.concat([masked(1, 'first'), masked(9, 'ping')]));
  await turns();
  assert.is((await cancelled!).code, 'ERR_CANCELLED');
  stream.push(masked(1, 'next'));
  assert.is(Buffer.from((await connection.receive()).data).toString(), 'next');
});

test('a close that is asked for from inside the write of a send goes out after it', async () => {
  let closing: Promise<void> | undefined;
  const stream = new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      closing ??= connection.closeOutput();
      setImmediate(callback);
    },
  });
  const connection = new WebSocketConnection(openOn(stream, 'server'));
  await connection.send(pattern(20_000));
  await closing;
  assert.is(connection.state, 'closeSent');
});

test('a send that is cancelled goes out whole or not at all, and a receive that waits goes on', async () => {
  const { connection, peer, near } = wired('server', { sendBufferLimit: 1 });
  const received = connection.receive();
  near.hold();
  await connection.send('first');
  await turns();
  for (const data of ['small', pattern(200_000)]) {
    const controller = new AbortController();
    const sending = connection.send(data, { signal: controller.signal });
    controller.abort();
    assert.is((await failureOf(sending)).code, 'ERR_CANCELLED');
  }
  near.release();
  peer.text('still here');
  assert.is(text(await received), 'still here');
  await turns();
  const before = peer.here();
  assert.is(before[0], 'text "first"');
  assert.ok(before.length === 1 || (before.length === 2 && before[1] === 'text "small"'));
  await connection.send('last');
  assert.is(await peer.next(), 'text "last"');
  assert.is(connection.state, 'open');
});

test('a send that was cancelled is no reason for the failure of the next', async () => {
  const { connection, near } = wired('server', { sendBufferLimit: 1 });
  near.hold();
  await connection.send('first');
  await turns();
  const controller = new AbortController();
  const cancelled = failureOf(connection.send(pattern(200_000), { signal: controller.signal }));
  controller.abort();
  assert.is((await cancelled).code, 'ERR_CANCELLED');
  const sending = failureOf(connection.send('second'));
  connection.abort();
  assert.is((await sending).code, 'ERR_ABORTED');
});

test('arguments of the wrong kind reject with TypeError or RangeError and touch nothing', async () => {
  const { connection, peer } = wired();
  assert.instance(await failureOf(connection.send(42 as never)), TypeError);
  assert.instance(await failureOf(connection.receive({ buffer: [] as never })), TypeError);
  assert.instance(await failureOf(connection.receive({ buffer: new Uint8Array(0) })), RangeError);
  assert.instance(await failureOf(connection.closeOutput('1000' as never)), TypeError);
  assert.instance(await failureOf(connection.close(1000, 7 as never)), TypeError);
  for (const code of [0, 999, 1004, 1006, 1015, 5000, 1.5, Number.NaN]) {
    assert.instance(await failureOf(connection.closeOutput(code)), RangeError, `${code}`);
  }
  assert.instance(await failureOf(connection.closeOutput(1000, 'ä'.repeat(62))), RangeError);
  for (const maxMessageSize of [-1, 1.5, Number.NaN, '1' as never]) {
    throwsA(RangeError, () => new WebSocketConnection(connection.context, { maxMessageSize }));
  }
  for (const context of [Promise.resolve(connection.context), {}, 42, undefined, null]) {
    assert.throws(
      () => new WebSocketConnection(context as never),
      (error: Error) => error instanceof TypeError && /takes a context: .* await connectWebSocket/.test(error.message),
    );
  }
  assert.is(connection.state, 'open');
  await connection.send('fine');
  assert.is(await peer.next(), 'text "fine"');
});

test('a message that changes its type midway is misuse, and goes on as it began', async () => {
  const { connection, peer } = wired();
  await connection.send('text', { final: false });
  assert.is((await failureOf(connection.send(Uint8Array.of(1)))).code, 'ERR_STATE');
  await connection.send('ends');
  assert.equal([await peer.next(), await peer.next()], ['text "text"+', 'more "ends"']);
});

test("what the peer's end is called: broken rule, end without CLOSE, reset, abort", async () => {
  const broken = wired();
  const connection = new WebSocketConnection(broken.context.context);
  broken.peer.text('good');
  broken.peer.send({ opcode: 3, data: Buffer.alloc(0) });
  await turns();
  assert.is(text(await connection.receive()), 'good');
  const fault = await failureOf(connection.receive());
  assert.is(fault.code, 'ERR_PROTOCOL');
  assert.is(fault.message, broken.context.context.fault!.message);
  assert.is(connection.state, 'aborted');

  const ended = wired();
  const waiting = ended.connection.receive();
  ended.far.end();
  assert.is((await failureOf(waiting)).code, 'ERR_LOST');
  assert.is(ended.connection.state, 'aborted');
  const later = await failureOf(ended.connection.receive());
  assert.is(later.code, 'ERR_LOST');
  assert.is(later.cause, await failureOf(waiting));

  const reset = wired();
  const lost = reset.connection.receive();
  reset.far.reset();
  assert.is((await failureOf(lost)).code, 'ERR_LOST');

  const aborted = wired();
  const pending = aborted.connection.receive();
  aborted.connection.abort();
  aborted.connection.abort();
  assert.is((await failureOf(pending)).code, 'ERR_ABORTED');
  assert.is(aborted.connection.state, 'aborted');
  assert.is((await failureOf(aborted.connection.receive())).code, 'ERR_ABORTED');
  assert.ok(['ERR_LOST', 'ERR_ABORTED'].includes((await failureOf(aborted.connection.send('late'))).code!));
});

test('a context that knows IIS’s interface alone may lend the same Buffer again and again', async () => {
  const memory = Buffer.alloc(100);
  let waiting: (() => void) | undefined;
  let reads = 0;
  const answer = (completion: WebSocketCompletion, context: unknown, result: FragmentResult) => {
    memory.fill(++reads);
    result.completionExpected = reads % 2 === 0;
    if (reads % 2) Object.assign(result, { cbIO: 100, utf8Encoded: false, finalFragment: true, data: memory });
    else waiting = () => completion(S_OK, context, 100, false, true, false, memory);
    return S_OK;
  };
  const foreign = {
    readFragment: (
      _data: null,
      _async: true,
      completion: WebSocketCompletion,
      context: unknown,
      result: FragmentResult,
    ) => answer(completion, context, result),
    closeTcpConnection() {},
    getCloseStatus: () => E_NOT_SET,
  };
  const connection = new WebSocketConnection(foreign as never);
  const kept: Uint8Array[] = [];
  for (let round = 0; round < 12; round++) {
    const receiving = connection.receive({ lend: round >= 6 });
    waiting?.();
    waiting = undefined;
    kept.push((await receiving).data);
  }
  for (const [index, data] of kept.entries())
    assert.ok(
      data.every(byte => byte === index + 1),
      `${index + 1}. read`,
    );
  assert.equal([connection.protocol, connection.closeStatus], ['', undefined]);
});

test('a text that a context has not done with is not overwritten by the next', async () => {
  const held: Uint8Array[] = [];
  const done: (() => void)[] = [];
  const foreign = () => ({
    readFragment: () => assert.unreachable('nobody reads'),
    writeFragment: (...[data, , , , completion, context, result]: Parameters<IWebSocketContext['writeFragment']>) => {
      held.push(data);
      done.push(() => completion!(S_OK, context, data.length, true, true, false, data));
      result!.completionExpected = true;
      return S_OK;
    },
  });
  const sendings = ['one', 'two', 'six'].map(text => new WebSocketConnection(foreign() as never).send(text));
  assert.equal(
    held.map(data => Buffer.from(data).toString()),
    ['one', 'two', 'six'],
  );
  for (const complete of done) complete();
  await Promise.all(sendings);
});

for (const lend of [false, true]) {
  for (const own of [true, false]) {
    const what = `${lend ? 'a lent fragment' : 'a fragment'} ${own ? '' : "by IIS's interface alone "}`;
    const connect = (watched: Watched) => new WebSocketConnection(own ? watched.context : watched);

    test(`${what}is sent as it came, or as the options say`, async () => {
      const source = open('server');
      const target = open('client');
      const [from, to] = [connect(source.context), connect(target.context)];
      source.peer.text('one', false);
      source.peer.send({ opcode: 0, final: true, data: Buffer.from('two') });
      source.peer.binary(Buffer.from('three'));
      source.peer.binary(Buffer.from('four'));
      source.peer.close(1000);
      await turns();
      for (const options of [undefined, {}, undefined, { text: true, final: false }]) {
        await to.send(await from.receive({ lend }), options);
      }
      const told = [];
      for (let index = 0; index < 4; index++) told.push(await target.peer.next());
      assert.equal(told, ['text "one"+', 'more "two"', 'binary "three"', 'text "four"+']);
      assert.instance(await failureOf(to.send(await from.receive({ lend }))), TypeError, 'a close');
    });

    test(`${what}is sent whole, whatever its length`, async () => {
      const { context, peer } = open('server');
      const connection = connect(context);
      const sent = [];
      for (let length = 0; length < 300; length++) sent.push(pattern(length));
      for (const length of [1000, 16_384, 16_385, 70_000]) sent.push(pattern(length));
      for (const data of sent) peer.binary(data);
      await turns(20);
      for (const { length } of sent) {
        for (let final = false; !final; ) {
          const fragment = await connection.receive({ lend });
          final = fragment.final;
          await connection.send(fragment);
        }
        const parts: Buffer[] = [];
        for (let final = false; !final; ) {
          const frame = (await peer.receive())!;
          final = frame.final;
          parts.push(frame.data);
        }
        assert.ok(Buffer.concat(parts).equals(pattern(length)), `${length} bytes`);
      }
    });

    test(`${what}may be sent and left: its bytes stay until the send is done`, async () => {
      const source = open('server');
      const target = open('server', { sendBufferLimit: 1 });
      const [from, to] = [connect(source.context), connect(target.context)];
      target.near.hold();
      await to.send('fills what may wait');
      await turns();
      const data = pattern(60_000);
      const receiving = from.receive({ lend });
      source.peer.send({ opcode: 2, data: Buffer.from('first') }, { opcode: 2, data });
      await receiving;
      const sending = to.send(await from.receive({ lend }));
      for (let round = 0; round < 20; round++) {
        source.peer.send(
          { opcode: 2, data: Buffer.alloc(10, round) },
          { opcode: 2, data: Buffer.alloc(60_000, round) },
        );
        await turns();
        for (let count = 0; count < 2; count++) await from.receive({ lend });
      }
      target.near.release();
      await sending;
      assert.is(await target.peer.next(), 'text "fills what may wait"');
      assert.ok((await target.peer.receive())!.data.equals(data));
    });
  }
}

test('a lent fragment is good until the next receive, and what was asked of its data for longer', async () => {
  const { connection, peer } = wired();
  const other = wired();
  for (const here of [false, true]) {
    const kept: Uint8Array[] = [];
    const before: Buffer[] = [];
    for (const length of [0, 1, 20, 1000, 5000, 60_000, 200_000, 20]) {
      const data = pattern(length);
      const receiving = here ? undefined : connection.receive({ lend: true });
      peer.send({ opcode: 2, data }, { opcode: 1, data: Buffer.from('next') });
      await turns();
      const fragment = await (receiving ?? connection.receive({ lend: true }));
      const waiting = other.connection.receive({ lend: true });
      other.peer.binary(Buffer.alloc(200_000, length));
      await waiting;
      assert.equal([fragment.text, fragment.final, fragment.close], [false, true, false]);
      if (length !== 5000) {
        assert.ok(data.equals(fragment.data), `${length} bytes`);
        assert.is(fragment.data, fragment.data, 'one view is made');
        kept.push(fragment.data);
        before.push(data);
      }
      const next = connection.receive({ lend: true });
      if (length === 5000) assert.is(text(await next), 'next');
      await next;
    }
    for (const [index, data] of kept.entries()) assert.ok(before[index]!.equals(data), `${data.length} bytes`);
  }
  peer.text('last');
  const last = await connection.receive({ lend: true });
  const waiting = connection.receive({ lend: true });
  assert.throws(
    () => last.data,
    (error: WebSocketError) => error.code === 'ERR_STATE',
  );
  for (const context of [other.context, other.context.context]) {
    assert.is((await failureOf(new WebSocketConnection(context).send(last))).code, 'ERR_STATE');
  }
  peer.text('and another');
  assert.is(text(await waiting), 'and another');
});

test('what a receive lends may be read to a buffer, waited for, cancelled, and come behind the walk', async () => {
  const { connection, peer } = wired();
  const buffer = new Uint8Array(4);
  peer.text('abcdef');
  await turns();
  for (const [part, final] of [
    ['abcd', false],
    ['ef', true],
  ] as const) {
    const fragment = await connection.receive({ lend: true, buffer });
    assert.is(fragment.data.buffer, buffer.buffer);
    assert.equal([text(fragment), fragment.text, fragment.final], [part, true, final]);
  }
  const controller = new AbortController();
  const cancelled = connection.receive({ lend: true, signal: controller.signal });
  controller.abort();
  await failureOf(cancelled);
  peer.text('parked');
  await turns();
  assert.is(text(await connection.receive({ lend: true })), 'parked');
  const { signal } = new AbortController();
  peer.text('abcdef');
  await turns();
  assert.is(text(await connection.receive({ lend: true, buffer, signal })), 'abcd');
  assert.is(text(await connection.receive({ lend: true })), 'ef');
  peer.close(1000);
  assert.ok((await connection.receive({ lend: true })).close);
});

test('a lent fragment does not show what comes when nobody waits', async () => {
  const { connection, peer } = wired();
  peer.text('lent');
  await turns();
  const fragment = await connection.receive({ lend: true });
  const controller = new AbortController();
  const cancelled = connection.receive({ lend: true, signal: controller.signal });
  controller.abort();
  await failureOf(cancelled);
  peer.text('here');
  await turns();
  assert.throws(
    () => fragment.data,
    (error: WebSocketError) => error.code === 'ERR_STATE',
  );
  assert.is(text(await connection.receive({ lend: true })), 'here');
});

test('what is here is received at once, else nothing is', async () => {
  const { connection, peer } = wired();
  const buffer = new Uint8Array(3);
  for (const lend of [false, true]) {
    assert.is(connection.receiveNow({ lend }), undefined);
    peer.text('one');
    peer.text('three');
    await turns();
    const one = connection.receiveNow({ lend })!;
    assert.equal([text(one), one.text, one.final, one.close], ['one', true, true, false]);
    const three = connection.receiveNow({ lend, buffer })!;
    assert.is(three.data.buffer, buffer.buffer);
    assert.equal([text(three), three.final], ['thr', false]);
    assert.is(text(connection.receiveNow({ lend })!), 'ee');
    assert.is(connection.receiveNow({ lend }), undefined);
  }
  const code = (code: string) => (error: WebSocketError) => error.code === code;
  assert.throws(() => connection.receiveNow({ buffer: [] as never }), /buffer must be a Uint8Array/);
  const controller = new AbortController();
  const waiting = connection.receive({ signal: controller.signal });
  assert.throws(() => connection.receiveNow(), code('ERR_BUSY'));
  controller.abort();
  await failureOf(waiting);
  assert.is(connection.receiveNow(), undefined, 'the read that was left behind is under way');
  peer.text('left');
  peer.close(1000);
  await turns();
  assert.is(text(connection.receiveNow()!), 'left');
  assert.ok(connection.receiveNow({ lend: true })!.close);
  assert.throws(() => connection.receiveNow(), code('ERR_STATE'));
  const broken = wired();
  broken.peer.send({ opcode: 3, data: Buffer.alloc(0) });
  await turns();
  assert.throws(() => broken.connection.receiveNow(), code('ERR_PROTOCOL'));
  assert.is(broken.connection.state, 'aborted');
});

test('what can be sent at once is, else nothing is', async () => {
  const { connection, peer, near } = wired('server', { sendBufferLimit: 1 });
  assert.ok(connection.sendNow('one', { final: false }));
  await turns();
  assert.ok(connection.sendNow(Buffer.from('two'), { text: true }));
  await turns();
  near.hold();
  assert.ok(connection.sendNow(pattern(100_000)));
  await turns();
  for (const data of ['never', pattern(20)]) assert.not.ok(connection.sendNow(data));
  const sending = connection.send('waits');
  const code = (code: string) => (error: WebSocketError) => error.code === code;
  assert.throws(() => connection.sendNow('busy'), code('ERR_BUSY'));
  near.release();
  await sending;
  assert.throws(() => connection.sendNow(42 as never), /a string, a Uint8Array, or a fragment/);
  assert.equal([await peer.next(), await peer.next()], ['text "one"+', 'more "two"']);
  assert.ok((await peer.receive())!.data.equals(pattern(100_000)));
  assert.is(await peer.next(), 'text "waits"');
  await connection.closeOutput();
  assert.throws(() => connection.sendNow('late'), code('ERR_STATE'));
});

test('memory serves again when nobody can see what it held', async () => {
  const { of } = Pieces;
  const used = new Set<Pieces>();
  Pieces.of = (bytes, count) => {
    const pieces = of(bytes, count);
    used.add(pieces);
    return pieces;
  };
  const ROUNDS = 30;
  const buffer = new Uint8Array(2000);
  const { signal } = new AbortController();
  const iterations = new Map<WebSocketConnection, AsyncIterator<unknown>>();
  const iterate = (connection: WebSocketConnection) => {
    if (!iterations.has(connection)) iterations.set(connection, connection[Symbol.asyncIterator]());
    return iterations.get(connection)!.next();
  };
  const ways: [again: boolean, name: string, read: (connection: WebSocketConnection) => Promise<unknown>][] = [
    [true, 'lent', connection => connection.receive({ lend: true })],
    [true, 'lent and sent', async connection => connection.send(await connection.receive({ lend: true }))],
    [
      true,
      'at once',
      async connection => {
        const fragment = connection.receiveNow({ lend: true }) ?? (await connection.receive({ lend: true }));
        assert.ok(connection.sendNow(fragment));
      },
    ],
    [true, 'buffer', connection => connection.receive({ buffer })],
    [true, 'buffer, with a signal', connection => connection.receive({ buffer, signal })],
    [true, 'text', iterate],
    [false, 'kept', connection => connection.receive()],
    [false, 'looked at', async connection => (await connection.receive({ lend: true })).data],
  ];
  for (const [again, name, read] of ways) {
    const { context, peer } = open('server');
    const connection = new WebSocketConnection(context.context);
    used.clear();
    for (let round = 0; round < ROUNDS; round++) {
      peer.send(...Array.from({ length: 4 }, () => ({ opcode: 1, data: Buffer.alloc(1000, 'x') })));
      await turns(2);
      for (let count = 0; count < 4; count++) await read(connection);
    }
    if (again) assert.ok(used.size <= 4, `${name}: ${used.size} blocks`);
    else assert.is(used.size, ROUNDS, name);
  }
  const { context, peer } = open('server');
  const connection = new WebSocketConnection(context.context);
  peer.send({ opcode: 2, data: pattern(10) }, { opcode: 2, data: pattern(50_000) });
  await turns();
  for (let count = 0; count < 2; count++) await connection.receive({ lend: true });
  assert.is(connection.receiveNow(), undefined);
  peer.send({ opcode: 2, data: pattern(10) });
  await turns();
  const { byteLength } = (await connection.receive()).data.buffer;
  assert.ok(byteLength < 1000, `${byteLength} bytes for a few`);
  Pieces.of = of;
});

test('two connections talk', async () => {
  const { server, client } = openPair();
  const [one, other] = [new WebSocketConnection(server), new WebSocketConnection(client)];
  for (let index = 0; index < 200; index++) {
    await one.send(`message ${index}`);
    await other.send((await other.receive()).data, { text: true });
    assert.is(text(await one.receive()), `message ${index}`);
  }
});

test.run();
