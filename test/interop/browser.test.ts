/** Our server with Chromium, plain and over TLS: what the page sends comes back, and each reads the other's status. */
import * as assert from 'uvu/assert';
import { echo } from '../../src/cli/echo.ts';
import { browserSuite } from '../support/browser.ts';
import { Caller } from '../support/caller.ts';
import { serve, stopAll } from '../support/serve.ts';

const SIZES = [0, 1, 125, 126, 127, 4096, 65_535, 65_536, 131_071, 1_000_000, 20_000_000];
const TEXTS = ['', 'Hello', 'Grüße, мир, שלום, 漢字, 👩‍🚀', '\u0000\u007f\u0080\ufffd\uffff\u{10ffff}'];

const test = browserSuite('a browser', (_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>blank</title>'),
);
test.after.each(stopAll);

/** Runs in the page: sends everything at once, and returns what came back otherwise than it went. */
async function sendAll([url, sizes, texts]: [string, number[], string[]]): Promise<string[]> {
  const socket = new WebSocket(url, ['other', 'echo']);
  socket.binaryType = 'arraybuffer';
  const sent: (string | Uint8Array)[] = [];
  for (const size of sizes) sent.push(Uint8Array.from({ length: size }, (_, i) => i * 31 + (i >> 9)));
  for (const text of texts) sent.push(text, text.repeat(3000));
  const came: (string | Uint8Array)[] = [];
  await new Promise(resolve => {
    socket.onopen = () => {
      for (const message of sent) socket.send(message as string);
    };
    socket.onmessage = ({ data }) => {
      came.push(typeof data === 'string' ? data : new Uint8Array(data));
      if (came.length === sent.length) socket.close(3000, 'bye');
    };
    socket.onclose = resolve;
  });
  const differ = sent.filter((message, i) => {
    const back = came[i]!;
    if (typeof message === 'string') return message !== back;
    return message.length !== back.length || message.some((byte, at) => byte !== back[at]);
  });
  return [socket.protocol, `${came.length} of ${sent.length}`, ...differ.map(({ length }) => `differs: ${length}`)];
}

/** Runs in the page: closes when told to, and returns how the connection ended. */
async function end([url, code, reason]: [string, number, string]): Promise<unknown> {
  const socket = new WebSocket(url);
  return new Promise(resolve => {
    if (code) socket.onopen = () => socket.close(code, reason);
    socket.onclose = event => resolve({ code: event.code, reason: event.reason, clean: event.wasClean });
  });
}

for (const carrier of ['tcp', 'tls'] as const) {
  const scheme = carrier === 'tls' ? 'wss:' : 'ws:';

  test(`${scheme} messages of every size and script come back`, async ({ open }) => {
    const page = await open({ ignoreHTTPSErrors: true });
    const served = await serve(echo, carrier, { origin: '*', protocols: ['echo'] });
    const told = await page.evaluate(sendAll, [served.url, SIZES, TEXTS] as [string, number[], string[]]);
    const count = SIZES.length + 2 * TEXTS.length;
    assert.equal(told, ['echo', `${count} of ${count}`]);
    await served.stop();
  });

  test(`${scheme} either side closes, or both, and each reads the status`, async ({ open }) => {
    const page = await open({ ignoreHTTPSErrors: true });
    let accept!: (caller: Caller) => void;
    const served = await serve(context => accept(new Caller(context)), carrier, { origin: '*' });
    const next = () => new Promise<Caller>(resolve => (accept = resolve));

    let accepted = next();
    let ended = page.evaluate(end, [served.url, 4000, 'Grüße'] as [string, number, string]);
    let ours = await accepted;
    assert.equal(await ours.hear(), { kind: 'close', code: 4000, reason: 'Grüße' });
    await ours.close(4000, 'Grüße');
    assert.equal(await ended, { code: 4000, reason: 'Grüße', clean: true });

    accepted = next();
    ended = page.evaluate(end, [served.url, 0, ''] as [string, number, string]);
    ours = await accepted;
    assert.type(await ours.context.ping(), 'number');
    await ours.close(1001, 'going');
    assert.equal(await ended, { code: 1001, reason: 'going', clean: true });
    assert.equal(await ours.hear(), { kind: 'close', code: 1001, reason: 'going' });

    accepted = next();
    ended = page.evaluate(end, [served.url, 0, ''] as [string, number, string]);
    (await accepted).closeTcpConnection();
    assert.equal(await ended, { code: 1006, reason: '', clean: false });
    await served.stop();
  });
}

test.run();
