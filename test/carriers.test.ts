/** Echo and close, the same over every kind of connection: TCP, TLS, a local socket, a Duplex pair, and TLS over one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_HANDLE_EOF, E_INVALID_PROTOCOL_OPERATION, E_NETNAME_DELETED, S_OK } from '../src/context/hresult.ts';
import { Caller } from './support/caller.ts';
import { Random } from './support/random.ts';
import { CARRIERS, type Carrier, type Served, serve, stopAll } from './support/serve.ts';

/** Around the header's three forms, the copy threshold, a send page's end with and without header, the window. */
const SIZES = [
  0, 1, 125, 126, 127, 16_383, 16_384, 16_385, 65_521, 65_522, 65_526, 65_528, 65_535, 65_536, 65_537, 262_143, 262_145,
  1_000_003,
];

interface Pair {
  readonly served: Served;
  readonly client: Caller;
  readonly server: Caller;
}

async function pair(carrier: Carrier): Promise<Pair> {
  let server!: Caller;
  const served = await serve(context => (server = new Caller(context)), carrier);
  const client = new Caller(await served.connect());
  return { served, client, server };
}

const test = suite('carriers');
test.after.each(stopAll);

for (const carrier of CARRIERS) {
  const check = (title: string, run: (pair: Pair) => Promise<void>) =>
    test(`${carrier}: ${title}`, async () => {
      const made = await pair(carrier);
      await run(made);
      made.client.cleanupStoredContext();
      await made.served.stop();
      assert.is(made.client.pending + made.server.pending, 0, 'every call has come to its end');
      assert.is(made.served.module.size, 0);
    });

  check('messages of every form come back as they went, and the sender keeps its bytes', async ({ client, server }) => {
    const ended = server.echo();
    const random = new Random(4);
    for (const size of SIZES) {
      const bytes = random.bytes(size);
      const kept = bytes.slice();
      const [written, heard] = await Promise.all([client.write(bytes), client.hear()]);
      assert.is(written.hr, S_OK);
      assert.is(heard.kind, 'binary');
      assert.ok(heard.kind === 'binary' && heard.data.equals(kept), `${size} bytes come back`);
      assert.ok(Buffer.from(bytes).equals(kept), `${size} bytes are unaltered`);
    }
    await client.close(1000, 'done');
    assert.equal(await ended, { kind: 'close', code: 1000, reason: 'done' });
    assert.equal(await client.hear(), { kind: 'close', code: 1000, reason: 'done' });
  });

  check('a fragmented message comes back whole, whatever lies between its pieces', async ({ client, server }) => {
    server.echo();
    for (const piece of ['first, ', '', 'sécond, ', '']) {
      await client.write(piece, { final: false });
      assert.type(await client.context.ping(), 'number');
    }
    await client.write('🚀');
    assert.is(await client.hearText(), 'first, sécond, 🚀');
  });

  check('many small messages of one turn come back in order', async ({ client, server }) => {
    server.echo();
    const texts = Array.from({ length: 500 }, (_, i) => `message ${i}`);
    const sent = (async () => {
      for (const text of texts) await client.write(text);
    })();
    for (const text of texts) assert.is(await client.hearText(), text);
    await sent;
  });

  for (const [closer, answerer] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    check(`${closer} closes first: ${answerer} reads what came before, then the status, and answers`, async made => {
      const one = made[closer];
      const other = made[answerer];
      await one.write('last words');
      assert.is((await one.close(4000, 'grüße')).hr, S_OK);
      assert.is(one.writeNow('too late').hr, E_INVALID_PROTOCOL_OPERATION);
      assert.is(await other.hearText(), 'last words');
      assert.equal(await other.hear(), { kind: 'close', code: 4000, reason: 'grüße' });
      await other.write('answer');
      await other.close(1001);
      assert.is(await one.hearText(), 'answer');
      assert.equal(await one.hear(), { kind: 'close', code: 1001, reason: '' });
    });

    check(`${closer} ends TCP without CLOSE: ${answerer} reads what came before, then the end`, async made => {
      await made[closer].write('last words');
      made[closer].closeTcpConnection();
      assert.is(await made[answerer].hearText(), 'last words');
      assert.equal(await made[answerer].hear(), { kind: 'failed', hr: E_HANDLE_EOF });
    });

    // A Duplex of a pair says nothing to the other where it is destroyed.
    if (carrier.endsWith('duplex')) continue;
    check(`${closer} is torn down: ${answerer} is told that the connection is gone`, async made => {
      const waiting = made[answerer].hear();
      made[closer].cleanupStoredContext();
      const heard = await waiting;
      assert.ok(heard.kind === 'failed' && [E_HANDLE_EOF, E_NETNAME_DELETED].includes(heard.hr as never));
    });
  }

  check('both close at once: each reads the other status', async ({ client, server }) => {
    await Promise.all([client.close(3000), server.close(3001)]);
    assert.equal(await Promise.all([client.hear(), server.hear()]), [
      { kind: 'close', code: 3001, reason: '' },
      { kind: 'close', code: 3000, reason: '' },
    ]);
  });
}

test.run();
