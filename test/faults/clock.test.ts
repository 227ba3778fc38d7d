/**
 * Clocks that jump. The wall clock counts for nothing; timers may come too early, and after the process was stopped they
 * come late, all at once, and before what arrived meanwhile: nobody is cut for a silence that was ours.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectWebSocket } from '../../src/client.ts';
import { WebSocketConnection } from '../../src/connection/connection.ts';
import { E_NETNAME_DELETED } from '../../src/context/hresult.ts';
import { Clock } from '../support/clock.ts';
import { linkPair } from '../support/link.ts';
import { leaveNothing, open, ROLES, turns, watch } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf } from '../support/promise.ts';
import { switching } from '../support/raw.ts';

const test = suite('faults/clock');
const clock = new Clock();
test.before(() => clock.install());
test.after.each(leaveNothing);

const HOUR = 3_600_000;
const wallClock = Date.now;

for (const role of ROLES) {
  for (const years of [-30, 30]) {
    test(`${role}: a wall clock that jumps by ${years} years moves no deadline`, async () => {
      const { context, peer } = open(role, { pingInterval: 1000, pongTimeout: 500, closeTimeout: 800 });
      Date.now = () => wallClock() + years * 8766 * HOUR;
      await clock.pass(1000);
      assert.is(await peer.next(), 'ping');
      peer.send({ opcode: 10 });
      await clock.pass(999);
      assert.equal(peer.here(), []);
      await clock.pass(1);
      assert.is(await peer.next(), 'ping');
      context.closeNow();
      await clock.pass(799);
      assert.is(context.cleaned, 0);
      Date.now = wallClock;
      const reading = context.read();
      await clock.pass(1);
      await reading;
      assert.is(context.cleaned, 1);
    });
  }

  test(`${role}: a PONG that came while the process was stopped is heard before the silence is judged`, async () => {
    const { context, peer } = open(role, { pingInterval: 1000, pongTimeout: 500 });
    await clock.pass(1000);
    assert.is(await peer.next(), 'ping');
    peer.send({ opcode: 10 });
    await clock.stop(HOUR);
    assert.equal(peer.here(), ['ping'], 'one for all that were due meanwhile');
    assert.is(context.cleaned, 0);
    const reading = context.read();
    await clock.pass(500);
    assert.is((await reading).hr, E_NETNAME_DELETED, 'and a peer that is silent now is lost');
  });

  test(`${role}: payload that came while the process was stopped gives a closing connection its time again`, async () => {
    const { context, peer } = open(role, { closeTimeout: 1000 });
    context.closeNow();
    assert.match(await peer.next(), /^close/);
    peer.text('behind your CLOSE, before mine');
    peer.close(1000);
    await clock.stop(HOUR);
    assert.is((await context.read()).text, 'behind your CLOSE, before mine');
    assert.ok((await context.read()).close);
  });

  test(`${role}: a close that waits for a send is cut after closeTimeout, and from each move of it`, async () => {
    const { context, peer, far } = open(role, { closeTimeout: 1000 });
    const connection = new WebSocketConnection(context.context);
    const sending = failureOf(connection.send(pattern(1_000_000)));
    far.pause();
    const closing = failureOf(connection.close());
    for (let time = 0; time < 3; time++) {
      await clock.pass(900);
      far.resume();
      await turns(4);
      far.pause();
      assert.is(context.cleaned, 0);
    }
    await clock.pass(999);
    assert.not.ok(peer.ended);
    await clock.pass(1);
    assert.equal([(await sending).code, (await closing).code], ['ERR_ABORTED', 'ERR_LOST']);
    assert.is(connection.state, 'aborted');
  });

  test(`${role}: timers that come too early are waited for again`, async () => {
    const { peer } = open(role, { pingInterval: 1000 });
    for (let time = 0; time < 10; time++) await clock.hasten(1000);
    await clock.pass(999);
    assert.equal(peer.here(), []);
    await clock.pass(1);
    assert.equal(peer.here(), ['ping']);
  });
}

test('a 101 that came while the process was stopped is read before handshakeTimeout is judged', async () => {
  const [near, far] = linkPair();
  const connecting = connectWebSocket('ws://localhost', { createConnection: () => near });
  const [request] = await new Promise<unknown[]>(resolve => far.once('data', (...told) => resolve(told)));
  far.write(switching(String(request)));
  await clock.stop(HOUR);
  watch(await connecting);
  await turns();
  assert.not.ok(near.destroyed);
});

test('an answer that comes by a byte a minute is given up after handshakeTimeout, whatever it would have been', async () => {
  const [near, far] = linkPair();
  const failing = failureOf(
    connectWebSocket('ws://localhost', { createConnection: () => near, handshakeTimeout: 600_000 }),
  );
  const [request] = await new Promise<unknown[]>(resolve => far.once('data', (...told) => resolve(told)));
  const answer = Buffer.from(switching(String(request)));
  let sent = 0;
  while (!near.destroyed) {
    far.write(answer.subarray(sent, ++sent));
    await clock.pass(60_000);
  }
  assert.is(sent, 10);
  assert.is((await failing).code, 'ERR_HANDSHAKE_TIMEOUT');
  await turns();
});

for (const role of ROLES) {
  test(`${role}: a header that comes by a byte a minute is put together, and costs nothing meanwhile`, async () => {
    const { context, peer } = open(role, { pingInterval: 50_000, pongTimeout: 61_000 });
    const frame = peer.frame({ opcode: 2, data: Buffer.alloc(70_000, 'x') });
    const header = frame.length - 70_000;
    for (let at = 0; at < header; at++) {
      peer.stream.write(frame.subarray(at, at + 1));
      await clock.pass(60_000);
    }
    assert.is(context.context.stats.receiveBuffered, 0);
    peer.stream.write(frame.subarray(header));
    await turns();
    assert.ok(context.readNow().data.length > 0);
  });

  test(`${role}: header bytes, a minute apart, buy a closing connection no time`, async () => {
    const { context, peer } = open(role, { closeTimeout: 200_000 });
    context.closeNow();
    const frame = peer.frame({ opcode: 2, data: Buffer.alloc(70_000) });
    for (let at = 0; at < 3; at++) {
      peer.stream.write(frame.subarray(at, at + 1));
      await clock.pass(60_000);
    }
    assert.is(context.cleaned, 0);
    const reading = context.read();
    await clock.pass(20_000);
    await reading;
    assert.is(context.cleaned, 1);
  });
}

test.run();
