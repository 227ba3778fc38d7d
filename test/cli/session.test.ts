/** `connect` by hand: a person at a terminal, played by streams. */
import { PassThrough } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Session } from '../../src/cli/session.ts';
import { printable, styled } from '../../src/cli/terminal.ts';
import { WebSocketConnection } from '../../src/index.ts';
import { leaveNothing, open } from '../support/pair.ts';

const test = suite('cli: a session by hand');
test.after.each(leaveNothing);

const OPTIONS = { binary: false, execute: undefined, wait: 0, ping: 0 };

function begin() {
  const { context, peer } = open('client');
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()] as const;
  const connection = new WebSocketConnection(context.context);
  const running = new Session(connection, context.context, { stdin, stdout, stderr }, true, OPTIONS).run();
  let screen = '';
  let wake = () => {};
  stdout.on('data', chunk => {
    screen += chunk;
    wake();
  });
  /** Resolves when the screen shows this, behind what was seen before. */
  const shows = async (text: string): Promise<void> => {
    while (!screen.includes(text)) await new Promise<void>(resolve => (wake = resolve));
    screen = screen.slice(screen.indexOf(text) + text.length);
  };
  return { peer, running, type: (keys: string) => stdin.write(keys), shows };
}

test('what is typed is sent, and what comes is shown above the line that is being typed', async () => {
  const { peer, running, type, shows } = begin();
  await shows('connected; /help for commands');
  type('hello\r');
  assert.is(await peer.next(), 'text "hello"');
  type('half a li');
  await shows('half a li');
  peer.text('meanwhile');
  await shows('< meanwhile\n');
  await shows('> half a li');
  type('ne\r');
  assert.is(await peer.next(), 'text "half a line"');
  peer.binary(Uint8Array.of(1, 254));
  await shows('< 2 bytes: 01 fe\n');
  type('\u0003');
  assert.is(await peer.next(), 'close 1000');
  peer.close(1000);
  await running;
});

test('the commands do what /help says, Tab completes them, and what is none is not sent', async () => {
  const { peer, running, type, shows } = begin();
  type('/help\r');
  for (const command of ['/ping', '/binary', '/close', '/stats', '/help']) await shows(`${command} `);
  type('/pi\t');
  await shows('/ping');
  type('\r');
  const ping = await peer.receive();
  assert.is(ping!.opcode, 9);
  peer.send({ opcode: 10, data: ping!.data });
  await shows('pong after ');
  type('/binary 01 02ff\r');
  assert.equal([...(await peer.receive())!.data], [1, 2, 255]);
  type('/binary 0\r');
  await shows('pairs of hexadecimal digits');
  type('/stats\r');
  await shows('"bytesSent": 3');
  type('/frobnicate\r');
  await shows('there is no command /frobnicate; to send it as a message, begin with //');
  type(' /as a message\r');
  assert.is(await peer.next(), 'text " /as a message"');
  type('//help me\r');
  assert.is(await peer.next(), 'text "/help me"');
  type('/close 99\r');
  await shows('code must be one that may stand');
  type('/close 4000 so long\r');
  assert.is(await peer.next(), 'close 4000 so long');
  peer.close(4000);
  await running;
});

test('what comes after Ctrl+C and before the CLOSE is shown', async () => {
  const { peer, running, type, shows } = begin();
  type('/ping\r');
  const ping = await peer.receive();
  type('\u0003');
  assert.is(await peer.next(), 'close 1000');
  peer.send({ opcode: 10, data: ping!.data });
  await shows('pong after ');
  peer.text('one');
  peer.text('two');
  peer.close(1000);
  await shows('< one\n');
  await shows('< two\n');
  await running;
});

test('an arrow brings back the line before', async () => {
  const { peer, running, type, shows } = begin();
  type('again\r');
  assert.is(await peer.next(), 'text "again"');
  type('\u001b[A');
  await shows('again');
  type('\r');
  assert.is(await peer.next(), 'text "again"');
  peer.close(1000);
  await running;
});

test('control characters of the peer are shown and not obeyed', async () => {
  assert.is(printable('a\u001b[2Jb\u0007\u009b\u202e'), 'a\\u001b[2Jb\\u0007\\u009b\\u202e');
  assert.is(printable('zażółć 🚀\tand\nmore'), 'zażółć 🚀\tand\nmore');
  const { peer, running, shows } = begin();
  peer.text('\u001b]0;title\u0007');
  await shows('< \\u001b]0;title\\u0007\n');
  peer.close(1000);
  await running;
});

test('colours are for terminals that have them', () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  assert.is(styled(stream, 'red', 'text'), 'text');
  Object.assign(stream, { isTTY: true, hasColors: () => false });
  assert.is(styled(stream, 'red', 'text'), 'text');
  Object.assign(stream, { hasColors: () => true });
  assert.match(styled(stream, 'red', 'text'), /text./);
});

test.run();
