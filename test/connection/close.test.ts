/** How a connection ends: states, who waits for whom, and what is read meanwhile. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closePayload } from '../../src/context/close.ts';
import { WebSocketConnection } from '../../src/index.ts';
import { leaveNothing, open, openPair, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf, settled } from '../support/promise.ts';

const test = suite('connection: close');
test.after.each(leaveNothing);

function wired(options = {}, connectionOptions = {}) {
  const { context, peer, near, far } = open('server', options);
  return { connection: new WebSocketConnection(context, connectionOptions), context, peer, near, far };
}

test('closeOutput sends CLOSE once, and reading goes on until the peer closes', async () => {
  const { connection, peer } = wired();
  assert.is(connection.closeStatus, undefined);
  await connection.closeOutput(4000, 'mine');
  await connection.closeOutput(4001, 'not sent');
  assert.is(connection.state, 'closeSent');
  assert.is((await failureOf(connection.send('late'))).code, 'ERR_STATE');
  peer.text('still read');
  peer.close(1000, 'theirs');
  assert.is(Buffer.from((await connection.receive()).data).toString(), 'still read');
  const { close, data, text, final } = await connection.receive();
  assert.equal([close, data.length, text, final], [true, 0, false, true]);
  assert.is(connection.state, 'closed');
  assert.equal(connection.closeStatus, { code: 1000, reason: 'theirs' });
  assert.is((await failureOf(connection.receive())).code, 'ERR_STATE');
  assert.equal(await peer.rest(), ['close 4000 mine']);
});

test('after the CLOSE of the peer data may still be sent; close answers it', async () => {
  const { connection, peer } = wired();
  peer.close(1001);
  assert.ok((await connection.receive()).close);
  assert.is(connection.state, 'closeReceived');
  await connection.send('one more');
  await connection.close(1000, 'bye');
  assert.is(connection.state, 'closed');
  assert.equal(await peer.rest(), ['text "one more"', 'close 1000 bye']);
});

test('close reads past what nobody waits for, until the CLOSE of the peer', async () => {
  const { connection, peer } = wired();
  peer.text('unread');
  await turns();
  const closing = connection.close();
  const done = settled(closing);
  assert.is(await peer.next(), 'close 1000');
  for (let index = 0; index < 10; index++) peer.text('unread too');
  await turns();
  assert.not.ok(done());
  peer.close(1000);
  await closing;
  assert.is(connection.state, 'closed');
  assert.is(await peer.next(), 'end');
});

test('all who close at once are told together', async () => {
  const { connection, peer } = wired();
  const closings = [connection.close(), connection.close()];
  assert.is(await peer.next(), 'close 1000');
  peer.close(1000);
  await Promise.all(closings);

  const lost = wired();
  const failures = [lost.connection.close(), lost.connection.close()].map(failureOf);
  await turns();
  lost.far.reset();
  for (const failure of failures) assert.is((await failure).code, 'ERR_LOST');
});

test('a receive that waits while the connection closes is given what comes', async () => {
  const { connection, peer } = wired();
  const waiting = connection.receive();
  const closing = connection.close();
  const texts: string[] = [];
  const reading = (async () => {
    for (let fragment = await waiting; !fragment.close; fragment = await connection.receive()) {
      texts.push(Buffer.from(fragment.data).toString());
    }
  })();
  for (const text of ['one', 'two', 'three']) {
    peer.text(text);
    await turns();
  }
  peer.send(...['four', 'five', 'six'].map(text => ({ opcode: 1, data: Buffer.from(text) })));
  peer.close(1000);
  await Promise.all([closing, reading]);
  assert.equal(texts, ['one', 'two', 'three', 'four', 'five', 'six']);
});

test('an iteration elsewhere ends when the connection is closed here', async () => {
  const { connection, peer } = wired();
  const messages: unknown[] = [];
  const iterating = (async () => {
    for await (const message of connection) messages.push(message);
  })();
  await turns();
  const closing = connection.close(4444);
  assert.is(await peer.next(), 'close 4444');
  peer.text('last');
  peer.close(4444);
  await Promise.all([closing, iterating]);
  assert.equal(messages, ['last']);
  assert.equal(await peer.rest(), [], 'no second CLOSE');
});

test('close inside a loop over messages ends the loop', async () => {
  const { server, client } = openPair();
  const [one, other] = [new WebSocketConnection(server), new WebSocketConnection(client)];
  const echoing = (async () => {
    for await (const message of other) await other.send(message);
  })();
  await one.send('bye');
  for await (const message of one) {
    assert.is(message, 'bye');
    await one.close();
  }
  await echoing;
  assert.equal([one.state, other.state], ['closed', 'closed']);
});

test('close waits for the send under way', async () => {
  const { connection, peer, near } = wired({ sendBufferLimit: 1 });
  near.hold();
  await connection.send('first');
  await turns();
  const sending = connection.send('second');
  const closing = connection.close();
  near.release();
  await sending;
  assert.equal(
    [await peer.next(), await peer.next(), await peer.next()],
    ['text "first"', 'text "second"', 'close 1000'],
  );
  peer.close(1000);
  await closing;
});

test('closeOutput waits until there is room for CLOSE', async () => {
  const { connection, peer, near } = wired({ sendBufferLimit: 1 });
  near.hold();
  await connection.send('first');
  await turns();
  const closing = connection.closeOutput();
  const done = settled(closing);
  await turns();
  assert.not.ok(done());
  near.release();
  await closing;
  assert.equal([await peer.next(), await peer.next()], ['text "first"', 'close 1000']);
});

test('CLOSE follows the send under way, and no other comes between, however soon it is asked for', async () => {
  for (const hops of [0, 1, 5]) {
    const { connection, peer, near } = wired({ sendBufferLimit: 1 });
    near.hold();
    await connection.send('first');
    await turns();
    const send = async (more: number): Promise<void> => (more ? send(more - 1) : connection.send('second'));
    const sending = (async () => {
      for (;;) await send(hops);
    })();
    const [closing, again] = [connection.closeOutput(4000), connection.closeOutput(4001)];
    await turns();
    assert.is(connection.state, 'open');
    near.release();
    assert.is((await failureOf(sending)).code, 'ERR_STATE');
    await Promise.all([closing, again]);
    assert.is(connection.state, 'closeSent');
    peer.close(1000);
    await connection.close();
    assert.equal(await peer.rest(), ['text "first"', 'text "second"', 'close 4000'], `${hops} hops`);
  }
});

test('a close that a call of the context’s own stands in the way of may be asked for again', async () => {
  const { connection, context, peer, near } = wired({ sendBufferLimit: 1 });
  near.hold();
  context.writeNow(Buffer.from('first'));
  await turns();
  const written = context.write(Buffer.from('second'));
  assert.is((await failureOf(connection.close())).code, 'ERR_BUSY');
  assert.is(connection.state, 'open');
  near.release();
  await written;
  const closing = connection.close();
  peer.close(1000);
  await closing;
  assert.is((await peer.rest()).at(-1), 'close 1000');
});

test('a read of the context’s own that waits rejects a close, which may be asked for again', async () => {
  const { connection, context, peer } = wired();
  const reading = context.read();
  assert.is((await failureOf(connection.close())).code, 'ERR_BUSY');
  assert.is(connection.state, 'closeSent');
  peer.text('for the context');
  await reading;
  const closing = connection.close();
  peer.close(1000);
  await closing;
  assert.is(connection.state, 'closed');
});

test('what is left of a message that a close has begun to discard is no message', async () => {
  const { connection, peer } = wired();
  const closing = connection.close();
  peer.text('{"begun": ', false);
  await turns();
  const messages: unknown[] = [];
  const iterating = (async () => {
    for await (const message of connection) messages.push(message);
  })();
  peer.send({ opcode: 0, final: false, data: Buffer.from('in the midst') });
  await turns();
  const again = connection.close();
  peer.send({ opcode: 0, final: true, data: Buffer.from('0}') });
  peer.text('whole');
  peer.close(1000);
  await Promise.all([closing, again, iterating]);
  assert.equal(messages, ['whole']);
});

for (const size of [100, 2]) {
  test(`where the end of a torn message went to a receive of ${size} bytes, the next message is whole`, async () => {
    const { connection, peer } = wired();
    const closing = connection.close();
    peer.text('one ', false);
    await turns();
    const received: string[] = [];
    const receive = async () => {
      const { data, final } = await connection.receive({ buffer: new Uint8Array(size) });
      received.push(Buffer.from(data).toString());
      return final;
    };
    const first = receive();
    peer.send({ opcode: 0, data: Buffer.from('two') });
    if (!(await first)) await receive();
    assert.is(received.join(''), 'two');
    const next = connection[Symbol.asyncIterator]().next();
    peer.text('whole');
    peer.close(1000);
    assert.equal(await next, { value: 'whole', done: false });
    await closing;
  });
}

test('where the peer’s CLOSE was read past the connection, it is over: a close resolves, a loop ends, a receive says so', async () => {
  for (const first of ['close', 'next', 'receive', 'receiveNow'] as const) {
    const { connection, context, peer } = wired();
    peer.close(1000, 'theirs');
    assert.ok((await context.read()).close);
    if (first === 'next') assert.ok((await connection[Symbol.asyncIterator]().next()).done);
    if (first === 'receive') assert.is((await failureOf(connection.receive())).code, 'ERR_STATE');
    if (first === 'receiveNow') assert.throws(() => connection.receiveNow({ lend: true }), /CLOSE has been read/);
    await connection.close(1000, 'mine');
    assert.is(connection.state, 'closed');
    assert.equal(await peer.rest(), [first === 'next' ? 'close 1000 theirs' : 'close 1000 mine']);
  }
});

test('a loop that was refused its message has left: what comes while the connection closes is not kept for it', async () => {
  const { connection, context, peer } = wired();
  const iterator = connection[Symbol.asyncIterator]();
  peer.text('first');
  await iterator.next();
  const receiving = connection.receive();
  assert.is((await failureOf(iterator.next())).code, 'ERR_BUSY');
  peer.text('second');
  await receiving;
  const closing = connection.close();
  peer.text('third');
  peer.close(1000);
  await closing;
  assert.is((await failureOf(connection.receive())).code, 'ERR_STATE');
  assert.is(context.context.stats.receiveBuffered, 0);
});

/** An iteration that stands in the middle of its first step until `go` is called. */
function stepping(connection: WebSocketConnection) {
  const messages: unknown[] = [];
  let go!: () => void;
  const gate = new Promise<void>(resolve => {
    go = resolve;
  });
  const iterating = (async () => {
    for await (const message of connection) {
      messages.push(message);
      await gate;
    }
  })();
  return { messages, go, iterating };
}

