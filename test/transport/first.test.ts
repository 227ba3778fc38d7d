/** The first write of a process goes through the stream layer, whose callback comes when others are under way already. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { leaveNobody, serve } from '../support/served.ts';

const test = suite('transport/first');
test.after.each(leaveNobody);

test('a large write right behind the first one waits for callbacks of its own', async () => {
  const length = 24 << 20;
  const served = await serve({ name: 'tcp', kind: 'tcp', directReads: true });
  const { context, peer, client, socket } = await served.connect();
  client.pause();
  context.writeNow('first');
  // Between the write and the tick in which its callback is called.
  const writing = new Promise<number>(resolve => {
    process.nextTick(() => {
      const data = pattern(length);
      context.writeFragment(data, true, false, true, (_hr, _context, cbIO) => {
        data.fill(0);
        resolve(cbIO);
      });
    });
  });
  await turns(50);
  assert.is(context.pending, 1);
  const { writeQueueSize } = (socket as unknown as { _handle: { writeQueueSize: number } })._handle;
  assert.ok(writeQueueSize > 0 && writeQueueSize <= 262_144 + 10, 'one stretch is under way, not two');
  client.resume();
  assert.is(await writing, length);
  assert.is(await peer.next(), 'text "first"');
  assert.ok((await peer.receive())!.data.equals(pattern(length)));
});

test.run();
