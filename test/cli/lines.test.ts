/** `connect` in a pipe, played by streams: lines, however the input's bytes come, and an output that is slow. */
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { linesOf } from '../../src/cli/lines.ts';
import { type Options, Session } from '../../src/cli/session.ts';
import { WebSocketConnection } from '../../src/index.ts';
import { Clock } from '../support/clock.ts';
import { leaveNothing, open, turns } from '../support/pair.ts';

const test = suite('cli: a session by lines');
test.after.each(leaveNothing);

const clock = new Clock();
test.before(() => clock.install());

const OPTIONS: Options = { binary: false, execute: undefined, wait: 0, ping: 0 };
const MEGABYTE = new Uint8Array(1 << 20);

function begin(changes: Partial<Options> = {}, isTTY = false) {
  const { context, peer, near } = open('client');
  const [stdin, stdout, stderr] = [
    new PassThrough(),
    new PassThrough({ highWaterMark: 1 }),
    new PassThrough(),
  ] as const;
  const streams = { stdin, stdout: Object.assign(stdout, { isTTY }), stderr };
  const connection = new WebSocketConnection(context.context);
  const running = new Session(connection, context.context, streams, false, { ...OPTIONS, ...changes }).run();
  return { peer, near, running, stdin, stdout };
}

async function read(chunks: Iterable<Uint8Array>, asText = false): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(Readable.from(chunks), asText)) lines.push(Buffer.from(line).toString('latin1'));
  return lines;
}

function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: Error) => error.message,
  );
}

test('a line ends with LF or CR LF, however they come in chunks, and holds every other byte', async () => {
  const input = Buffer.from('one\ntwo\r\n\n\xe2\x80\xa8\r\x85 \r\r\n\xff\xfe\0\nlast\r', 'latin1');
  const lines = ['one', 'two', '', '\xe2\x80\xa8\r\x85 \r', '\xff\xfe\0', 'last\r'];
  for (let cut = 0; cut <= input.length; cut++)
    assert.equal(await read([input.subarray(0, cut), input.subarray(cut)]), lines, `cut at ${cut}`);
  assert.equal(await read(Array.from(input, byte => Uint8Array.of(byte))), lines);
  assert.equal(await read([]), []);
  assert.equal(await read([Buffer.from('\n')]), ['']);
});

test('a line that is to be text and is no UTF-8 is named, and those before it are lines', async () => {
  const input = Buffer.from('zażółć\n');
  assert.equal(await read([input.subarray(0, 3), input.subarray(3)], true), [input.toString('latin1', 0, 10)]);
  const lines = linesOf(Readable.from([input, Uint8Array.of(0xff, 0x0a)]), true);
  assert.ok((await lines.next()).value);
  assert.match(await failure(lines.next()), /^line 2 of the input is not UTF-8; with --binary/);
});

test('a line without an end is refused before it fills the memory', async () => {
  let chunks = 0;
  function* endless() {
    for (;;) {
      chunks++;
      yield MEGABYTE;
    }
  }
  assert.is(await failure(read(endless())), 'line 1 of the input is longer than 16 MiB');
  assert.ok(chunks < 40, `${chunks} MiB were read`);
  const [longest] = await read([...Array(16).fill(MEGABYTE), Buffer.from('\n')]);
  assert.is(longest!.length, 16 << 20);
});

test('lines are text messages, or with --binary binary ones, byte for byte', async () => {
  const input = Buffer.from('a\u2028b\n\n\ufeffc\r\nend');
  const { peer, running, stdin } = begin();
  stdin.end(input);
  for (const line of ['text "a\u2028b"', 'text', 'text "\ufeffc"', 'text "end"', 'close 1000'])
    assert.is(await peer.next(), line);
  peer.close(1000);
  await running;

  const binary = begin({ binary: true });
  binary.stdin.end(Uint8Array.of(0xff, 0x0a, 0xe2, 0x80, 0xa8, 0x0d));
  for (const bytes of [[0xff], [0xe2, 0x80, 0xa8, 0x0d]]) {
    const { opcode, data } = (await binary.peer.receive())!;
    assert.equal([opcode, ...data], [2, ...bytes]);
  }
  binary.peer.close(1000);
  await binary.running;
});

test('the input is not read while the server does not read', async () => {
  const { peer, near, running, stdin } = begin({ binary: true });
  near.hold();
  const line = Buffer.from(`${'x'.repeat(65_535)}\n`);
  for (let count = 0; count < 30; count++) stdin.write(line);
  await turns();
  assert.ok(stdin.writableLength > line.length);
  const drained = once(stdin, 'drain');
  near.release();
  for (let count = 0; count < 30; count++) assert.is((await peer.receive())!.data.length, line.length - 1);
  await drained;
  stdin.end();
  peer.close(1000);
  await running;
});

test('what comes before the CLOSE is printed to the last message, however slow who reads it is', async () => {
  const { peer, running, stdin, stdout } = begin();
  const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
  for (const message of messages) peer.text(message);
  stdin.end();
  assert.is(await peer.next(), 'close 1000');
  peer.close(1000);
  await turns();
  const printed = text(stdout);
  await running;
  stdout.end();
  assert.is(await printed, `${messages.join('\n')}\n`);
});

test('a CLOSE that is not answered ends as a failure', async () => {
  const { peer, running, stdin } = begin();
  stdin.end();
  assert.is(await peer.next(), 'close 1000');
  const ended = failure(running);
  await clock.pass(10_000);
  assert.is(await ended, 'the connection was not closed in time');
});

test('an input that cannot be sent closes the connection, prints what came, and is a failure', async () => {
  const { peer, running, stdin, stdout } = begin();
  stdin.write('good\n');
  assert.is(await peer.next(), 'text "good"');
  stdin.write(Uint8Array.of(0xff, 0x0a));
  assert.is(await peer.next(), 'close 1000');
  const printed = text(stdout);
  peer.text('answer');
  peer.close(1000);
  assert.match(await failure(running), /^line 2 of the input is not UTF-8/);
  stdout.end();
  assert.is(await printed, 'answer\n');
});

test('only what is no terminal is given raw what a server sends', async () => {
  for (const [isTTY, expected] of [
    [false, '\u001b[2J\n\u001bc'],
    [true, '\\u001b[2J\n1b 63\n'],
  ] as const) {
    const { peer, running, stdout } = begin({ binary: true }, isTTY);
    const printed = text(stdout);
    peer.text('\u001b[2J');
    peer.binary(Uint8Array.of(0x1b, 0x63));
    peer.close(1000);
    await running;
    stdout.end();
    assert.is(await printed, expected);
  }
});

test.run();
