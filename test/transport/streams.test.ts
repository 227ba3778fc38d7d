/** Contexts on streams of an application's own making, which may deliver from inside a write, or throw from one. */
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  E_CONNECTION_INVALID,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_NETNAME_DELETED,
  S_OK,
} from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { masked } from '../support/kernel.ts';
import type { Link } from '../support/link.ts';
import { leaveNothing, open, openOn, ROLES, turns, type Wired } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf } from '../support/promise.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('transport/streams');
test.after.each(leaveNothing);

/** What one end writes the other has before the write returns. */
class Prompt extends Duplex {
  other!: Prompt;
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.other.push(Buffer.from(chunk));
    taken();
  }
}

class Throwing extends Duplex {
  override _read(): void {}
  override _write(): void {
    throw new Error('a stream that throws');
  }
}

test('what a stream delivers from inside a write is read when the call has returned', async () => {
  const near = new Prompt();
  const far = new Prompt();
  near.other = far;
  far.other = near;
  const server = openOn(near as unknown as Link, 'server');
  const client = openOn(far as unknown as Link, 'client');
  await turns();
  const told: string[] = [];
  // The bytes of all this are there before the server's write has returned: the client's piece, its answer, the answer read.
  client.readFragment(new Uint8Array(1000), true, () => {
    told.push('heard');
    client.writeNow('answer');
  });
  server.readFragment(null, true, () => told.push('answered'));
  const payload = pattern(300_000);
  const writing = server.write(payload);
  assert.equal(told, [], 'no completion runs inside a call, be it of another context');
  assert.is((await writing).hr, S_OK);
  await turns();
  assert.equal(told, ['heard', 'answered']);
  for (let at = 1000; at < payload.length; ) {
    const { data } = await client.read();
    assert.ok(data.equals(payload.subarray(at, (at += data.length))));
  }
});

/** Has the stream call its context from inside its first write. */
function inside({ context, near }: Wired, call: (context: Watched) => void): void {
  const write = near._write.bind(near);
  near._write = (...chunk) => {
    near._write = write;
    call(context);
    write(...chunk);
  };
}

const FULL = { sendBufferLimit: 8 };
const FIRST = 'fills what may be unsent';
const NOTHING = () => {};
const closes = (context: Watched) => context.sendConnectionClose(true, 1000, null, NOTHING);
const begins = (context: Watched) => context.writeFragment(pattern(300), true, false, false, NOTHING);
const shuts = (context: Watched) => context.context.shutDown(Buffer.of(3, 232));
const disconnects = (context: Watched) => context.closeTcpConnection();
const cleansUp = (context: Watched) => context.cleanupStoredContext();

for (const role of ROLES) {
  for (const [inner, hr, wire] of [
    [closes, E_ILLEGAL_METHOD_CALL, [`text "${FIRST}"`, 'close 1000']],
    [begins, E_ILLEGAL_METHOD_CALL, [`text "${FIRST}"`, 'binary 300 bytes+']],
    [shuts, E_INVALID_PROTOCOL_OPERATION, [`text "${FIRST}"`, 'close 1000']],
    [disconnects, E_CONNECTION_INVALID, [`text "${FIRST}"`]],
    [cleansUp, E_CONNECTION_INVALID, []],
  ] as const) {
    test(`${role}: a stream that ${inner.name} from inside the write that makes room is judged first`, async () => {
      const calls: ((context: Watched) => number)[] = [
        context => context.writeFragment(Buffer.from('text'), true, true, true, NOTHING),
        context => context.sendConnectionClose(true, 1001, null, NOTHING),
      ];
      for (const call of calls) {
        const wired = open(role, FULL);
        const { context, peer } = wired;
        context.writeNow(FIRST);
        inside(wired, inner);
        assert.is(call(context), hr);
        await turns(20);
        if (wire.length) assert.equal(peer.here(), wire);
      }
    });
  }

  test(`${role}: a ping whose connection is cleaned up from inside the write that makes room rejects`, async () => {
    const wired = open(role, FULL);
    wired.context.writeNow(FIRST);
    inside(wired, cleansUp);
    assert.is((await failureOf(wired.context.context.ping())).code, 'ERR_STATE');
  });

  test(`${role}: a PONG whose connection is cleaned up from inside the write that makes room leaves nothing`, async () => {
    const wired = open(role, FULL);
    const { context, peer, near } = wired;
    context.writeNow(FIRST);
    inside(wired, cleansUp);
    near.emit('data', peer.frame({ opcode: 9 }));
    assert.is(context.cleaned, 1);
    await turns();
  });

  test(`${role}: a large frame that is begun from inside the write that makes room is not broken by a PONG`, async () => {
    const wired = open(role, FULL);
    const { context, peer, near } = wired;
    context.writeNow(FIRST);
    inside(wired, () => void context.write(pattern(100_000)));
    near.emit('data', peer.frame({ opcode: 9 }));
    assert.is(context.pending, 1);
    await turns(20);
    assert.equal([await peer.next(), await peer.next(), await peer.next()].sort(), [
      'binary 100000 bytes',
      'pong',
      `text "${FIRST}"`,
    ]);
  });
}

