/** Pings and pongs: the peer's are answered, the engine's own go out at an interval, and a silent peer counts as lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Deadlines } from '../../src/context/deadlines.ts';
import { WebSocketError } from '../../src/context/error.ts';
import { E_HANDLE_EOF, E_NETNAME_DELETED, E_OPERATION_ABORTED, S_OK } from '../../src/context/hresult.ts';
import { limitsOf } from '../../src/context/options.ts';
import { Timing } from '../../src/context/timing.ts';
import { Clock } from '../support/clock.ts';
import { openOnKernel } from '../support/kernel.ts';
import { leaveNothing, open, openPair, ROLES, turns } from '../support/pair.ts';
import { closePayload, pattern } from '../support/peer.ts';
import { settled } from '../support/promise.ts';

const test = suite('context/keepalive');
const clock = new Clock();
test.before(() => clock.install());
test.after.each(leaveNothing);

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('it is rejected'),
    error => error,
  );
}

for (const role of ROLES) {
  // ── the peer's pings ──

  test(`${role}: a PING is answered at once with its payload, whether or not a read waits`, async () => {
    const { context, peer } = open(role);
    peer.send({ opcode: 9, data: Buffer.from('nobody reads') });
    assert.is(await peer.next(), 'pong "nobody reads"');
    const reading = context.read();
    peer.send({ opcode: 9 });
    assert.is(await peer.next(), 'pong');
    peer.send({ opcode: 9, data: Buffer.alloc(125, 'x') });
    assert.is(await peer.next(), 'pong 125 bytes');
    peer.text('x');
    await reading;
  });

  test(`${role}: a PING between the fragments of a message is answered, and the message goes on`, async () => {
    const { context, peer } = open(role);
    peer.send(
      { opcode: 1, final: false, data: Buffer.from('one ') },
      { opcode: 9, data: Buffer.from('p') },
      { opcode: 0, data: Buffer.from('message') },
    );
    assert.is(await peer.next(), 'pong "p"');
    assert.is((await context.read()).text + (await context.read()).text, 'one message');
  });

  test(`${role}: a PING that meets a message being sent is answered between its frames`, async () => {
    const { context, peer } = open(role);
    context.writeNow('one', { final: false });
    peer.send({ opcode: 9 });
    assert.equal([await peer.next(), await peer.next()], ['text "one"+', 'pong']);
    context.writeNow('two');
    assert.is(await peer.next(), 'more "two"');
  });

  test(`${role}: a PING that meets a large frame being sent is answered behind it`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const writing = context.write(pattern(300_000));
    await turns();
    peer.send({ opcode: 9, data: Buffer.from('p') });
    await turns();
    near.release();
    await writing;
    assert.equal([await peer.next(), await peer.next()], ['binary 300000 bytes', 'pong "p"']);
  });

  test(`${role}: while nothing more can be sent one PONG is owed, for the newest PING`, async () => {
    for (const blocked of ['beyond the limit', 'inside a frame']) {
      const { context, peer, near } = open(role, { sendBufferLimit: 8 });
      near.hold();
      if (blocked === 'beyond the limit') context.writeNow('fills what may be unsent');
      else void context.write(pattern(300_000));
      await turns();
      for (let index = 0; index < 100; index++) peer.send({ opcode: 9, data: Buffer.from(String(index)) });
      await turns(200);
      near.release();
      await peer.next();
      assert.is(await peer.next(), 'pong "99"', blocked);
      await turns();
      assert.equal(peer.here(), []);
    }
  });

  test(`${role}: a PONG that is owed goes out in front of a CLOSE, once`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    peer.send({ opcode: 9, data: Buffer.from('p') });
    await turns();
    context.context.shutDown(closePayload(1001));
    near.release();
    await turns();
    assert.equal(peer.here(), ['text "fills what may be unsent"', 'pong "p"', 'close 1001']);
  });

  test(`${role}: a PING after our own CLOSE is still answered, until the peer's CLOSE`, async () => {
    const { context, peer } = open(role);
    context.closeNow();
    peer.send({ opcode: 9, data: Buffer.from('p') });
    assert.equal([await peer.next(), await peer.next()], ['close 1000', 'pong "p"']);
  });

  test(`${role}: pings are not read, and so not answered, while receiveBufferLimit pauses the socket`, async () => {
    const { context, peer } = open(role, { receiveBufferLimit: 100 });
    peer.binary(pattern(200));
    await turns();
    peer.send({ opcode: 9 });
    await turns();
    assert.equal(peer.here(), []);
    context.readNow();
    assert.is(await peer.next(), 'pong');
  });

  test(`${role}: a PONG that nobody asked for is swallowed`, async () => {
    const { context, peer } = open(role);
    peer.send({ opcode: 10 }, { opcode: 10, data: Buffer.from('x') }, { opcode: 1, data: Buffer.from('next') });
    assert.is((await context.read()).text, 'next');
  });

  // ── ping() ──

  test(`${role}: ping() resolves with the round trip when its PONG arrives`, async () => {
    const { context, peer } = open(role);
    const round = context.context.ping(Buffer.from('mine'));
    assert.is(await peer.next(), 'ping "mine"');
    await clock.pass(40);
    peer.send({ opcode: 10, data: Buffer.from('another') });
    await clock.pass(2);
    peer.send({ opcode: 10, data: Buffer.from('mine') });
    assert.is(await round, 42);
  });

  test(`${role}: pings without payload are told apart, and a PONG answers those before it too`, async () => {
    const { context, peer } = open(role);
    const rounds = [context.context.ping(), context.context.ping(), context.context.ping()];
    const pings = [await peer.receive(), await peer.receive(), await peer.receive()];
    assert.is(new Set(pings.map(ping => ping!.data.toString('hex'))).size, 3);
    await clock.pass(5);
    peer.send({ opcode: 10, data: pings[1]!.data });
    assert.equal(await Promise.all(rounds.slice(0, 2)), [5, 5]);
    await clock.pass(5);
    peer.send({ opcode: 10, data: pings[2]!.data });
    assert.is(await rounds[2], 10);
  });

  test(`${role}: a PONG that says more than a ping did, or less, is no answer to it`, async () => {
    const { context, peer } = open(role);
    const round = context.context.ping(Buffer.from('ping'));
    const answered = settled(round);
    for (const payload of ['pin', 'pings', '']) peer.send({ opcode: 10, data: Buffer.from(payload) });
    await turns();
    assert.not.ok(answered());
    peer.send({ opcode: 10, data: Buffer.from('ping') });
    await round;
  });

  test(`${role}: a ping's payload is copied when it is sent`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const payload = Buffer.from('kept');
    const round = context.context.ping(payload);
    await turns();
    payload.fill(0);
    near.release();
    assert.is(await peer.next(), 'ping "kept"');
    peer.send({ opcode: 10, data: Buffer.from('kept') });
    await round;
  });

  test(`${role}: a payload of the wrong kind or over 125 bytes rejects, and nothing is sent`, async () => {
    const { context, peer } = open(role);
    assert.instance(await rejection(context.context.ping('text' as never)), TypeError);
    assert.instance(await rejection(context.context.ping(new Uint8Array(126))), RangeError);
    await turns();
    assert.equal(peer.here(), []);
    const round = context.context.ping(new Uint8Array(125));
    assert.is(await peer.next(), 'ping 125 bytes');
    peer.send({ opcode: 10, data: Buffer.alloc(125) });
    assert.is(await round, 0);
  });

  test(`${role}: a ping after CLOSE, or on a connection that is gone, rejects with ERR_STATE`, async () => {
    const { context } = open(role);
    context.closeNow();
    const gone = open(role).context;
    gone.closeTcpConnection();
    for (const one of [context, gone]) {
      const error = (await rejection(one.context.ping())) as WebSocketError;
      assert.instance(error, WebSocketError);
      assert.is(error.code, 'ERR_STATE');
    }
  });

  test(`${role}: pings that are not answered reject when the connection ends`, async () => {
    const ends: [(wired: ReturnType<typeof open>) => void, string, number][] = [
      [wired => wired.context.cleanupStoredContext(), 'ERR_ABORTED', E_OPERATION_ABORTED],
      [wired => wired.far.reset(), 'ERR_LOST', E_NETNAME_DELETED],
      [wired => wired.peer.stream.end(), 'ERR_LOST', E_HANDLE_EOF],
    ];
    for (const [end, code, hr] of ends) {
      const wired = open(role);
      const failed = rejection(wired.context.context.ping());
      await turns();
      end(wired);
      const error = (await failed) as WebSocketError;
      assert.equal([error.name, error.code, error.hr], ['WebSocketError', code, hr]);
    }
  });

  // ── the engine's own ──

  test(`${role}: pingInterval sends a PING every so often, from the upgrade on`, async () => {
    const { context, peer } = open(role, { pingInterval: 1000 });
    await clock.pass(999);
    assert.equal(peer.here(), []);
    await clock.pass(1);
    assert.equal(peer.here(), ['ping']);
    await clock.pass(3000);
    assert.equal(peer.here(), ['ping', 'ping', 'ping']);
    context.closeNow();
    await clock.pass(5000);
    assert.equal(peer.here(), ['close 1000'], 'a closing connection is not pinged');
  });

  test(`${role}: a peer that takes nothing is owed one PING, and answers it for all before`, async () => {
    const { context, peer, near } = open(role, { pingInterval: 1000, sendBufferLimit: 20 });
    near.hold();
    context.writeNow('stuck');
    await clock.pass(1_000_000);
    const answered = Promise.allSettled(['first', 'second'].map(text => context.context.ping(Buffer.from(text))));
    assert.ok(context.context.stats.sendBuffered < 60, 'a thousand pings are not kept');
    near.release();
    await turns();
    const pings = peer.here().filter(frame => frame.startsWith('ping'));
    assert.ok(pings.length < 12, `${pings.length} pings`);
    assert.is(pings.at(-1), 'ping "second"');
    peer.send({ opcode: 10, data: Buffer.from('second') });
    assert.equal(
      (await answered).map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
  });

  test(`${role}: a ping of a caller's that waits for room is answered, whatever the engine's own pings do`, async () => {
    for (const blocked of ['beyond the limit', 'inside a frame']) {
      const { context, peer, near } = open(role, { pingInterval: 1000, sendBufferLimit: 8 });
      near.hold();
      if (blocked === 'beyond the limit') context.writeNow('fills what may be unsent');
      else void context.write(pattern(300_000));
      await clock.pass(1500);
      const rounds = [context.context.ping(Buffer.from('mine')), context.context.ping(Buffer.from('mine'))];
      await clock.pass(5000);
      near.release();
      await turns();
      assert.equal(peer.here().slice(1), ['ping "mine"'], blocked);
      peer.send({ opcode: 10, data: Buffer.from('mine') });
      assert.equal(await Promise.all(rounds), [5000, 5000]);
      await clock.pass(1000);
      assert.equal(peer.here(), ['ping']);
    }
  });

  test(`${role}: of pings that are alike the peer may answer the newest alone`, async () => {
    const { context, peer } = open(role);
    const rounds = [context.context.ping(Buffer.from('p')), context.context.ping(Buffer.from('p'))];
    assert.equal([await peer.next(), await peer.next()], ['ping "p"', 'ping "p"']);
    peer.send({ opcode: 10, data: Buffer.from('p') });
    assert.equal(await Promise.all(rounds), [0, 0]);
  });

  test(`${role}: while a large frame is stuck, one PING and one PONG are owed behind it`, async () => {
    const { context, peer, near } = open(role, { pingInterval: 1000 });
    near.hold();
    const writing = context.write(pattern(1_000_000));
    for (let index = 0; index < 100; index++) {
      peer.send({ opcode: 9, data: Buffer.from(`${index}`) });
      await clock.pass(1000);
    }
    near.release();
    await writing;
    await turns();
    assert.is(await peer.next(), 'binary 1000000 bytes');
    assert.equal(peer.here().sort(), ['ping', 'pong "99"']);
  });

  test(`${role}: without pongTimeout a peer that never answers is kept`, async () => {
    const { context, peer } = open(role, { pingInterval: 1000 });
    await clock.pass(100_000);
    assert.is(peer.here().length, 100);
    peer.text('alive');
    assert.is((await context.read()).text, 'alive');
  });

  test(`${role}: a peer that is silent for pongTimeout after a PING is lost: E_NETNAME_DELETED`, async () => {
    const { context, peer, near } = open(role, { pingInterval: 1000, pongTimeout: 300, sendBufferLimit: 8 });
    const reading = context.read();
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const writing = context.write('waits');
    await clock.pass(1299);
    assert.is(context.pending, 2);
    await clock.pass(1);
    assert.equal([(await reading).hr, (await writing).hr], [E_NETNAME_DELETED, E_NETNAME_DELETED]);
    assert.ok(near.destroyed);
    assert.equal(peer.here(), []);
  });

  test(`${role}: whatever the peer sends shows that it is there`, async () => {
    const { context, peer } = open(role, { pingInterval: 1000, pongTimeout: 300 });
    for (let index = 0; index < 5; index++) {
      await clock.pass(1000);
      assert.is(await peer.next(), 'ping');
      if (index % 2) peer.text('x');
      else peer.send({ opcode: 10 });
    }
    await clock.pass(900);
    assert.is(context.readNow().text, 'x');
    await clock.pass(400);
    assert.is(context.readNow().text, 'x');
    assert.is(context.readNow().hr, E_NETNAME_DELETED);
  });

  test(`${role}: several pings without an answer are one silence, counted from the first`, async () => {
    const { near, peer } = open(role, { pingInterval: 100, pongTimeout: 350 });
    await clock.pass(449);
    assert.not.ok(near.destroyed);
    await clock.pass(1);
    assert.ok(near.destroyed);
    assert.is(peer.here().length, 4);
  });

  test(`${role}: pongTimeout is enforced for ping() too, without pingInterval`, async () => {
    const { context, near } = open(role, { pongTimeout: 300 });
    await clock.pass(5000);
    assert.not.ok(near.destroyed);
    const failed = rejection(context.context.ping());
    await clock.pass(300);
    assert.is(((await failed) as WebSocketError).hr, E_NETNAME_DELETED);
  });

  test(`${role}: while receiveBufferLimit pauses the socket the time stands still`, async () => {
    const { context, peer } = open(role, { pingInterval: 1000, pongTimeout: 300, receiveBufferLimit: 100 });
    await clock.pass(1000);
    assert.is(await peer.next(), 'ping');
    peer.binary(pattern(200));
    await turns();
    await clock.pass(1000);
    peer.send({ opcode: 10 });
    await clock.pass(10_000);
    assert.is(context.readNow().cbIO, 200);
    await turns();
    await clock.pass(200);
    const alive = context.read();
    peer.text('alive');
    assert.is((await alive).text, 'alive');
  });

  test(`${role}: once the socket is read again the peer has all of pongTimeout`, async () => {
    const { context, peer, near, far } = open(role, { pongTimeout: 300, receiveBufferLimit: 100 });
    peer.binary(pattern(200));
    await turns();
    far.hold();
    const round = context.context.ping(Buffer.from('p'));
    peer.send({ opcode: 10, data: Buffer.from('p') });
    await clock.pass(299);
    context.readNow();
    await clock.pass(299);
    assert.not.ok(near.destroyed);
    far.release();
    assert.is(await round, 598);
  });

  test(`${role}: a connection that was cut for silence rejects nothing twice and cleans up`, async () => {
    const { context } = open(role, { pingInterval: 1000, pongTimeout: 300 });
    await clock.pass(1300);
    assert.is(context.readNow().hr, E_NETNAME_DELETED);
    await turns();
    assert.is(context.cleaned, 1);
  });
}

for (const [what, end, moments] of [
  ['begins to close', (timing: Timing) => timing.close(), 1],
  ['ends', (timing: Timing) => timing.end(), 0],
] as const) {
  test(`a connection that ${what} in the sending of its PING is not waited for any longer than that takes`, async () => {
    const deadlines = new Deadlines();
    const cut: number[] = [];
    const sendPing = () => {
      end(timing);
      return true;
    };
    const owner = { deaf: false, pingOwed: false, moved: 0, taken: 0, sendPing, cut: () => cut.push(clock.time) };
    const timing: Timing = new Timing(owner, deadlines, limitsOf({ pingInterval: 1000, closeTimeout: 10 }));
    const start = clock.time;
    await clock.pass(1000);
    assert.is(deadlines.size, moments);
    await clock.pass(5000);
    assert.equal(cut, moments ? [start + 1010] : []);
    assert.is(deadlines.size, 0);
  });
}

test('two contexts ping each other and stay', async () => {
  const { server, client } = openPair({ pingInterval: 100, pongTimeout: 50 });
  await clock.pass(2000);
  const rounds = await Promise.all([server.context.ping(), client.context.ping()]);
  assert.equal(rounds, [0, 0]);
  const reading = server.read();
  server.closeTcpConnection();
  assert.is((await reading).hr, E_OPERATION_ABORTED);
});

test('a peer that takes a long frame is not silent: pongTimeout counts from when its PING could be heard', async () => {
  const { context, kernel } = openOnKernel({ pingInterval: 1000, pongTimeout: 300 }, 4096, () => 0);
  const writing = context.write(pattern(10 * kernel.stretch));
  // A write holds a stretch; the PING is owed from 1,000 on, and asked after at 1,300 and 1,600.
  for (let stretch = 0; stretch < 9; stretch++) {
    await clock.pass(190);
    kernel.release();
  }
  assert.not.ok(kernel.ended);
  kernel.release();
  assert.is((await writing).hr, S_OK);
  kernel.release();
  await clock.pass(290);
  assert.not.ok(kernel.ended);
  await clock.pass(300);
  assert.ok(kernel.ended);
});

test('a peer that takes nothing of a long frame is silent, and so is one that stops', async () => {
  for (const taken of [0, 2]) {
    const { context, kernel } = openOnKernel({ pingInterval: 1000, pongTimeout: 300 }, 4096, () => 0);
    const writing = context.write(pattern(10 * kernel.stretch));
    await clock.pass(1000);
    for (let stretch = 0; stretch < taken; stretch++) kernel.release();
    await clock.pass(299);
    assert.not.ok(kernel.ended);
    await clock.pass(taken ? 301 : 1);
    assert.ok(kernel.ended);
    assert.is((await writing).hr, E_NETNAME_DELETED);
  }
});

test.run();
