/** Contexts on streams of an application's own making, which may deliver from inside a write, or throw from one. */
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_ILLEGAL_METHOD_CALL, E_NETNAME_DELETED, S_OK } from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import type { Link } from '../support/link.ts';
import { leaveNothing, open, openOn, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';

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

test('a write that is answered from inside is under way: no frame gets into the middle of its own', async () => {
  const near = new Prompt();
  const far = new Prompt();
  near.other = far;
  far.other = near;
  const server = openOn(near as unknown as Link, 'server');
  const client = openOn(far as unknown as Link, 'client');
  await turns();
  const told: number[] = [];
  let returned = false;
  // All of this happens inside the server's write: the client gets the first bytes, answers, and the answer is read.
  client.context.readFragment(new Uint8Array(1000), true, () => client.writeNow('answer'));
  server.context.readFragment(null, true, () => {
    assert.not.ok(returned);
    const result = new FragmentResult();
    told.push(server.context.writeFragment(Buffer.from('in the middle'), true, false, true, () => {}, 0, result));
  });
  const payload = pattern(300_000);
  const writing = server.write(payload);
  returned = true;
  assert.is((await writing).hr, S_OK);
  assert.equal(told, [E_ILLEGAL_METHOD_CALL]);
  for (let at = 1000; at < payload.length; ) {
    const { data } = await client.read();
    assert.ok(data.equals(payload.subarray(at, (at += data.length))));
  }
});

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

test.run();
