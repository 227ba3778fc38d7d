/** Options and what they bound: the socket is paused above receiveBufferLimit and nothing fails. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_IO_INCOMPLETE } from '../../src/context/hresult.ts';
import { limitsOf } from '../../src/context/options.ts';
import { linkPair } from '../support/link.ts';
import { leaveNothing, open, openOn, ROLES, turns } from '../support/pair.ts';
import { Peer, pattern } from '../support/peer.ts';

const test = suite('context/limits');
test.after.each(leaveNothing);

const NUMBERS = [
  'receiveBufferLimit',
  'pingInterval',
  'pongTimeout',
  'closeTimeout',
  'maxMessageSize',
  'sendBufferLimit',
] as const;

test('defaults are those that the contract names', () => {
  const { directReads, ...numbers } = limitsOf({});
  assert.ok(directReads);
  assert.equal(numbers, {
    receiveBufferLimit: 4_194_304,
    pingInterval: 0,
    pongTimeout: 0,
    closeTimeout: 10_000,
    maxMessageSize: 0,
    sendBufferLimit: 65_536,
  });
});

test('an option is a whole number from 0 up, or undefined for its default', () => {
  for (const name of NUMBERS) {
    for (const value of [0, 1, 1e12]) assert.is(limitsOf({ [name]: value })[name], value);
    assert.is(limitsOf({ [name]: undefined } as never)[name], limitsOf({})[name]);
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 2 ** 53]) {
      assert.throws(() => limitsOf({ [name]: value } as never), new RegExp(name), `${name}: ${value}`);
    }
  }
  assert.is(limitsOf({ directReads: false }).directReads, false);
  for (const value of ['no', 0, {}])
    assert.throws(() => limitsOf({ directReads: value as never }), /directReads must be/);
});

for (const role of ROLES) {
  test(`${role}: what is read of a fragment bit by bit makes room for as many bytes as it has`, async () => {
    const { context, peer, near } = open(role, { receiveBufferLimit: 5000 });
    peer.binary(pattern(10_000));
    await turns();
    const buffer = new Uint8Array(10);
    // A fragment costs 32 bytes of its own, until all of it is read.
    for (let read = 0; read < 503; read++) {
      assert.ok(near.isPaused(), `${read} times`);
      context.readNow(buffer);
    }
    context.readNow(buffer);
    assert.not.ok(near.isPaused());
  });

  test(`${role}: above receiveBufferLimit the socket is paused, and read again when enough was taken`, async () => {
    const { context, peer, near } = open(role, { receiveBufferLimit: 10_000 });
    for (let at = 0; at < 400; at++) peer.binary(pattern(1000));
    await turns(100);
    assert.ok(near.isPaused());
    const { receiveBuffered } = context.context.stats;
    // What was on its way when the pause came is one chunk of the stream.
    assert.ok(receiveBuffered > 9000 && receiveBuffered < 30_000, String(receiveBuffered));
    for (let at = 0; at < 400; at++) assert.ok((await context.read()).data.equals(pattern(1000)), `message ${at}`);
    assert.not.ok(near.isPaused());
    assert.is(context.context.stats.receiveBuffered, 0);
  });

  test(`${role}: empty fragments count too, 32 bytes each`, async () => {
    const { context, peer, near } = open(role, { receiveBufferLimit: 32 * 100 });
    peer.send(...Array.from({ length: 100 }, () => ({ opcode: 1 })));
    await turns();
    assert.not.ok(near.isPaused());
    peer.send({ opcode: 1 });
    await turns();
    assert.ok(near.isPaused());
    assert.is(context.readNow().cbIO, 0);
    assert.not.ok(near.isPaused());
  });

  test(`${role}: with a limit of 0 the socket is read a piece at a time`, async () => {
    const { context, peer, near } = open(role, { receiveBufferLimit: 0 });
    peer.text('one');
    await turns();
    assert.ok(near.isPaused());
    assert.is(context.readNow(new Uint8Array(2)).text, 'on');
    assert.ok(near.isPaused(), 'the rest of a piece is unread too');
    assert.is(context.readNow(new Uint8Array(2)).text, 'e');
    assert.not.ok(near.isPaused());
    peer.text('two');
    assert.is((await context.read()).text, 'two');
  });

  test(`${role}: a CLOSE behind a full queue is read when its turn comes`, async () => {
    const { context, peer } = open(role, { receiveBufferLimit: 100 });
    peer.binary(pattern(500));
    await turns();
    peer.close(1000, 'at last');
    await turns();
    assert.is(context.readNow().cbIO, 500);
    assert.is((await context.read()).close, true);
    assert.is(context.status, '1000 at last');
  });

  test(`${role}: bytes behind the handshake are decoded first, and pause the socket like any others`, async () => {
    const [near, far] = linkPair();
    const peer = new Peer(far, role === 'server' ? 'client' : 'server');
    const head = Buffer.concat(Array.from({ length: 100 }, () => peer.frame({ opcode: 1, data: Buffer.from('head') })));
    peer.text('behind');
    await turns();
    const context = openOn(near, role, { receiveBufferLimit: 1000 }, head);
    await turns();
    assert.ok(near.isPaused());
    for (let at = 0; at < 500; at++) peer.text('later');
    await turns(20);
    assert.ok(context.context.stats.receiveBuffered < 2000, 'nothing more is taken in');
    for (let at = 0; at < 100; at++) assert.is(context.readNow().text, 'head');
    assert.is((await context.read()).text, 'behind');
    for (let at = 0; at < 500; at++) assert.is((await context.read()).text, 'later');
    assert.is(context.readNow().hr, E_IO_INCOMPLETE);
  });

  test(`${role}: a frame cut between head and socket is put together`, async () => {
    const [near, far] = linkPair();
    const peer = new Peer(far, role === 'server' ? 'client' : 'server');
    const frame = peer.frame({ opcode: 1, data: Buffer.from('whole') });
    for (let cut = 1; cut < frame.length; cut++) {
      const [one, other] = linkPair();
      other.write(frame.subarray(cut));
      await turns(2);
      const context = openOn(one, role, {}, Buffer.from(frame.subarray(0, cut)));
      let text = '';
      for (let final = false; !final; ) {
        const told = await context.read();
        text += told.text;
        final = told.final;
      }
      assert.is(text, 'whole', `cut at ${cut}`);
    }
    near.destroy();
  });
}

test.run();
