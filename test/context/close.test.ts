/** CLOSE both ways: what is sent, what is told, who ends TCP and when a closing connection is cut. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  E_CONNECTION_INVALID,
  E_HANDLE_EOF,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_INVALIDARG,
  E_IO_INCOMPLETE,
  E_NOT_SET,
  E_OPERATION_ABORTED,
  S_OK,
} from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { Clock } from '../support/clock.ts';
import { masked, openOnKernel } from '../support/kernel.ts';
import { leaveNothing, open, openPair, ROLES, turns } from '../support/pair.ts';
import { closePayload, pattern } from '../support/peer.ts';

const test = suite('context/close');
const clock = new Clock();
test.before(() => clock.install());
test.after.each(leaveNothing);

const NOTHING = () => assert.unreachable('a call that finished inline has no completion');
const SENDABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const NOT_SENDABLE = [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_535, 65_536 + 1000, -1, 1000.5, Number.NaN];

for (const role of ROLES) {
  // ── sendConnectionClose ──

  test(`${role}: CLOSE goes out with its code and its reason in UTF-8`, async () => {
    const { context, peer } = open(role);
    const { hr, cbIO, utf8, final, close, data } = await context.close(1000, 'bye €');
    assert.equal([hr, cbIO, utf8, final, close, data.length], [S_OK, 0, true, true, false, 0]);
    const received = await peer.receive();
    assert.ok(received!.data.equals(closePayload(1000, 'bye €')));
    assert.is(received!.masked, role === 'client');
  });

  test(`${role}: 1005 sends a CLOSE without payload; a reason of "" counts as none`, async () => {
    for (const reason of [null, undefined, '']) {
      const { context, peer } = open(role);
      assert.is(context.sendConnectionClose(false, 1005, reason), S_OK);
      assert.is(await peer.next(), 'close');
    }
    const { context, peer } = open(role);
    context.closeNow(3000, '');
    assert.is(await peer.next(), 'close 3000');
  });

  test(`${role}: codes that may stand on the wire are sent, others are E_INVALIDARG`, async () => {
    for (const code of SENDABLE) {
      const { context, peer } = open(role);
      assert.is(context.closeNow(code).hr, S_OK, String(code));
      assert.is(await peer.next(), `close ${code}`);
    }
    const { context, peer } = open(role);
    for (const code of NOT_SENDABLE) assert.is(context.closeNow(code).hr, E_INVALIDARG, String(code));
    assert.is(context.closeNow('1000' as never).hr, E_INVALIDARG);
    await turns();
    assert.equal(peer.here(), []);
    assert.is(context.writeNow('still open').hr, S_OK);
  });

  test(`${role}: a reason has at most 123 bytes of UTF-8, and none with 1005`, async () => {
    const { context, peer } = open(role);
    assert.is(context.closeNow(1000, 'x'.repeat(124)).hr, E_INVALIDARG);
    assert.is(context.closeNow(1000, '€'.repeat(42)).hr, E_INVALIDARG);
    assert.is(context.closeNow(1005, 'x').hr, E_INVALIDARG);
    assert.is(context.closeNow(1000, 5 as never).hr, E_INVALIDARG);
    assert.is(context.closeNow(1000, '€'.repeat(41)).hr, S_OK);
    assert.is(await peer.next(), `close 1000 ${'€'.repeat(41)}`);
  });

  test(`${role}: with a result CLOSE finishes inline, without one its completion comes`, async () => {
    const { context } = open(role);
    const result = new FragmentResult();
    assert.is(context.sendConnectionClose(true, 1000, null, NOTHING, 0, result), S_OK);
    const { completionExpected, cbIO, utf8Encoded, finalFragment, connectionClose } = result;
    assert.equal(
      [completionExpected, cbIO, utf8Encoded, finalFragment, connectionClose],
      [false, 0, true, true, false],
    );
    assert.is((await open(role).context.close()).hr, S_OK);
    assert.is(open(role).context.sendConnectionClose(true, 1000), E_INVALIDARG, 'a call that could tell no one');
  });

  test(`${role}: a CLOSE beyond sendBufferLimit waits, or fails where it may not, with nothing sent`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 4 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    assert.is(context.closeNow().hr, E_IO_INCOMPLETE);
    assert.is(context.sendConnectionClose(false, 1000), E_IO_INCOMPLETE);
    assert.is(context.sendConnectionClose(false, 1000, null, NOTHING), E_IO_INCOMPLETE);
    const closing = context.close(1001);
    await turns();
    assert.is(context.pending, 1);
    assert.is(context.writeNow('x').hr, E_ILLEGAL_METHOD_CALL, 'busy is judged before CLOSE sent');
    near.release();
    assert.is((await closing).hr, S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "fills what may be unsent"', 'close 1001']);
  });

  test(`${role}: a CLOSE that waits for room says completionExpected`, async () => {
    const { context, near } = open(role, { sendBufferLimit: 4 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const result = new FragmentResult();
    const told = new Promise<number>(resolve => {
      context.sendConnectionClose(true, 1000, null, resolve, 0, result);
    });
    assert.is(result.completionExpected, true);
    near.release();
    assert.is(await told, S_OK);
  });

  test(`${role}: a second CLOSE is E_INVALID_PROTOCOL_OPERATION; its arguments are judged before`, async () => {
    const { context, peer } = open(role);
    context.closeNow(1000);
    assert.is(context.closeNow(1000).hr, E_INVALID_PROTOCOL_OPERATION);
    assert.is(context.closeNow(999).hr, E_INVALIDARG);
    await turns();
    assert.equal(peer.here(), ['close 1000']);
  });

  test(`${role}: CLOSE may stand inside a message that is never finished`, async () => {
    const { context, peer } = open(role);
    context.writeNow('begun', { final: false });
    assert.is(context.closeNow(1001).hr, S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "begun"+', 'close 1001']);
  });

  test(`${role}: reading goes on after our CLOSE, until the peer's`, async () => {
    const { context, peer } = open(role);
    const waiting = context.read();
    context.closeNow();
    peer.text('still');
    assert.is((await waiting).text, 'still');
    peer.send({ opcode: 2, final: false, data: Buffer.from('more') }, { opcode: 0, data: Buffer.from('!') });
    assert.is((await context.read()).text, 'more');
    assert.is((await context.read()).text, '!');
    peer.close(1000, 'done');
    const { hr, close } = await context.read();
    assert.equal([hr, close, context.status], [S_OK, true, '1000 done']);
  });

  // ── the peer's CLOSE ──

  test(`${role}: the peer's CLOSE completes a read with 0 bytes, binary, final, close`, async () => {
    const { context, peer } = open(role);
    const buffer = new Uint8Array(123);
    const waiting = context.read(buffer);
    peer.close(1000, 'reason');
    const { hr, cbIO, utf8, final, close, data } = await waiting;
    assert.equal([hr, cbIO, utf8, final, close, data.length], [S_OK, 0, false, true, true, 0]);
    assert.ok(
      buffer.every(byte => !byte),
      'the reason is not in the buffer',
    );
  });

  test(`${role}: inline, the peer's CLOSE says the same`, async () => {
    const { context, peer } = open(role);
    peer.close(4000);
    await turns();
    const { hr, cbIO, utf8, final, close, data } = context.readNow(new Uint8Array(5));
    assert.equal([hr, cbIO, utf8, final, close, data.length], [S_OK, 0, false, true, true, 0]);
    assert.is(context.status, '4000');
  });

  test(`${role}: CLOSE stands behind the pieces that came before it, and ends a message that was begun`, async () => {
    const { context, peer } = open(role);
    peer.send(
      { opcode: 1, data: Buffer.from('one') },
      { opcode: 1, final: false, data: Buffer.from('begun') },
      { opcode: 8, data: closePayload(1001) },
    );
    await turns();
    assert.is(context.status, E_NOT_SET, 'a CLOSE that was not read yet has no status');
    assert.is(context.readNow().text, 'one');
    const { text, final } = context.readNow();
    assert.equal([text, final], ['begun', false]);
    assert.is(context.status, E_NOT_SET);
    assert.is(context.readNow().close, true);
    assert.is(context.status, '1001');
  });

  test(`${role}: a read after CLOSE was read is E_ILLEGAL_METHOD_CALL, always`, async () => {
    const { context, peer, far } = open(role);
    peer.close();
    await context.read();
    assert.is(context.readNow().hr, E_ILLEGAL_METHOD_CALL);
    assert.is(context.readFragment(null, true, NOTHING), E_ILLEGAL_METHOD_CALL);
    far.reset();
    await turns();
    assert.is(context.readNow().hr, E_ILLEGAL_METHOD_CALL);
  });

  test(`${role}: an empty CLOSE reads as 1005 and ""`, async () => {
    const { context, peer } = open(role);
    peer.close();
    await context.read();
    assert.is(context.status, '1005');
  });

  test(`${role}: getCloseStatus wants somewhere to put it`, () => {
    const { context } = open(role);
    for (const status of [undefined, null, 5]) assert.is(context.getCloseStatus(status as never), E_INVALIDARG);
  });

  test(`${role}: nothing answers the peer's CLOSE but the application, which may send data before`, async () => {
    const { context, peer } = open(role);
    peer.close(1000);
    assert.is((await context.read()).close, true);
    await turns();
    assert.equal(peer.here(), []);
    assert.not.ok(peer.ended);
    assert.is(context.writeNow('after your CLOSE').hr, S_OK);
    assert.is(context.closeNow(1000, 'mine').hr, S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "after your CLOSE"', 'close 1000 mine']);
  });

  test(`${role}: what a peer says behind its CLOSE is not looked at`, async () => {
    const { context, peer } = open(role);
    peer.send({ opcode: 8 }, { opcode: 1, data: Buffer.from('late') }, { opcode: 15 });
    peer.text('later');
    assert.is((await context.read()).close, true);
    await turns();
    assert.is(context.context.fault, undefined);
    assert.is(context.closeNow().hr, S_OK);
    assert.is(await peer.next(), 'close 1000');
  });

  // ── the end of TCP ──

  test(`${role}: once both CLOSEs have passed, ${role === 'server' ? 'it ends TCP' : 'it waits for the server to end TCP'}`, async () => {
    for (const order of ['ours first', 'theirs first']) {
      const { context, peer } = open(role);
      if (order === 'ours first') context.closeNow();
      peer.close();
      await context.read();
      if (order === 'theirs first') context.closeNow();
      assert.is(await peer.next(), 'close 1000');
      await turns();
      assert.is(peer.ended, role === 'server', order);
      peer.stream.end();
      await turns();
      assert.ok(peer.ended);
      assert.is(context.cleaned, 1, 'the engine cleans up once TCP is gone and all is delivered');
    }
  });

  test(`${role}: a closing connection whose peer stays silent is cut after closeTimeout`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    const waiting = context.read();
    context.closeNow();
    await clock.pass(499);
    assert.is(context.pending, 1);
    assert.not.ok(peer.ended);
    await clock.pass(1);
    assert.is((await waiting).hr, E_OPERATION_ABORTED);
    assert.ok(peer.ended);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
    assert.is(context.cleaned, 1);
  });

  test(`${role}: closeTimeout is kept where a PING was to come later, and is not given twice for what went before`, async () => {
    const { context, peer, near, far } = open(role, { closeTimeout: 500, pingInterval: 60_000 });
    void context.write(pattern(1_000_000));
    await turns(3);
    far.pause();
    await turns();
    context.context.shutDown(closePayload(1001));
    await clock.pass(499);
    assert.not.ok(near.destroyed);
    await clock.pass(1);
    assert.ok(near.destroyed);
    assert.ok(peer.bytes.length > 0);
  });

  test(`${role}: closeTimeout runs from a peer's CLOSE that was delivered, not from one that waits to be read`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    peer.close();
    await clock.pass(5000);
    assert.not.ok(peer.ended);
    assert.is(context.readNow().close, true);
    await clock.pass(499);
    assert.not.ok(peer.ended);
    await clock.pass(1);
    assert.ok(peer.ended);
    assert.is(context.closeNow().hr, E_CONNECTION_INVALID);
  });

  test(`${role}: closeTimeout starts again whenever payload comes in`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    context.closeNow();
    for (let index = 0; index < 5; index++) {
      await clock.pass(400);
      peer.text('x');
      await turns();
    }
    assert.not.ok(peer.ended);
    await clock.pass(499);
    assert.not.ok(peer.ended);
    await clock.pass(1);
    assert.ok(peer.ended);
    for (let index = 0; index < 5; index++) assert.is(context.readNow().text, 'x', 'what came is still read');
    assert.is(context.readNow().hr, E_OPERATION_ABORTED);
  });

  test(`${role}: closeTimeout starts again whenever payload goes out`, async () => {
    const { context, peer, far } = open(role, { closeTimeout: 500 });
    peer.close();
    await context.read();
    const writing = context.write(pattern(1_000_000));
    far.pause();
    for (let index = 0; index < 4; index++) {
      await clock.pass(400);
      far.resume();
      await turns(4);
      far.pause();
      assert.not.ok(context.cleaned);
    }
    far.resume();
    assert.is((await writing).hr, S_OK);
    await clock.pass(499);
    assert.not.ok(peer.ended);
    await clock.pass(1);
    assert.ok(peer.ended);
  });

  test(`${role}: who reads slowly what is left of a connection that has ended is given all of it, and the CLOSE`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    for (const text of ['one', '', 'three', 'four', '', 'six']) peer.text(text);
    peer.close(1001);
    await turns();
    context.closeNow();
    peer.stream.end();
    for (const text of ['one', '', 'three', 'four', '', 'six']) {
      await clock.pass(400);
      assert.is(context.readNow().text, text);
    }
    await clock.pass(400);
    assert.ok(context.readNow().close);
    assert.is(context.status, '1001');
    assert.is(context.cleaned, 0);
    await clock.pass(1);
    assert.is(context.cleaned, 1);
  });

  test(`${role}: PONGs buy a closing connection no time, however often they are asked for`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    context.writeNow('sent before');
    context.closeNow();
    for (let index = 0; index < 4; index++) {
      await clock.pass(120);
      peer.send({ opcode: 9 });
    }
    await clock.pass(19);
    assert.not.ok(peer.ended);
    assert.equal(peer.here().slice(1), ['close 1000', 'pong', 'pong', 'pong', 'pong']);
    await clock.pass(1);
    assert.ok(peer.ended);
  });

  test(`${role}: a peer that ends TCP before its CLOSE ends reading with E_HANDLE_EOF, also after ours`, async () => {
    const { context, peer } = open(role);
    context.closeNow();
    peer.stream.end();
    assert.is((await context.read()).hr, E_HANDLE_EOF);
    await turns();
    assert.ok(peer.ended, 'the other half is ended too');
    assert.is(context.cleaned, 1);
  });

  test(`${role}: an end that nobody reads keeps the context until closeTimeout`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    peer.text('unread');
    peer.stream.end();
    await clock.pass(499);
    assert.is(context.cleaned, 0);
    await clock.pass(1000);
    assert.is(context.cleaned, 1);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
  });

  // ── closeTcpConnection ──

  test(`${role}: closeTcpConnection sends what was accepted, then FIN, and no CLOSE`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 1 << 20 });
    near.hold();
    context.writeNow('accepted');
    await turns();
    context.writeNow(pattern(50_000));
    context.closeTcpConnection();
    near.release();
    assert.equal(await peer.rest(), ['text "accepted"', 'binary 50000 bytes']);
  });

  test(`${role}: closeTcpConnection aborts pending calls, on a later turn, and later ones fail inline`, async () => {
    const { context, near } = open(role, { sendBufferLimit: 4 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const pending = [context.read(), context.write('waits')];
    context.closeTcpConnection();
    assert.is(context.pending, 2);
    const told = await Promise.all(pending);
    assert.equal(
      told.map(({ hr, cbIO }) => [hr, cbIO]),
      [
        [E_OPERATION_ABORTED, 0],
        [E_OPERATION_ABORTED, 0],
      ],
    );
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
    assert.is(context.writeNow('x').hr, E_CONNECTION_INVALID);
    assert.is(context.closeNow().hr, E_CONNECTION_INVALID);
    context.closeTcpConnection();
  });

  test(`${role}: after closeTcpConnection what arrives is discarded, until the peer ends`, async () => {
    const { context, peer } = open(role, { receiveBufferLimit: 10 });
    peer.text('queued above the limit');
    peer.close(1000);
    await turns();
    context.closeTcpConnection();
    await peer.end();
    for (let index = 0; index < 20; index++) peer.binary(pattern(50_000));
    peer.send({ opcode: 15 });
    await turns();
    assert.is(context.status, E_NOT_SET, 'a CLOSE that was never read has no status');
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
    assert.is(context.context.stats.receiveBuffered, 0);
    assert.is(context.cleaned, 0);
    peer.stream.end();
    await peer.gone();
    assert.is(context.cleaned, 1);
  });

  test(`${role}: after closeTcpConnection a CLOSE that had come and was not read is as if it never came`, async () => {
    const { context, peer } = open(role);
    peer.text('unread');
    peer.close(1000);
    await turns();
    context.closeTcpConnection();
    assert.is(context.status, E_NOT_SET);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
  });

  test(`${role}: after closeTcpConnection a peer that does not end is cut after closeTimeout, talking or not`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500 });
    context.closeTcpConnection();
    for (let index = 0; index < 4; index++) {
      await clock.pass(120);
      peer.text('x');
    }
    assert.is(context.cleaned, 0);
    await clock.pass(20);
    assert.is(context.cleaned, 1);
  });

  test(`${role}: closeTcpConnection inside a large write leaves the frame cut and the call aborted`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const writing = context.write(pattern(1_000_000));
    await turns();
    context.closeTcpConnection();
    near.release();
    assert.is((await writing).hr, E_OPERATION_ABORTED);
    assert.equal(await peer.rest(), []);
    assert.ok(peer.bytes.length > 0 && peer.bytes.length < 1_000_000);
  });
}

for (const from of ["the caller's memory", 'the window']) {
  test(`closeTimeout starts again whenever TCP takes payload at once, from ${from}`, async () => {
    const { context, kernel } = openOnKernel({ closeTimeout: 500 });
    const other = openOnKernel();
    kernel.receive(masked(8, ''));
    assert.ok(context.readNow().close);
    for (let index = 0; index < 5; index++) {
      await clock.pass(400);
      const piece = new FragmentResult();
      other.context.readFragment(null, true, () => context.writeNow(from === 'the window' ? piece : 'x'), 0, piece);
      other.kernel.receive(masked(2, pattern(5000)));
    }
    assert.is(kernel.offered.length, from === 'the window' ? 5 : 0);
    await clock.pass(499);
    assert.not.ok(kernel.ended);
    await clock.pass(1);
    assert.ok(kernel.ended);
  });
}

test('closeTimeout starts again while TCP takes a long write bit by bit', async () => {
  const { context, kernel } = openOnKernel({ closeTimeout: 500 });
  kernel.appetite = () => 0;
  context.writeNow('x'.repeat(60_000));
  await turns();
  kernel.untaken = kernel.written[0]!;
  context.closeNow();
  for (let index = 0; index < 5; index++) {
    await clock.pass(450);
    kernel.untaken -= 10_000;
  }
  assert.not.ok(kernel.ended);
  await clock.pass(999);
  assert.ok(kernel.ended);
});

test('both sides may close at once, and both connections end clean', async () => {
  const { server, client } = openPair();
  const reads = [server.read(), client.read()];
  server.closeNow(1000, 'server');
  client.closeNow(1001, 'client');
  const told = await Promise.all(reads);
  assert.equal(
    told.map(each => each.close),
    [true, true],
  );
  assert.equal([server.status, client.status], ['1001 client', '1000 server']);
  await turns();
  assert.equal([server.cleaned, client.cleaned], [1, 1]);
});

test.run();
