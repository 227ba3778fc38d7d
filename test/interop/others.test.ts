/**
 * Our server with the clients that speak the browser's API (faye-websocket, undici, and Node's own where the Node in use
 * has one), plain and over TLS; and our client with faye-websocket's server.
 */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import Faye from 'faye-websocket';
import { Agent, WebSocket as UndiciWebSocket } from 'undici';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectWebSocket } from '../../src/client.ts';
import { Caller } from '../support/caller.ts';
import { CERTIFICATE } from '../support/certificate.ts';
import { pattern } from '../support/peer.ts';
import { listen, serve, stopAll, stopping } from '../support/serve.ts';

const SIZES = [0, 1, 125, 126, 127, 128, 4096, 16_385, 65_522, 65_535, 65_536, 65_537, 70_000, 5_000_000];
const TEXTS = ['', 'Hello', 'Grüße, мир, שלום, 漢字, 👩‍🚀 ', '\u0000\u007f\u0080\ufffd\uffff\u{10ffff}'];

/** What of the browser's API all of them have. */
interface BrowserLike {
  binaryType: string;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  send(data: unknown): void;
  close(code?: number, reason?: string): void;
}

type Connect = (url: string, protocols: string[]) => BrowserLike;

const CLIENTS: [name: string, secure: boolean, connect: Connect][] = [
  ['faye-websocket', false, (url, protocols) => new Faye.Client(url, protocols)],
  ['faye-websocket', true, (url, protocols) => new Faye.Client(url, protocols, { tls: { ca: CERTIFICATE } })],
  ['undici', false, (url, protocols) => new UndiciWebSocket(url, protocols)],
  [
    'undici',
    true,
    (url, protocols) =>
      new UndiciWebSocket(url, { protocols, dispatcher: new Agent({ connect: { ca: CERTIFICATE } }) }),
  ],
];
if (globalThis.WebSocket) CLIENTS.push(['Node', false, (url, protocols) => new WebSocket(url, protocols)]);
else console.log('skipped: this Node has no WebSocket of its own');

/** Messages and the end, in order, each when it is asked for. */
class Page {
  readonly socket: BrowserLike;
  readonly opened: Promise<unknown>;
  readonly #events: unknown[] = [];
  #wake: (() => void) | undefined;

  constructor(socket: BrowserLike) {
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    const came = (event: unknown) => {
      this.#events.push(event);
      this.#wake?.();
    };
    this.opened = new Promise(resolve => (socket.onopen = resolve));
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) =>
      came(typeof data === 'string' ? data : Buffer.from(data));
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => came({ code, reason });
  }

  async next(): Promise<unknown> {
    while (!this.#events.length) await new Promise<void>(resolve => (this.#wake = resolve));
    return this.#events.shift();
  }
}

/** Both sides send and receive every size and text; then ours answers a fragmented message and pings between. */
async function converse(ours: Caller, page: Page): Promise<void> {
  for (const size of SIZES) {
    const bytes = Buffer.alloc(size, pattern(9973));
    page.socket.send(bytes);
    const heard = await ours.hear();
    assert.ok(heard.kind === 'binary' && heard.data.equals(bytes), `${size} bytes reach us`);
    await ours.write(bytes);
    assert.ok(bytes.equals((await page.next()) as Buffer), `${size} bytes reach the other side`);
  }
  for (const text of TEXTS) {
    page.socket.send(text.repeat(2000));
    assert.is(await ours.hearText(), text.repeat(2000));
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at++) {
      await ours.write(bytes.subarray(at, at + 1), { text: true, final: false });
      if (at % 8 === 0) assert.type(await ours.context.ping(), 'number');
    }
    await ours.write('');
    assert.is(await page.next(), text);
  }
}

const test = suite('others');
test.after.each(stopAll);

for (const [name, secure, connect] of CLIENTS) {
  const who = `${name}, ${secure ? 'wss:' : 'ws:'}`;

  async function pair() {
    let ours!: Caller;
    const served = await serve(context => (ours = new Caller(context)), secure ? 'tls' : 'tcp', { protocols: ['two'] });
    const page = new Page(connect(served.url, ['one', 'two']));
    await page.opened;
    return { ours, page, stop: served.stop };
  }

  test(`${who}: everything sent arrives, whole or in fragments`, async () => {
    const { ours, page, stop } = await pair();
    assert.is(ours.context.protocol, 'two');
    await converse(ours, page);
    await stop();
    assert.is(ours.pending, 0);
  });

  for (const [code, reason] of [
    [1000, ''],
    [3000, 'Grüße'],
    [4999, 'r'.repeat(123)],
  ] as const) {
    test(`${who}: either side closes with ${code}, and reads the other's status`, async () => {
      const one = await pair();
      await one.ours.close(code, reason);
      assert.equal(await one.page.next(), { code, reason });
      assert.is((await one.ours.hear()).kind, 'close');
      await one.stop();

      const other = await pair();
      other.page.socket.close(code, reason);
      assert.equal(await other.ours.hear(), { kind: 'close', code, reason });
      await other.ours.close(code, reason);
      assert.equal(await other.page.next(), { code, reason });
      await other.stop();
    });
  }

  test(`${who}: we end TCP, and the other side is told 1006`, async () => {
    const { ours, page, stop } = await pair();
    ours.closeTcpConnection();
    assert.is(((await page.next()) as { code: number }).code, 1006);
    await stop();
  });
}

test('our client, faye-websocket server: everything sent arrives, and either side closes', async () => {
  const http = createServer();
  const pages: Page[] = [];
  http.on('upgrade', (request, socket, head) => pages.push(new Page(new Faye(request, socket, head, ['two']))));
  await listen(http);
  const sockets = new Set<Socket>();
  http.on('connection', socket => sockets.add(socket));
  const stop = stopping(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => http.close(resolve));
  });
  const url = `ws://localhost:${(http.address() as AddressInfo).port}`;

  const ours = new Caller(await connectWebSocket(url, { protocols: ['two'] }));
  assert.is(ours.context.protocol, 'two');
  await converse(ours, pages[0]!);
  await ours.close(4000, 'ours');
  assert.equal(await pages[0]!.next(), { code: 4000, reason: 'ours' });
  assert.is((await ours.hear()).kind, 'close');

  const other = new Caller(await connectWebSocket(url));
  pages[1]!.socket.close(4001, 'theirs');
  assert.equal(await other.hear(), { kind: 'close', code: 4001, reason: 'theirs' });
  await other.close(4001, 'theirs');
  assert.equal(await pages[1]!.next(), { code: 4001, reason: 'theirs' });

  ours.cleanupStoredContext();
  other.cleanupStoredContext();
  await stop();
  assert.is(ours.pending + other.pending, 0);
});

test.run();
