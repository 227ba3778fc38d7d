/** cancelOutstandingIO: what is pending is aborted on a later turn, and the connection stays open and sound. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_ILLEGAL_METHOD_CALL, E_OPERATION_ABORTED, S_OK } from '../../src/context/hresult.ts';
import { leaveNothing, open, ROLES, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';

const test = suite('context/cancel');
test.after.each(leaveNothing);

for (const role of ROLES) {
  test(`${role}: with nothing outstanding it does nothing`, async () => {
    const { context, peer } = open(role);
    context.cancelOutstandingIO();
    context.cancelOutstandingIO();
    peer.text('in');
    assert.is((await context.read()).text, 'in');
    assert.is((await context.write('out')).hr, S_OK);
    assert.is(await peer.next(), 'text "out"');
  });

  test(`${role}: a pending read is aborted on a later turn, and the next one gets what came meanwhile`, async () => {
    const { context, peer } = open(role);
    const reading = context.read(new Uint8Array(8));
    context.cancelOutstandingIO();
    await Promise.resolve();
    assert.is(context.pending, 1, 'neither inside the call nor in the turn that it was made in');
    assert.is(context.readNow().hr, E_ILLEGAL_METHOD_CALL, 'until then it is pending');
    peer.text('meanwhile');
    const { hr, cbIO, data } = await reading;
    assert.equal([hr, cbIO, data.length], [E_OPERATION_ABORTED, 0, 0]);
    assert.is((await context.read()).text, 'meanwhile');
  });

  test(`${role}: what comes between the cancel and its completion is kept for the next read`, async () => {
    const { context, peer, near } = open(role);
    const reading = context.read();
    context.cancelOutstandingIO();
    near.push(Buffer.from(peer.frame({ opcode: 1, data: Buffer.from('at once') })));
    assert.is((await reading).hr, E_OPERATION_ABORTED);
    assert.is(context.readNow().text, 'at once');
  });

  test(`${role}: cancelled twice, a read completes once`, async () => {
    const { context } = open(role);
    const reading = context.read();
    context.cancelOutstandingIO();
    context.cancelOutstandingIO();
    assert.is((await reading).hr, E_OPERATION_ABORTED);
    const again = context.read();
    await turns();
    assert.is(context.pending, 1, 'a read that was made later is not touched');
    context.cancelOutstandingIO();
    assert.is((await again).hr, E_OPERATION_ABORTED);
  });

  test(`${role}: a small write that waits is aborted; its copy still goes out, and the message goes on behind it`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const writing = context.write('cancelled', { final: false });
    context.cancelOutstandingIO();
    const { hr, cbIO } = await writing;
    assert.equal([hr, cbIO], [E_OPERATION_ABORTED, 0]);
    near.release();
    assert.is(await peer.next(), 'text "fills what may be unsent"');
    assert.is((await context.write('end')).hr, S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "cancelled"+', 'more "end"']);
  });

  for (const roomy of [true, false]) {
    test(`${role}: no PONG overtakes another that waits for a frame which a cancel finishes, nor comes behind CLOSE${roomy ? '' : ', without room too'}`, async () => {
      const { context, peer, near } = open(role, { sendBufferLimit: roomy ? 1_000_000 : 8 });
      const ping = async (text: string) => {
        peer.send({ opcode: 9, final: true, data: Buffer.from(text) });
        await turns();
      };
      near.hold();
      const writing = context.write(pattern(200_000));
      await ping('one');
      context.cancelOutstandingIO();
      await ping('two');
      await ping('three');
      context.context.shutDown(Buffer.of(3, 232));
      near.release();
      assert.is((await writing).hr, E_OPERATION_ABORTED);
      assert.ok((await peer.receive())!.data.equals(pattern(200_000)));
      // §5.5.3: that of the last PING answers those before it too.
      assert.is(await peer.next(), 'pong "three"');
      assert.is(await peer.next(), 'close 1000');
    });
  }

  test(`${role}: what was lost before its frame had begun counts as never sent`, async () => {
    const { context, peer, near, far } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const before = context.context.stats;
    const writing = context.write(pattern(100_000));
    assert.is(context.context.stats.bytesSent, before.bytesSent + 100_000);
    far.reset();
    assert.not.ok((await writing).hr === S_OK);
    const { bytesSent, fragmentsSent } = context.context.stats;
    assert.equal({ bytesSent, fragmentsSent }, { bytesSent: before.bytesSent, fragmentsSent: before.fragmentsSent });
    peer.stream.destroy();
  });

  test(`${role}: a large write that has not begun was never written: the message goes on as before it`, async () => {
    for (const inside of [false, true]) {
      const { context, peer, near } = open(role, { sendBufferLimit: 8 });
      if (inside) context.writeNow('begun', { final: false });
      await turns();
      near.hold();
      context.writeNow(inside ? Buffer.from('fills up') : 'fills up', { text: true, final: !inside });
      await turns();
      const before = context.context.stats;
      const writing = context.write(pattern(100_000), { text: inside, final: inside });
      context.cancelOutstandingIO();
      assert.is((await writing).hr, E_OPERATION_ABORTED);
      const { bytesSent, fragmentsSent } = context.context.stats;
      assert.equal([bytesSent, fragmentsSent], [before.bytesSent, before.fragmentsSent]);
      near.release();
      await turns();
      assert.is(context.writeNow('after').hr, S_OK);
      await turns();
      assert.equal(
        peer.here(),
        inside ? ['text "begun"+', 'more "fills up"+', 'more "after"'] : ['text "fills up"', 'text "after"'],
      );
    }
  });

  test(`${role}: the rest of a large frame that is part-written is sent, and then its bytes are the caller's`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const data = pattern(1_000_000);
    let released = false;
    const writing = context.write(data).then(told => {
      released = true;
      // The bytes are this side's again: what is done to them reaches nobody.
      data.fill(0);
      return told;
    });
    await turns();
    context.cancelOutstandingIO();
    await turns();
    assert.not.ok(released, 'the socket has the first stretch in its hands');
    near.release();
    const { hr, cbIO } = await writing;
    assert.equal([hr, cbIO], [E_OPERATION_ABORTED, 0]);
    assert.ok((await peer.receive())!.data.equals(pattern(1_000_000)));
    assert.is((await context.write('after')).hr, S_OK);
    assert.is(await peer.next(), 'text "after"');
  });

  test(`${role}: control frames that waited for a large frame follow it when it was cancelled`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const writing = context.write(pattern(300_000));
    await turns();
    peer.send({ opcode: 9, data: Buffer.from('ping') });
    await turns();
    context.cancelOutstandingIO();
    near.release();
    assert.is((await writing).hr, E_OPERATION_ABORTED);
    assert.equal([await peer.next(), await peer.next()], ['binary 300000 bytes', 'pong "ping"']);
  });

  test(`${role}: a part-written frame whose socket dies completes as aborted`, async () => {
    const { context, near, far } = open(role);
    near.hold();
    const writing = context.write(pattern(1_000_000));
    await turns();
    context.cancelOutstandingIO();
    far.reset();
    assert.is((await writing).hr, E_OPERATION_ABORTED);
  });

  test(`${role}: read and write are cancelled together, from inside a completion too`, async () => {
    const { context, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const both = [context.read(), context.write('waits')];
    const other = open(role);
    await new Promise<void>(resolve => {
      other.context.writeFragment(Buffer.from('x'), true, true, true, () => {
        context.cancelOutstandingIO();
        resolve();
      });
    });
    const told = await Promise.all(both);
    assert.equal(
      told.map(each => each.hr),
      [E_OPERATION_ABORTED, E_OPERATION_ABORTED],
    );
  });

  test(`${role}: cancel, then closeTcpConnection: each call completes once, and TCP ends`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    context.cancelOutstandingIO();
    context.closeTcpConnection();
    assert.is((await reading).hr, E_OPERATION_ABORTED);
    await peer.end();
    assert.equal(peer.here(), []);
  });

  test(`${role}: a cancelled read does not keep CLOSE or an end from the next one`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    peer.close(1000);
    context.cancelOutstandingIO();
    assert.is((await reading).hr, E_OPERATION_ABORTED);
    await turns();
    assert.is(context.readNow().close, true);
  });
}

test.run();
