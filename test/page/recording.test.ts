/** Recordings without a browser: where frames lie, whose they are, and where reading ended, against the slow judge. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Codec } from '../../src/codec/index.ts';
import { frameOf, readHar, readText } from '../../src/page/input.ts';
import { Recording } from '../../src/page/recording.ts';
import { decodeSlowly } from '../reference/decoder.ts';
import { Random } from '../support/random.ts';
import { readLines, writeFrame } from '../support/wire.ts';
import { CLOSES, EXAMPLES, HEADERS, LENGTHS, MESSAGES } from '../vectors/frames.ts';

const codec = Codec.loadSync();
const test = suite('recording');

test('faults lie where the judge finds them, however the bytes came, and in the last frame', () => {
  for (const [title, options, lines] of [...EXAMPLES, ...HEADERS, ...LENGTHS, ...MESSAGES, ...CLOSES]) {
    if (options.validateUtf8 === false) continue;
    const stream = readLines(lines);
    const { fault } = decodeSlowly(stream, options);
    for (const step of [1, 7, stream.length]) {
      const recording = new Recording(codec, [options.role]);
      for (let at = 0; at < stream.length; at += step) recording.append(stream.subarray(at, at + step), options.role);
      const found = recording.fault;
      assert.is(found?.name, fault?.name, `${title}, in ${step}s`);
      assert.is(found?.offset, fault?.offset, `${title}, in ${step}s`);
      if (!found) continue;
      assert.is(found.frame, recording.frames - 1, title);
      const { offset, head, size } = recording.frame(found.frame);
      assert.ok(found.offset >= offset && found.offset < offset + head.length + Math.max(size, 1), title);
    }
  }
});

test('a fault is in the frame that began in an earlier chunk, not in the next', () => {
  const data = new Uint8Array(300).fill(0x61);
  data[200] = 0xff;
  const stream = Buffer.concat([writeFrame({ opcode: 1, data }), writeFrame({ opcode: 2, data })]);
  for (const step of [100, 204, stream.length]) {
    const recording = new Recording(codec, ['client']);
    for (let at = 0; at < stream.length; at += step) recording.append(stream.subarray(at, at + step), 'client');
    assert.is(recording.fault?.offset, 204);
    assert.is(recording.fault?.frame, 0, `in chunks of ${step}`);
    assert.is(recording.frames, 1);
  }
});

test('a recording that is freed is still shown, and its codec has room for the next', () => {
  for (let i = 0; i < 1100; i++) {
    const recording = new Recording(codec, ['server', 'client']);
    recording.append(readLines('1 000 1001 | 0 0000000'), 'client');
    recording.free();
    assert.is(recording.rows(0, 1)[0]!.header!.opcode, 9);
  }
});

test('every row of a long stream is found again from any place', () => {
  const random = new Random(6455);
  const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
  const texts = Array.from({ length: 1000 }, (_, i) => `${i} ${'.'.repeat(random.below(200))}`);
  const recording = new Recording(codec, ['server']);
  for (const text of texts) {
    const data = new TextEncoder().encode(text);
    const half = random.below(data.length);
    recording.append(writeFrame({ opcode: 1, final: false, data: data.subarray(0, half), key }), 'server');
    recording.append(writeFrame({ opcode: 0, data: data.subarray(half), key }), 'server');
  }
  assert.is(recording.frames, 2000);
  assert.is(recording.messages, 1000);
  for (let i = 0; i < 200; i++) {
    const from = random.below(2000);
    for (const row of recording.rows(from, 3)) {
      const whole = texts[row.index >> 1]!;
      assert.is(row.message, 1, 'a continuation knows its message');
      assert.is(row.header!.opcode, row.index % 2 ? 0 : 1);
      if (row.index % 2 === 0) assert.ok(whole.startsWith(row.preview), row.preview);
      else assert.ok(whole.endsWith(recording.frame(row.index).text));
    }
  }
  assert.is(recording.rows(1998, 10).length, 2);
  assert.equal(recording.rows(2000, 10), []);
});

test('a long payload is shown from any place on, unmasked by the right byte of the key', () => {
  const data = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  const recording = new Recording(codec, ['server']);
  recording.append(writeFrame({ opcode: 2, data, key: Uint8Array.of(1, 2, 3, 4) }), 'server');
  for (const from of [0, 1, 255, 1022, 4999]) {
    const { plain, size } = recording.frame(0, from);
    assert.is(size, 5000);
    assert.equal(plain, data.slice(from, from + plain.length));
  }
});

test('what is not all here is shown as far as it goes', () => {
  const recording = new Recording(codec, ['client']);
  recording.append(readLines('1 000 0001 | 0 0000101 | 48 65'), 'client');
  assert.is(recording.frames, 1);
  assert.is(recording.frame(0).size, 2);
  assert.is(recording.messages, 0);
  recording.append(readLines('6c 6c 6f | 1 000 0010'), 'client');
  assert.is(recording.frames, 2);
  assert.is(recording.frame(0).text, 'Hello');
  assert.is(recording.frame(1).header, undefined);
  assert.equal(Array.from(recording.frame(1).head), [0x82]);
});

test('what follows CLOSE is not looked at', () => {
  const recording = new Recording(codec, ['client']);
  recording.append(readLines('1 000 1000 | 0 0000010 | 03 e8 | 1 111 1111 | ff ff'), 'client');
  assert.is(recording.frames, 1);
  assert.is(recording.stop, 4);
  assert.is(recording.rows(0, 1)[0]!.preview, '1000 normal closure');
});

test('in a conversation each direction has its own messages and its own CLOSE', () => {
  const recording = new Recording(codec, ['server', 'client']);
  recording.append(readLines('0 000 0001 | 1 0000001 | 00 00 00 00 | 61'), 'server');
  recording.append(readLines('1 000 0010 | 0 0000001 | 62'), 'client');
  recording.append(readLines('1 000 1000 | 0 0000000'), 'client');
  recording.append(readLines('1 000 0000 | 1 0000001 | 00 00 00 00 | 63'), 'server');
  assert.equal(
    recording.rows(0, 9).map(({ message }) => message),
    [1, 2, 8, 1],
  );
  assert.is(recording.fault, undefined);
  assert.is(recording.stop, undefined);
});

test('hex is read with or without what people put between, base64 in both alphabets', () => {
  const hello = Uint8Array.of(0x81, 0x85);
  for (const text of ['8185', '81 85', '0x81, 0x85', '81:85', ' 81\n85 ', 'gYU=', 'gYU'])
    assert.equal(readText(text, 'guess'), hello, text);
  assert.equal(readText('-_-_', 'base64'), Uint8Array.of(0xfb, 0xff, 0xbf));
  assert.equal(readText('abcd', 'base64'), Uint8Array.of(0x69, 0xb7, 0x1d));
  assert.throws(() => readText(' ', 'guess'), /nothing to read/);
  assert.throws(() => readText('818', 'guess'), /one is missing/);
  assert.throws(() => readText('81 8g', 'hex'), /“g” is not a hexadecimal digit/);
  assert.throws(() => readText('81 8?', 'guess'), /“\?” is neither hex nor base64/);
});

test('a HAR without WebSocket messages is refused, and what is no message is left out', () => {
  assert.throws(() => readHar('{"log":{"entries":[{}]}}'), /no WebSocket messages/);
  assert.throws(() => readHar('{"log":'), /not JSON/);
  assert.is(frameOf(codec, { type: 'error', opcode: -1, data: 'x' }), undefined);
  for (const message of [null, {}, { type: 'send' }, { type: 'send', opcode: 1, data: 5 }])
    assert.is(frameOf(codec, message), undefined, JSON.stringify(message));
  for (const opcode of [1, 2])
    assert.equal(Array.from(frameOf(codec, { type: 'receive', opcode })!.bytes), [0x80 | opcode, 0]);
  const frame = frameOf(codec, { type: 'receive', opcode: 2, data: 'YWI=' })!;
  assert.is(frame.role, 'client');
  assert.equal(Array.from(frame.bytes), [0x82, 2, 0x61, 0x62]);
});

test.run();