test('what comes while the connection closes is kept for an iteration between two of its steps', async () => {
  const { connection, peer } = wired();
  const { messages, go, iterating } = stepping(connection);
  peer.text('first');
  await turns();
  const closing = connection.close();
  peer.text('second');
  peer.text('in ', false);
  await turns();
  peer.send({ opcode: 0, final: true, data: Buffer.from('pieces') });
  for (let length = 3000; length < 3005; length++) peer.binary(pattern(length));
  peer.close(1000);
  await closing;
  assert.equal(messages, ['first']);
  go();
  await iterating;
  assert.equal(messages.splice(0, 3), ['first', 'second', 'in pieces']);
  for (let length = 3000; length < 3005; length++) {
    assert.ok(pattern(length).equals(messages.shift() as Uint8Array), `${length} bytes`);
  }
  assert.equal(messages, []);
});

test('an iteration may take all that was kept for it, or be left, and what comes then is kept for the next', async () => {
  const { connection, peer } = wired();
  const bring = async (...texts: string[]) => {
    for (const text of texts) peer.text(text);
    await turns();
  };
  await bring('first');
  let iterator = connection[Symbol.asyncIterator]();
  await iterator.next();
  const closing = connection.close();
  for (const texts of [
    ['one', 'größer als zwei', 'three €'],
    ['four', 'five', 'six'],
  ]) {
    await bring(...texts);
    for (const value of texts) assert.equal(await iterator.next(), { value, done: false });
  }
  await bring('taken', 'left', 'left too');
  assert.is((await iterator.next()).value, 'taken');
  await iterator.return!();
  iterator = connection[Symbol.asyncIterator]();
  await bring('nobody is there');
  const next = iterator.next();
  await bring('seven', 'eight', 'nine', 'ten');
  peer.close(1000);
  await closing;
  assert.is((await next).value, 'seven');
  for (const value of ['eight', 'nine', 'ten']) assert.equal(await iterator.next(), { value, done: false });
  assert.ok((await iterator.next()).done);
});

