/** `inspect`: captures and HARs as tables and as JSON, whole, cut and broken. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Frames } from '../../src/cli/frames.ts';
import { write } from '../../src/cli/terminal.ts';
import { Codec } from '../../src/codec/index.ts';
import { run } from '../support/command.ts';
import { closePayload, pattern } from '../support/peer.ts';
import { Random } from '../support/random.ts';
import { writeFrame } from '../support/wire.ts';

const test = suite('cli: inspect');
const folder = mkdtempSync(join(tmpdir(), 'websocket-context-'));
test.after(() => rmSync(folder, { recursive: true }));

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const text = (words: string) => Buffer.from(words);

function file(content: string | Uint8Array): string {
  const path = join(folder, 'capture');
  writeFileSync(path, content);
  return path;
}

const CAPTURE = Buffer.concat([
  writeFrame({ opcode: 1, final: true, data: text('Hello'), key: KEY }),
  writeFrame({ opcode: 9, final: true, data: text('are you there'), key: KEY }),
  writeFrame({ opcode: 1, final: false, data: text('in '), key: KEY }),
  writeFrame({ opcode: 0, final: true, data: text('pieces'), key: KEY }),
  writeFrame({ opcode: 2, final: true, data: pattern(70_000), key: KEY }),
  writeFrame({ opcode: 8, final: true, data: closePayload(1000, 'bye'), key: KEY }),
]);

test('each frame is a row: its place, bits, opcode, mask, length and payload', async () => {
  const { code, out, err } = await run(['inspect', file(CAPTURE)]);
  assert.equal([code, err], [0, '']);
  const rows = out
    .toString()
    .split('\n')
    .map(row => row.trim().replace(/ +/g, ' '));
  assert.equal(rows.slice(0, 5), [
    'frame offset fin rsv opcode mask key length payload',
    '1 0 fin text 37fa213d 5 Hello',
    '2 11 fin ping 37fa213d 13 are you there',
    '3 30 text 37fa213d 3 in',
    '4 39 fin continuation 37fa213d 6 pieces',
  ]);
  assert.match(rows[5]!, /^5 51 fin binary 37fa213d 70000 00 1f 3e .*\.\.\.$/);
  assert.is(rows[6], '6 70065 fin close 37fa213d 5 1000 normal closure: bye');
});

test('--json gives an object a line, from a file or the input', async () => {
  for (const ended of [
    await run(['inspect', file(CAPTURE), '--json']),
    await run(['inspect', '-', '--json'], CAPTURE),
  ]) {
    const rows = ended.out
      .toString()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.is(rows.length, 6);
    assert.equal(rows[3], {
      number: 4,
      offset: 39,
      opcode: 'continuation',
      final: true,
      rsv1: false,
      rsv2: false,
      rsv3: false,
      masked: true,
      maskKey: '37fa213d',
      payloadLength: 6,
      cut: false,
      payload: 'pieces',
    });
  }
});

test('frames are the same however the bytes come in chunks', () => {
  const codec = Codec.loadSync();
  const random = new Random(11);
  const read = (cut: () => number) => {
    const frames = new Frames(codec);
    const rows: unknown[] = [];
    for (let at = 0, length = 0; at < CAPTURE.length; at += length) {
      length = cut();
      rows.push(...frames.push(CAPTURE.subarray(at, at + length)));
    }
    assert.is(frames.end(), undefined);
    frames.free();
    return [...rows, frames.left, frames.fault];
  };
  const whole = read(() => CAPTURE.length);
  assert.is(whole.length, 8);
  assert.equal(
    read(() => 1),
    whole,
  );
  for (let round = 0; round < 50; round++)
    assert.equal(
      read(() => 1 + random.below(40)),
      whole,
    );
});

test('the frame that breaks a rule is the last, and the rule is said', async () => {
  const broken: [Uint8Array, RegExp, number][] = [
    [writeFrame({ opcode: 3, final: true, data: text('?'), key: KEY }), /frame 2: FAULT_OPCODE: the opcode/, 3],
    [writeFrame({ opcode: 1, final: true, data: text('not masked') }), /frame 2: FAULT_MASKING/, 3],
    [writeFrame({ opcode: 1, final: true, data: Uint8Array.of(0xff), key: KEY }), /frame 2: FAULT_UTF8/, 3],
    [CAPTURE.subarray(0, 9), /the bytes end inside frame 2/, 3],
    [CAPTURE.subarray(0, 3), /end inside frame 2, after 3 bytes of its header/, 2],
  ];
  const good = CAPTURE.subarray(0, 11);
  for (const [bytes, words, lines] of broken) {
    const { code, out, err } = await run(['inspect', file(Buffer.concat([good, bytes]))]);
    assert.is(code, 1, String(words));
    assert.match(err, words);
    assert.is(out.toString().trimEnd().split('\n').length, lines, out.toString());
  }
  const behind = await run(['inspect', file(Buffer.concat([CAPTURE, good]))]);
  assert.is(behind.code, 1);
  assert.match(behind.err, /11 bytes behind frame 6, the CLOSE/);
});

test('a whole frame whose text breaks at its beginning is not said to be cut', async () => {
  const data = Buffer.alloc(3_000_000, 'a');
  data[5] = 0xff;
  const { code, out, err } = await run(['inspect', file(writeFrame({ opcode: 1, final: true, data, key: KEY }))]);
  assert.is(code, 1);
  assert.match(err, /frame 1: FAULT_UTF8/);
  assert.not.match(out.toString(), /\(cut\)/);
});

test('the messages of a HAR are listed by connection, with their direction', async () => {
  const messages = [
    { type: 'send', time: 1, opcode: 1, data: 'ping?' },
    { type: 'receive', time: 2, opcode: 2, data: Buffer.from([1, 2, 3]).toString('base64') },
    { type: 'error', time: 3, opcode: -1, data: '' },
  ];
  const har = JSON.stringify({
    log: { entries: [{ request: { url: 'wss://host/\u001b[2J' }, _webSocketMessages: messages }] },
  });
  const { code, out } = await run(['inspect', file(`\ufeff${har}`)]);
  const rows = out
    .toString()
    .trim()
    .split('\n')
    .map(row => row.trim().replace(/ +/g, ' '));
  assert.equal(rows, [
    'wss://host/\\u001b[2J',
    'frame offset fin rsv opcode mask key length payload',
    '1 sent fin text 5 ping?',
    '2 received fin binary 3 01 02 03',
  ]);
  assert.is(code, 0);
  assert.equal((await run(['inspect', '-'], har)).out, out);
  const [first] = (await run(['inspect', file(har), '--json'])).out.toString().split('\n');
  const { url, direction, payload, maskKey } = JSON.parse(first!);
  assert.equal([url, direction, payload, maskKey], ['wss://host/\u001b[2J', 'sent', 'ping?', undefined]);
});

test('control characters of a capture or a HAR are shown and not obeyed', async () => {
  const data = text('\u009b2J');
  const [row] = (await run(['inspect', file(writeFrame({ opcode: 1, final: true, data })), '--json'])).out
    .toString()
    .split('\n');
  assert.match(row!, /"\\u009b2J"/);
  assert.is(JSON.parse(row!).payload, '\u009b2J');
  const messages = [{ type: 'receive', time: 1, opcode: 2, data: '\u009b' }];
  const { err } = await run([
    'inspect',
    file(JSON.stringify({ log: { entries: [{ _webSocketMessages: messages }] } })),
  ]);
  assert.match(err, /^websocket-context: “\\u009b” is not base64/);
});

test('the message of a HAR that breaks a rule is listed, and the rule is said', async () => {
  const messages = [
    { type: 'send', time: 1, opcode: 1, data: 'good' },
    { type: 'receive', time: 2, opcode: 3, data: '' },
    { type: 'send', time: 3, opcode: 1, data: 'not looked at' },
  ];
  const har = JSON.stringify({ log: { entries: [{ request: { url: 'ws://x/' }, _webSocketMessages: messages }] } });
  const { code, out, err } = await run(['inspect', file(har)]);
  assert.is(code, 1);
  assert.match(err, /frame 2: FAULT_OPCODE/);
  assert.is(out.toString().trimEnd().split('\n').length, 4);
});

test('a pipe in the place of a file is read as one, from its first byte', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const inspected = run(['inspect', pipe]);
  const [{ out, code }] = await Promise.all([inspected, writeFile(pipe, CAPTURE)]);
  assert.equal([out, code], [(await run(['inspect', file(CAPTURE)])).out, 0]);
});

test('bytes that begin like a byte order mark, and are none, are frames', async () => {
  const { code, err } = await run(['inspect', file(Uint8Array.of(0xef, 0xbb, 0, 0, 0, 0))]);
  assert.is(code, 1);
  assert.match(err, /frame 1: FAULT_RESERVED_BITS/);
});

test('a file that is not there, or is no HAR, is said', async () => {
  const missing = await run(['inspect', join(folder, 'missing')]);
  assert.equal([missing.code, missing.out.length], [1, 0]);
  assert.match(missing.err, /ENOENT/);
  const json = await run(['inspect', file('{}')]);
  assert.is(json.code, 1);
  assert.match(json.err, /holds no WebSocket messages/);
});

test('a reader that goes away ends it', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const writing = write(stream, 'much');
  stream.destroy();
  await writing;
});

test('who waits for a slow reader leaves no listener behind', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const listeners = () => [stream.listenerCount('drain'), stream.listenerCount('close')];
  const before = listeners();
  const writing = write(stream, 'much');
  assert.not.equal(listeners(), before);
  stream.resume();
  await writing;
  assert.equal(listeners(), before);
});

test.run();
