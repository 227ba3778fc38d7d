/**
 * Our server with ws's client, and our client with ws's server: the same conversations in both pairings. ws is the most
 * used WebSocket of Node; what it says of a frame of ours is what most of the world will say.
 */
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { connectWebSocket } from '../../src/client.ts';
import type { WebSocketOptions } from '../../src/context/contract.ts';
import { E_HANDLE_EOF, E_NETNAME_DELETED, FAILED, S_OK } from '../../src/context/hresult.ts';
import { Caller } from '../support/caller.ts';
import { pattern } from '../support/peer.ts';
import { Random } from '../support/random.ts';
import { serve, stopAll, stopping } from '../support/serve.ts';

const MI = 1024 * 1024;
const TEXTS = [
  'Hello',
  'Grüße, señor, œuvre',
  'Добрый день',
  'שלום עולם, مرحبا بالعالم',
  '漢字かな交じり文 한국어',
  '👩‍🚀 🚀 \u{10ffff}',
  '\u0000\u007f\u0080\ufffd\uffff',
];
/** Every code that may stand in a CLOSE, and 1005 for none. */
const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999, 1005];

/** All sizes up to 130, and those around the other forms of the header, the copy threshold, a send page and the window. */
const SIZES = [
  ...Array(131).keys(),
  ...[4096, 16_384, 32_768, 65_522, 65_529, 65_536, 70_000].flatMap(size =>
    [...Array(15).keys()].map(i => size - 7 + i),
  ),
];

type Event = { data: Buffer; text: boolean } | { code: number; reason: string };

/** ws's end, whose events wait until they are asked for. */
class Other {
  readonly socket: WebSocket;
  readonly #events: Event[] = [];
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    const came = (event: Event) => {
      this.#events.push(event);
      this.#wake?.();
    };
    socket.on('message', (data: Buffer, binary) => came({ data, text: !binary }));
    socket.on('close', (code, reason) => came({ code, reason: reason.toString() }));
    socket.on('error', () => {});
  }

  async next(): Promise<Event> {
    while (!this.#events.length) await new Promise<void>(resolve => (this.#wake = resolve));
    return this.#events.shift()!;
  }

  async nextText(): Promise<string | Event> {
    const event = await this.next();
    return 'data' in event && event.text ? event.data.toString() : event;
  }
}

interface Pair {
  ours: Caller;
  theirs: Other;
  stop(): Promise<void>;
}

/** Our server, ws's client, which offers to compress and is not taken up on it. */
async function oursServes(options: WebSocketOptions = {}): Promise<Pair> {
  let ours!: Caller;
  const served = await serve(context => (ours = new Caller(context)), 'tcp', options);
  const theirs = new Other(new WebSocket(served.url));
  await new Promise(resolve => theirs.socket.on('open', resolve));
  return { ours, theirs, stop: served.stop };
}

async function theirsServes(options: WebSocketOptions = {}): Promise<Pair> {
  const server = new WebSocketServer({ port: 0, host: 'localhost' });
  await new Promise(resolve => server.on('listening', resolve));
  const connected = new Promise<Other>(resolve => server.on('connection', socket => resolve(new Other(socket))));
  const { port } = server.address() as AddressInfo;
  const ours = new Caller(await connectWebSocket(`ws://localhost:${port}`, options));
  const theirs = await connected;
  const stop = stopping(async () => {
    ours.cleanupStoredContext();
    theirs.socket.terminate();
    await new Promise(resolve => server.close(resolve));
  });
  return { ours, theirs, stop };
}

const test = suite('ws');
test.after.each(stopAll);