test('a loop that closes from inside is given what had come before the peer’s CLOSE', async () => {
  const { connection, peer } = wired();
  const messages: unknown[] = [];
  for (const text of ['first', 'second', 'third']) peer.text(text);
  peer.close(1000);
  for await (const message of connection) {
    messages.push(message);
    await connection.close();
  }
  assert.equal(messages, ['first', 'second', 'third']);
});

test('what is kept so is given to who receives by fragments too, as far as his buffer holds it', async () => {
  const { connection, peer } = wired({}, { maxMessageSize: 400 });
  const iterator = connection[Symbol.asyncIterator]();
  peer.text('first');
  await iterator.next();
  const closing = connection.close();
  const buffer = new Uint8Array(4);
  const told: string[] = [];
  const receive = async () => told.push(Buffer.from((await connection.receive({ buffer })).data).toString());
  peer.text('second');
  peer.text('third');
  await turns();
  for (let count = 0; count < 4; count++) await receive();
  peer.text('as many yet');
  peer.close(1000);
  await closing;
  for (let count = 0; count < 3; count++) await receive();
  assert.equal(told, ['seco', 'nd', 'thir', 'd', 'as m', 'any ', 'yet']);
  assert.ok((await iterator.next()).done);
});

test('an iteration is kept as much as maxMessageSize says to the last byte, and with 0 everything', async () => {
  for (const [maxMessageSize, lengths] of [
    [1000, [600, 240]],
    [0, [600, 100_000]],
  ] as const) {
    const { connection, peer } = wired({}, { maxMessageSize });
    const { messages, go, iterating } = stepping(connection);
    peer.text('first');
    await turns();
    const closing = connection.close();
    for (const length of lengths) peer.text('x'.repeat(length));
    peer.close(1000);
    await closing;
    go();
    await iterating;
    assert.equal(messages, ['first', ...lengths.map(length => 'x'.repeat(length))]);
  }
});

