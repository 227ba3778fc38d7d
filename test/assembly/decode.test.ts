/**
 * The engine against its slow judge: every vector and many thousand seeded conversations, for both builds, fed in every
 * way and placed so that the stream ends at the window's or at memory's last byte.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as abi from '../../assembly/abi.ts';
import { decodeSlowly, type Log, type Options } from '../reference/decoder.ts';
import { findInvalid } from '../reference/utf8.ts';
import { expectCut, feed, feedEveryWay, randomCuts } from '../support/feed.ts';
import { BUILDS, Engine, PLACES } from '../support/module.ts';
import { Random } from '../support/random.ts';
import { talk } from '../support/talk.ts';
import { readLines, show, showPiece, writeFrame } from '../support/wire.ts';
import { CLOSES, CODES, EXAMPLES, HEADERS, LENGTHS, MESSAGES, SIZES, type Vector } from '../vectors/frames.ts';
import { TEXTS, UNFINISHED, VALID } from '../vectors/utf8.ts';

const CONVERSATIONS = 12_000;

const test = suite('decode');
const engines = BUILDS.map(build => new Engine(build));
const CLIENT = { role: 'client' } as const;
const ROLES = ['server', 'client'] as const;

/** Feeds one stream every way to every build in every place. */
function expectEverywhere(stream: Uint8Array, options: Options, expected: Log, title: string): void {
  for (const engine of engines)
    for (const place of PLACES) {
      const random = new Random(6455);
      const name = `${title} (${engine.build}, ${place})`;
      feedEveryWay(() => engine.open(options, place), stream, expected, name, random);
    }
}

function testVectors(section: string, vectors: readonly Vector[]): void {
  test(`${section}: every vector is read as written, however it is cut`, () => {
    for (const [title, options, lines, log] of vectors) {
      const stream = readLines(lines);
      const expected = decodeSlowly(stream, options);
      assert.is(show(expected), log, `the judge on ${title}`);
      expectEverywhere(stream, options, expected, title);
    }
  });
}

testVectors('RFC 6455 §5.7', EXAMPLES);
testVectors('headers', HEADERS);
testVectors('lengths', LENGTHS);
testVectors('message sizes', SIZES);
testVectors('messages', MESSAGES);
testVectors('CLOSE', CLOSES);

/** Feeds one stream at once to every build. */
function expectAtOnce(stream: Uint8Array, options: Options, title: string): void {
  const expected = decodeSlowly(stream, options);
  for (const engine of engines) expectCut(engine.open(options), stream, [], expected, `${title} (${engine.build})`);
}

test('every CLOSE code from 0 to 65,535 is allowed or refused as §7.4 says', () => {
  const judged = (code: number) =>
    decodeSlowly(Uint8Array.of(0x88, 2, code >> 8, code & 255), CLIENT).fault === undefined;
  for (const code of CODES.allowed) assert.ok(judged(code), `${code} may be sent`);
  for (const code of CODES.refused) assert.not.ok(judged(code), `${code} may not be sent`);
  for (let code = 0; code < 65_536; code++) {
    expectAtOnce(Uint8Array.of(0x88, 2, code >> 8, code & 255), CLIENT, `CLOSE ${code}`);
  }
});

test('every pair of first two bytes is judged, for both roles, between messages and inside one', () => {
  const opening = { server: [0x02, 0x80, 0, 0, 0, 0], client: [0x02, 0] };
  const rest = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const role of ROLES)
    for (const before of [[], opening[role]])
      for (let pair = 0; pair < 65_536; pair++) {
        const stream = Uint8Array.of(...before, pair >> 8, pair & 255, ...rest);
        expectAtOnce(stream, { role }, `${before.length ? 'inside a message, ' : ''}pair ${pair} to a ${role}`);
      }
});

test('UTF-8: each text fails at its first bad byte, in one frame and in frames cut everywhere', () => {
  const random = new Random(3629);
  for (const [title, hex, verdict] of TEXTS) {
    const text = hex ? readLines(hex) : new Uint8Array();
    assert.is(findInvalid(text), verdict === UNFINISHED ? text.length : verdict, `the judge on ${title}`);
    for (const role of ROLES)
      for (let cut = 0; cut <= text.length; cut++) {
        const parts = [text.subarray(0, cut), text.subarray(cut)];
        const keys = parts.map(() => (role === 'server' ? random.bytes(4) : undefined));
        const frames = parts.map((data, i) => writeFrame({ opcode: i ? 0 : 1, final: i === 1, data, key: keys[i] }));
        const stream = Buffer.concat(frames);
        const expected = decodeSlowly(stream, { role });
        assert.is(expected.fault === undefined, verdict === VALID, title);
        expectEverywhere(stream, { role }, expected, `${title}, frames cut at ${cut}`);
        const lax = { role, validateUtf8: false };
        expectEverywhere(stream, lax, decodeSlowly(stream, lax), `${title}, not judged`);
      }
  }
});