for (const [name, open] of [
  ['our server, ws client', oursServes],
  ['our client, ws server', theirsServes],
] as const) {
  const check = (title: string, run: (pair: Pair) => Promise<void>, options?: WebSocketOptions) =>
    test(`${name}: ${title}`, async () => {
      const pair = await open(options);
      await run(pair);
      await pair.stop();
      assert.is(pair.ours.pending, 0, 'every call has come to its end');
    });

  async function exchange({ ours, theirs }: Pair, bytes: Buffer, text = false): Promise<void> {
    theirs.socket.send(bytes, { binary: !text });
    const heard = await ours.hear();
    assert.is(heard.kind, text ? 'text' : 'binary');
    assert.ok('data' in heard && heard.data.equals(bytes), `${bytes.length} bytes reach us as they are`);
    const [written, event] = await Promise.all([ours.write(bytes, { text }), theirs.next()]);
    assert.is(written.hr, S_OK);
    assert.ok('data' in event && event.text === text, 'the type is ours');
    assert.ok('data' in event && event.data.equals(bytes), `${bytes.length} bytes reach ws as they are`);
  }

  check('messages of every size around what frames and pages distinguish', async pair => {
    for (const size of SIZES) await exchange(pair, pattern(size));
  });

  check('messages of any size up to 70,000', async pair => {
    const random = new Random(6455);
    for (let i = 0; i < 100; i++) await exchange(pair, pattern(random.below(70_001)));
  });

  for (const size of [MI - 1, MI, 20 * MI]) {
    check(`a message of ${size} bytes`, pair => exchange(pair, Buffer.alloc(size, pattern(9973))));
  }

  check('text in several scripts, short and long', async pair => {
    for (const text of TEXTS)
      for (const times of [1, 30, 5000]) await exchange(pair, Buffer.from(text.repeat(times)), true);
  });

  check('what ws sends in fragments is read in pieces, pings between them', async ({ ours, theirs }) => {
    const pongs: string[] = [];
    theirs.socket.on('pong', data => pongs.push(data.toString()));
    const text = TEXTS.join(' ');
    for (let cut = 1; cut < 40; cut++) {
      const bytes = Buffer.from(text);
      const step = Math.ceil(bytes.length / cut);
      for (let at = 0; at < bytes.length; at += step) {
        theirs.socket.send(bytes.subarray(at, at + step), { binary: false, fin: at + step >= bytes.length });
        theirs.socket.ping(`${cut} ${at}`);
      }
      assert.is(await ours.hearText(), text);
      await ours.write('next');
      await theirs.next();
    }
    assert.is(pongs.at(-1)?.split(' ')[0], '39');
  });

  check('what we send in fragments ws reads whole, pings between them', async ({ ours, theirs }) => {
    const bytes = Buffer.alloc(300_000, pattern(9973));
    for (const cuts of [
      [0, 0, 0],
      [1, 2, 3],
      [125, 251, 378],
      [16_384, 32_769, 200_000],
      [65_536, 131_072, 131_072],
    ]) {
      let from = 0;
      for (const to of cuts) {
        await ours.write(bytes.subarray(from, to), { final: false });
        assert.type(await ours.context.ping(Buffer.from(`at ${to}`)), 'number');
        from = to;
      }
      await ours.write(bytes.subarray(from));
      const event = await theirs.next();
      assert.ok('data' in event && event.data.equals(bytes));
    }
  });

  check('pings are answered both ways, whether or not anybody reads', async ({ ours, theirs }) => {
    assert.type(await ours.context.ping(), 'number');
    assert.type(await ours.context.ping(pattern(125)), 'number');
    const pong = new Promise<Buffer>(resolve => theirs.socket.once('pong', resolve));
    theirs.socket.ping(pattern(125));
    assert.ok((await pong).equals(pattern(125)));
  });

  check('a conversation both ways at once, sizes and types mixed', async ({ ours, theirs }) => {
    const random = new Random(17);
    const messages = Array.from({ length: 400 }, () =>
      pattern(random.pick([0, 1, 20, 125, 126, 1000, 17_000, 66_000])),
    );
    const sent = (async () => {
      for (const message of messages) await ours.write(message);
    })();
    for (const message of messages) theirs.socket.send(message);
    const heard = (async () => {
      for (const message of messages) {
        const { data } = (await ours.hear()) as { data: Buffer };
        assert.ok(data.equals(message));
      }
    })();
    for (const message of messages) {
      const event = await theirs.next();
      assert.ok('data' in event && event.data.equals(message));
    }
    await Promise.all([sent, heard]);
  });

  check(
    'a reader that does not read holds ws back, and then loses nothing',
    async ({ ours, theirs }) => {
      const message = Buffer.alloc(MI, pattern(9973));
      for (let i = 0; i < 20; i++) theirs.socket.send(message);
      while (ours.context.stats.receiveBuffered < MI) await new Promise(resolve => setImmediate(resolve));
      for (let i = 0; i < 20; i++) {
        assert.ok(ours.context.stats.receiveBuffered < 2 * MI, 'what waits is bounded');
        const heard = await ours.hear();
        assert.ok('data' in heard && heard.data.equals(message));
      }
    },
    { receiveBufferLimit: MI },
  );

  for (const reason of ['', 'Grüße 🚀', 'r'.repeat(123)]) {
    test(`${name}: every close code, ${reason ? `reason of ${Buffer.byteLength(reason)} bytes` : 'no reason'}, either side first`, async () => {
      for (const code of CODES) {
        if (code === 1005 && reason) continue;
        const status = { code, reason };
        const one = await open();
        await one.ours.close(code, reason || null);
        assert.equal(await one.theirs.next(), status);
        assert.equal(await one.ours.hear(), { kind: 'close', ...status });
        await one.stop();

        const other = await open();
        if (code === 1005) other.theirs.socket.close();
        else other.theirs.socket.close(code, reason);
        assert.equal(await other.ours.hear(), { kind: 'close', ...status });
        await other.ours.close(code, reason || null);
        assert.equal(await other.theirs.next(), status);
        await other.stop();
      }
    });
  }

  check('both close at once', async ({ ours, theirs }) => {
    theirs.socket.close(4001, 'theirs');
    await ours.close(4002, 'ours');
    assert.equal(await theirs.next(), { code: 4002, reason: 'ours' });
    assert.equal(await ours.hear(), { kind: 'close', code: 4001, reason: 'theirs' });
  });

  check('we close, and still read what ws had sent', async ({ ours, theirs }) => {
    theirs.socket.send('before');
    await theirs.socket.send('and before');
    await ours.close();
    assert.is(await ours.hearText(), 'before');
    assert.is(await ours.hearText(), 'and before');
    assert.equal(await ours.hear(), { kind: 'close', code: 1000, reason: '' });
  });

  check('ws is terminated in the middle of a message: our read fails', async ({ ours, theirs }) => {
    theirs.socket.send('whole');
    theirs.socket.send('half', { fin: false }, () => theirs.socket.terminate());
    assert.is(await ours.hearText(), 'whole');
    const heard = await ours.hear();
    assert.ok(heard.kind === 'failed' && [E_HANDLE_EOF, E_NETNAME_DELETED].includes(heard.hr as never));
    assert.ok(FAILED(ours.writeNow('to nobody').hr));
  });

  check('we end TCP: ws is told 1006, behind what we had sent', async ({ ours, theirs }) => {
    await ours.write('last words');
    ours.closeTcpConnection();
    assert.is(await theirs.nextText(), 'last words');
    assert.equal(await theirs.next(), { code: 1006, reason: '' });
  });

  check('we are torn down with a large message under way: ws is told 1006', async ({ ours, theirs }) => {
    theirs.socket.pause();
    const written = ours.write(Buffer.alloc(20 * MI));
    ours.cleanupStoredContext();
    assert.ok(FAILED((await written).hr));
    theirs.socket.resume();
    assert.equal(await theirs.next(), { code: 1006, reason: '' });
  });
}

test.run();