test('more than an iteration may be kept ends it with ERR_TOO_LARGE behind what was kept; the close does not mind', async () => {
  const { connection, peer } = wired({}, { maxMessageSize: 1000 });
  const { messages, go, iterating } = stepping(connection);
  const failed = failureOf(iterating);
  peer.text('first');
  await turns();
  const closing = connection.close();
  for (const length of [600, 241, 40]) peer.text('x'.repeat(length));
  // Torn by what is not kept, it takes nothing from what is.
  peer.text('begun', false);
  peer.close(1000);
  await closing;
  assert.is(connection.state, 'closed');
  go();
  assert.is((await failed).code, 'ERR_TOO_LARGE');
  assert.equal(messages, ['first', 'x'.repeat(600)]);
  assert.is((await failureOf(connection[Symbol.asyncIterator]().next())).code, 'ERR_TOO_LARGE');
});

test('where the connection is lost while it closes, an iteration is given what came, then told', async () => {
  const { connection, peer, far } = wired();
  const { messages, go, iterating } = stepping(connection);
  const failed = failureOf(iterating);
  peer.text('first');
  await turns();
  const closing = failureOf(connection.close());
  peer.text('second');
  await turns();
  far.reset();
  assert.is((await closing).code, 'ERR_LOST');
  go();
  assert.is((await failed).code, 'ERR_LOST');
  assert.equal(messages, ['first', 'second']);
});

test('a send that is cut with its connection takes nothing of what had come', async () => {
  const { connection, peer, near } = wired({ closeTimeout: 200 });
  near.hold();
  const sending = failureOf(connection.send(pattern(1_000_000)));
  peer.text('one');
  peer.text('two');
  peer.stream.end();
  const messages: unknown[] = [];
  // The engine's own timers let a process end.
  const alive = setInterval(() => {}, 1000);
  try {
    assert.is((await sending).code, 'ERR_ABORTED');
    const iterating = (async () => {
      for await (const message of connection) messages.push(message);
    })();
    assert.is((await failureOf(iterating)).code, 'ERR_LOST');
  } finally {
    clearInterval(alive);
  }
  assert.equal(messages, ['one', 'two']);
});

