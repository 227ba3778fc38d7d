/** Contexts on streams of an application's own making, which may deliver from inside a write, or throw from one. */
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_NETNAME_DELETED, S_OK } from '../../src/context/hresult.ts';
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