test('a stream that throws from its write is lost, and no other connection with it', async () => {
  const context = openOn(new Throwing() as unknown as Link, 'server');
  const { context: other, peer } = open('server');
  const reading = context.read();
  context.writeNow('thrown');
  assert.is(other.writeNow('in the same turn').hr, S_OK);
  assert.is((await reading).hr, E_NETNAME_DELETED);
  assert.is(await peer.next(), 'text "in the same turn"');
  assert.is((await other.write('later')).hr, S_OK);
  assert.is(await peer.next(), 'text "later"');
});

test('a peer that pings on and on does not keep a large write waiting', async () => {
  const sent: Buffer[] = [];
  const written: (() => void)[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, taken) {
      sent.push(chunk);
      written.push(taken);
    },
  });
  const { context } = openOn(stream as unknown as Link, 'server');
  context.readFragment(null, true, () => {});
  let done = false;
  stream.push(masked(9, 'before'));
  await turns(2);
  context.writeFragment(pattern(100_000), true, false, true, () => (done = true));
  // Each PONG is there before the write ahead of it has ended.
  for (let round = 0; round < 20 && !done; round++) {
    stream.push(masked(9, `${round}`));
    await turns(2);
    written.shift()?.();
    await turns(2);
  }
  assert.ok(done);
  assert.ok(Buffer.concat(sent).includes(pattern(100_000).subarray(0, 60_000)));
});

test('a stream that gives no bytes is lost, and no other connection with it', async () => {
  const { context: other, peer } = open('server');
  for (const before of [true, false])
    for (const [options, chunk] of [
      [{ encoding: 'utf8' }, 'text'],
      [{ readableObjectMode: true }, { data: 1 }],
      [{ readableObjectMode: true }, new Uint16Array(4)],
    ] as const) {
      const stream = new Duplex({ ...options, read() {}, write: (_chunk, _encoding, taken) => taken() });
      if (before) stream.push(chunk);
      const context = openOn(stream as unknown as Link, 'server');
      const reading = context.read();
      if (!before) stream.push(chunk);
      assert.is((await reading).hr, E_NETNAME_DELETED);
    }
  assert.is(other.writeNow('in the same turn').hr, S_OK);
  assert.is(await peer.next(), 'text "in the same turn"');
});

test('a read from inside the write that answers a PING waits alone: the read that came upon the PING is refused', async () => {
  let inside: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(_chunk, _encoding, taken) {
      const call = inside;
      inside = undefined;
      call?.();
      setImmediate(taken);
    },
  });
  const { context } = openOn(stream, 'server', { sendBufferLimit: 1000 });
  const result = new FragmentResult();
  const told: unknown[] = [];
  context.readFragment(null, true, () => {
    context.writeFragment(pattern(2000), true, false, true, () => {}, null, result);
    inside = () => {
      const inner = new FragmentResult();
      const hr = context.readFragment(null, true, (hr, _c, cbIO) => told.push(['inner', hr, cbIO]), null, inner);
      told.push(['asked inside', hr, inner.completionExpected]);
    };
    const hr = context.readFragment(null, true, () => told.push('outer'), null, result);
    told.push(['asked', hr, result.completionExpected]);
  });
  stream.push(Buffer.concat([masked(1, 'a'), masked(9, 'ping')]));
  await turns();
  stream.push(masked(1, 'next'));
  await turns();
  assert.equal(told, [
    ['asked inside', S_OK, true],
    ['asked', E_ILLEGAL_METHOD_CALL, false],
    ['inner', S_OK, 4],
  ]);
});

test.run();