test('for an iteration that was left nothing is kept, nor what had been kept for it', async () => {
  for (const when of ['before', 'while it closes']) {
    const { connection, peer } = wired();
    const iterator = connection[Symbol.asyncIterator]();
    peer.text('first');
    await iterator.next();
    if (when === 'before') await iterator.return!();
    const closing = connection.close();
    peer.text('second');
    peer.text('begun', false);
    await turns();
    if (when !== 'before') await iterator.return!();
    const again = iterator.next();
    peer.send({ opcode: 0, final: true, data: Buffer.from(', no message') });
    peer.text('whole');
    peer.close(1000);
    await closing;
    assert.equal(await again, { value: 'whole', done: false });
    assert.ok((await iterator.next()).done);
  }
});

test('what is left of a message whose only piece was kept for an iteration that was left is no message', async () => {
  const { connection, peer } = wired();
  const iterator = connection[Symbol.asyncIterator]();
  peer.text('first');
  await iterator.next();
  const closing = connection.close();
  peer.text('begun', false);
  await turns();
  await iterator.return!();
  const again = iterator.next();
  peer.send({ opcode: 0, final: true, data: Buffer.from(', no message') });
  peer.text('whole');
  peer.close(1000);
  await closing;
  assert.equal(await again, { value: 'whole', done: false });
});

test('an abort behind the end of an iteration takes nothing back of the answer to the peer’s CLOSE', async () => {
  for (const later of [false, true]) {
    const { connection, peer } = wired();
    if (!later) peer.close(4001, 'theirs');
    const iterating = (async () => {
      try {
        for await (const _message of connection) assert.unreachable();
      } finally {
        connection.abort();
      }
    })();
    if (later) peer.close(4001, 'theirs');
    await iterating;
    assert.equal(await peer.rest(), ['close 4001 theirs']);
    assert.is(connection.state, 'closed');
  }
});

test('a close that cannot go out any more leaves no state that says it has', async () => {
  const { connection, peer, far } = wired();
  peer.close(1000);
  assert.ok((await connection.receive()).close);
  far.reset();
  await turns();
  assert.is((await failureOf(connection.closeOutput())).code, 'ERR_LOST');
  assert.is(connection.state, 'aborted');
});

test('where the module has sent CLOSE, close reads until that of the peer', async () => {
  const { connection, context, peer } = wired();
  context.context.shutDown(closePayload(1001, 'restarting')!);
  const closing = connection.close();
  const done = settled(closing);
  peer.text('nobody waits');
  await turns();
  assert.not.ok(done());
  peer.close(1001);
  await closing;
  assert.is(connection.state, 'closed');
  assert.equal(await peer.rest(), ['close 1001 restarting']);
});

test('abort ends a close that waits, at once after a fragment was received beside it too', async () => {
  for (const later of [false, true]) {
    const { connection, peer } = wired();
    const receiving = connection.receive();
    const closing = failureOf(connection.close());
    peer.text('late');
    await receiving;
    if (later) await turns();
    connection.abort();
    assert.is((await closing).code, 'ERR_ABORTED');
  }
  const atOnce = wired();
  const closing = failureOf(atOnce.connection.close());
  atOnce.connection.abort();
  assert.is((await closing).code, 'ERR_ABORTED');
});

test('a CLOSE that comes when nobody waits is for who asks next: a receive, an iteration, a close', async () => {
  const deaf = async () => {
    const one = wired();
    const controller = new AbortController();
    const receiving = failureOf(one.connection.receive({ signal: controller.signal }));
    controller.abort();
    await receiving;
    one.peer.close(4000, 'theirs');
    await turns();
    assert.is(one.connection.state, 'open');
    return one;
  };
  const receives = await deaf();
  assert.ok((await receives.connection.receive()).close);
  assert.is(receives.connection.state, 'closeReceived');
  assert.is((await failureOf(receives.connection.receive())).code, 'ERR_STATE');

  const iterates = await deaf();
  for await (const _message of iterates.connection) assert.unreachable();
  assert.equal(await iterates.peer.rest(), ['close 4000 theirs']);

  const aborts = await deaf();
  aborts.connection.abort();
  assert.is((await failureOf(aborts.connection.receive())).code, 'ERR_ABORTED');

  const closes = await deaf();
  await closes.connection.close(1000, 'ours');
  assert.equal([closes.connection.state, await closes.peer.rest()], ['closed', ['close 1000 ours']]);
});