test('of a short message each byte is judged and unmasked, whether it is a first frame or lies behind another', () => {
  const random = new Random(125);
  const before = 'ahead';
  for (const role of ROLES) {
    const frame = (data: Uint8Array, opcode = 1) =>
      writeFrame({ opcode, data, key: role === 'server' ? random.bytes(4) : undefined });
    for (let length = 0; length <= 127; length++) {
      for (const wrong of [[], [0x80], [0xc3, 0xa9]]) {
        for (let place = 0; place <= length - wrong.length; place++) {
          const data = Uint8Array.from({ length }, () => random.below(0x80));
          data.set(wrong, place);
          const stream = Buffer.concat([frame(data, 2), frame(Buffer.from(before)), frame(data), frame(data)]);
          expectAtOnce(stream, { role }, `${role}, ${length} bytes, ${wrong} at ${place}`);
          if (!wrong.length) break;
        }
      }
    }
  }
});

test('a bad byte is found at every place of a long text', () => {
  const text = Buffer.from('The quick brown fox \u2192 \u043b\u0438\u0441\u0430, \u72d0\u72f8 \u{1f98a}. '.repeat(5));
  const random = new Random(8);
  for (const engine of engines)
    for (let at = 0; at < text.length; at++)
      for (const byte of [0x80, 0xc0, 0xed, 0xff]) {
        const data = Uint8Array.from(text);
        data[at] = byte;
        const stream = writeFrame({ opcode: 1, data, key: random.bytes(4) });
        const expected = decodeSlowly(stream, { role: 'server' });
        for (const cuts of [[], randomCuts(stream.length, random)])
          expectCut(engine.open({ role: 'server' }, random.pick(PLACES)), stream, cuts, expected, `${byte} at ${at}`);
      }
});

test('conversations, whole and mutated, are read as the judge reads them', () => {
  const random = new Random(20_111_212);
  for (let i = 0; i < CONVERSATIONS; i++) {
    const { stream, options } = talk(random);
    const expected = decodeSlowly(stream, options);
    for (const engine of engines)
      for (const cuts of [[], randomCuts(stream.length, random), randomCuts(stream.length, random)])
        expectCut(engine.open(options, random.pick(PLACES)), stream, cuts, expected, `conversation ${i}`);
  }
});

test('one call answers every frame of a chunk, empty ones too', () => {
  const stream = readLines([
    '0 000 0010 | 0 0000000',
    '0 000 0000 | 0 0000001 | 61',
    '1 000 1001 | 0 0000000',
    '1 000 0000 | 0 0000000',
  ]);
  for (const engine of engines) {
    engine.open(CLIENT);
    assert.is(engine.decodeOnce(stream), 4);
  }
});

test('an empty frame is one empty piece however it is cut, and a header without its payload is none', () => {
  const frames = [
    '0 000 0001 | 0 0000000',
    '0 000 0000 | 0 0000010 | 61 62',
    '1 000 1010 | 0 0000000',
    '1 000 0000 | 0 0000000',
  ];
  for (const engine of engines) {
    const take = engine.open(CLIENT);
    const pieces = Array.from(readLines(frames), byte => take(Uint8Array.of(byte)).pieces.map(showPiece));
    assert.equal(pieces, [[], ['text ""+'], [], [], ['text "a"+'], ['text "b"+'], [], ['pong ""'], [], ['text ""']]);
  }
});

test('a piece of text that is all ASCII says so, and none that is not', () => {
  for (const engine of engines)
    for (const role of ROLES)
      for (const [text, ascii] of [
        ['', true],
        ['Hello', true],
        ['x'.repeat(300), true],
        ['Hell\u00f6', false],
        [`${'x'.repeat(300)}\u00f6`, false],
      ] as const) {
        const key = role === 'server' ? Uint8Array.of(0x81, 0x92, 0xa3, 0xb4) : undefined;
        const stream = writeFrame({ opcode: 1, data: Buffer.from(text), key });
        engine.open({ role })(stream);
        assert.is((engine.flags(0) & abi.FLAG_ASCII) !== 0, ascii, `${text} to a ${role}`);
      }
});

