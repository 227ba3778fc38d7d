/** Engine memory that is all taken: without records strangers are turned away; without pages the heap lends them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from '../../src/context/pages.ts';
import { Caller } from '../support/caller.ts';
import { engine, leaveNothing, watch } from '../support/pair.ts';
import { failureOf } from '../support/promise.ts';
import { Random } from '../support/random.ts';
import { serve, stopAll } from '../support/serve.ts';

const test = suite('faults/exhaustion');
test.after.each(stopAll);
test.after.each(leaveNothing);

/** Takes all that a pool of the engine's memory has left; what it answers gives it back. */
function exhaust(pool: typeof engine.memory.pages): () => void {
  const taken: number[] = [];
  for (let ptr = pool.take(); ptr; ptr = pool.take()) taken.push(ptr);
  assert.ok(taken.length > 100);
  return () => {
    for (const ptr of taken) pool.give(ptr);
  };
}

test('without a record left an upgrade is answered with 503, and with one again it is taken', async () => {
  const served = await serve(watch);
  const giveBack = exhaust(engine.memory.records);
  const failure = await failureOf(served.connect());
  assert.equal([failure.code, Reflect.get(failure, 'status')], ['ERR_HANDSHAKE_STATUS', 503]);
  giveBack();
  watch(await served.connect());
  await served.stop();
});

for (const carrier of ['tcp', 'tls', 'tls over duplex'] as const) {
  test(`${carrier}: without a send page left messages go through pages of the heap, and come back as they went`, async () => {
    const giveBack = exhaust(engine.memory.pages);
    const heap = () => engine.pages.current.ptr === 0;
    // Some pages are kept warm: they are held here, one by one, until the heap must lend.
    const warm: Page[] = [];
    for (; !heap(); engine.pages.next()) {
      engine.pages.current.held++;
      warm.push(engine.pages.current);
    }
    let server!: Caller;
    const served = await serve(context => (server = new Caller(context)), carrier);
    const client = new Caller(await served.connect());
    const ended = server.echo();
    const random = new Random(5);
    for (const size of [0, 1, 125, 126, 5000, 16_384, 16_385, 65_522, 65_536, 70_000, 300_000]) {
      const bytes = random.bytes(size);
      const kept = bytes.slice();
      const [, heard] = await Promise.all([client.write(bytes), client.hear()]);
      assert.ok(heard.kind === 'binary' && heard.data.equals(kept), `${size} bytes`);
      assert.ok(heap(), 'the heap lent the page');
    }
    for (let index = 0; index < 2000; index++) client.writeNow(`message ${index}`);
    for (let index = 0; index < 2000; index++) assert.is(await client.hearText(), `message ${index}`);
    giveBack();
    for (const page of warm) engine.pages.release(page);
    await client.close();
    await ended;
    client.cleanupStoredContext();
    await served.stop();
    engine.pages.next();
    assert.not.ok(heap(), 'a page of linear memory is used again');
  });
}

test.run();