test('close rejects where the peer ends without CLOSE, and after the end', async () => {
  const { connection, peer, far } = wired();
  const closing = connection.close();
  assert.is(await peer.next(), 'close 1000');
  far.end();
  assert.is((await failureOf(closing)).code, 'ERR_LOST');
  assert.is(connection.state, 'aborted');

  const lost = wired();
  const waiting = failureOf(lost.connection.receive());
  lost.far.reset();
  await waiting;
  assert.is((await failureOf(lost.connection.close())).code, 'ERR_STATE');
});

test('a receive cancelled while the connection closes hands reading over to the close', async () => {
  const { connection, peer } = wired();
  const controller = new AbortController();
  const receiving = connection.receive({ signal: controller.signal });
  const closing = connection.close();
  controller.abort();
  assert.is((await failureOf(receiving)).code, 'ERR_CANCELLED');
  peer.text('nobody waits');
  peer.close(1000);
  await closing;
});

test('a send that was cancelled past the connection ends it', async () => {
  const { connection, context, peer, near } = wired({ sendBufferLimit: 1 });
  near.hold();
  await connection.send('first');
  await turns();
  const sending = failureOf(connection.send('second'));
  context.cancelOutstandingIO();
  assert.is((await sending).code, 'ERR_ABORTED');
  assert.is(connection.state, 'aborted');
  near.release();
  await turns();
  assert.ok(peer.ended);
});

test('a receive that was cancelled past the connection fails, and so does all behind it', async () => {
  const { connection, context } = wired();
  const receiving = failureOf(connection.receive());
  context.cancelOutstandingIO();
  assert.is((await receiving).code, 'ERR_ABORTED');
  assert.is(connection.state, 'aborted');
  assert.is((await failureOf(connection.receive())).code, 'ERR_ABORTED');
});

test('after an abort everything fails for the same reason, a receive that waited too', async () => {
  const { connection } = wired();
  const waiting = failureOf(connection.receive());
  connection.abort();
  assert.is((await waiting).message, 'the connection was aborted on this side');
  assert.is((await failureOf(connection.receive())).message, 'the connection was aborted on this side');
});

test('what is no signal is refused, and the connection untouched', async () => {
  const { connection, peer } = wired({ sendBufferLimit: 1 });
  for (const signal of [new AbortController(), {}, 5] as never[]) {
    assert.instance(await failureOf(connection.receive({ signal })), TypeError);
    assert.instance(await failureOf(connection.send('not sent', { signal })), TypeError);
  }
  await connection.send('sent');
  peer.text('received');
  assert.is(Buffer.from((await connection.receive()).data).toString(), 'received');
  assert.is(await peer.next(), 'text "sent"');
});

test('await using closes; where the peer has gone it ends quietly', async () => {
  const { context, peer } = open('server');
  {
    await using connection = new WebSocketConnection(context);
    await connection.send('inside');
    peer.close(1000);
  }
  assert.equal(await peer.rest(), ['text "inside"', 'close 1000']);

  const lost = open('server');
  {
    await using connection = new WebSocketConnection(lost.context);
    lost.far.reset();
    await turns();
    assert.is(connection.state, 'open');
  }
  const closed = open('server');
  {
    await using connection = new WebSocketConnection(closed.context);
    closed.peer.close(1000);
    await connection.receive();
    await connection.close();
  }
});

test('the subprotocol is that of the context', () => {
  const { context } = open('server');
  assert.is(new WebSocketConnection(context.context).protocol, '');
  assert.is(new WebSocketConnection(Object.create(context, { protocol: { value: 'chat' } })).protocol, 'chat');
});

test.run();