test('more frames than the table holds are answered in several calls', () => {
  for (const frames of [
    abi.FRAGMENTS_MOST - 1,
    abi.FRAGMENTS_MOST,
    abi.FRAGMENTS_MOST + 1,
    3 * abi.FRAGMENTS_MOST + 5,
  ]) {
    const stream = Buffer.alloc(frames * 3, Uint8Array.of(0x81, 1, 0x61));
    const faulty = Buffer.concat([stream, Uint8Array.of(0x83, 0)]);
    assert.is(decodeSlowly(stream, CLIENT).pieces.length, frames);
    for (const engine of engines) {
      engine.open(CLIENT);
      assert.is(engine.decodeOnce(stream), Math.min(frames, abi.FRAGMENTS_MOST));
    }
    expectAtOnce(stream, CLIENT, `${frames} frames`);
    expectAtOnce(faulty, CLIENT, `${frames} frames and a fault`);
  }
});

test('a window full of the smallest frames is read to its end', () => {
  for (const smallest of [Uint8Array.of(0x89, 0), Uint8Array.of(0x02, 0, 0x80, 0)])
    expectAtOnce(Buffer.alloc(abi.WINDOW_SIZE, smallest), CLIENT, 'a full window');
});

test('decoders whose chunks take turns in the window do not disturb each other', () => {
  const random = new Random(42);
  for (const engine of engines)
    for (let i = 0; i < 300; i++) {
      const streams = [talk(random), talk(random), talk(random)].map(({ stream, options }, index) => {
        const take = engine.open(options, random.pick(PLACES), index);
        return {
          stream,
          take,
          expected: decodeSlowly(stream, options),
          log: { pieces: [], fault: undefined } as Log,
          at: 0,
        };
      });
      for (let open = streams; open.length; open = open.filter(s => s.at < s.stream.length && !s.log.fault)) {
        const turn = random.pick(open);
        const end = Math.min(turn.stream.length, turn.at + 1 + random.below(40));
        const { pieces, fault } = turn.take(turn.stream.subarray(turn.at, end));
        for (const piece of pieces) turn.log.pieces.push(piece);
        turn.log.fault = fault;
        turn.at = end;
      }
      for (const { stream, log, expected } of streams) expectCut(() => log, stream, [], expected, `conversation ${i}`);
    }
});

test('a fault stays the answer, and after CLOSE nothing is', () => {
  for (const engine of engines) {
    const faulty = engine.open(CLIENT);
    const first = feed(faulty, Uint8Array.of(0x81, 1, 0x61, 0x83, 0x00), []);
    assert.is(show(first), 'text "a", FAULT_OPCODE at 3');
    assert.is(faulty(Uint8Array.of(0x81, 1, 0x61)).fault?.name, 'FAULT_OPCODE');
    const closed = engine.open(CLIENT);
    assert.is(show(feed(closed, Uint8Array.of(0x88, 0, 0xff), [])), 'close ""');
    assert.is(show(feed(closed, new Uint8Array(1000).fill(0xff), [500])), '');
  }
});

test('nothing is written but the chunk, the room in front of it, the record, the table and the cells', () => {
  const random = new Random(77);
  for (const engine of engines)
    for (let i = 0; i < 40; i++) {
      const { stream, options } = talk(random);
      const start = abi.WINDOW + 4096;
      const own: readonly (readonly [number, number])[] = [
        [abi.NEXT, abi.NEXT + 4],
        [abi.FRAGMENTS, abi.FRAGMENTS + abi.FRAGMENTS_MOST * abi.FRAGMENT_SIZE],
        [start - abi.WINDOW_ROOM, start + stream.length],
        [abi.RECORDS, abi.RECORDS + abi.RECORD_SIZE],
      ];
      engine.open(options);
      engine.bytes.fill(0xa5, start - 1024, start + stream.length + 1024);
      engine.bytes.set(stream, start);
      const before = engine.bytes.slice();
      engine.exports.decode(abi.RECORDS, start, start + stream.length);
      const after = engine.bytes.slice();
      for (const [low, high] of own) after.set(before.subarray(low, high), low);
      assert.is(Buffer.compare(before, after), 0, `conversation ${i}`);
    }
});

test.run();
