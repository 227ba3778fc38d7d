/** The codec's decoder as its users meet it: an iterable of fragments, one at a time, ended by breaking out of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WINDOW_SIZE } from '../../assembly/abi.ts';
import { Codec, type Decoder, type DecoderOptions, type Fragment, ProtocolFault } from '../../src/codec/index.ts';
import { decodeSlowly, type Log } from '../reference/decoder.ts';
import { expectCut, type Feed, feedEveryWay, randomCuts } from '../support/feed.ts';
import { Random } from '../support/random.ts';
import { talk } from '../support/talk.ts';
import { throwsA } from '../support/throws.ts';
import { shrinkable, transfer } from '../support/transferred.ts';
import { readLines, writeFrame } from '../support/wire.ts';
import { CLOSES, EXAMPLES, HEADERS, LENGTHS, MESSAGES, SIZES } from '../vectors/frames.ts';

const DECODERS_MOST = 1024;
const HELLO = writeFrame({ opcode: 1, data: Buffer.from('Hello') });
const CLIENT = { role: 'client' } as const;

const test = suite('decoder');
const codec = Codec.loadSync();

let last: Decoder | undefined;

/** Opens a decoder for test/support/feed.ts, and frees the one that was opened so before. */
function open(options: DecoderOptions): Feed {
  last?.free();
  const decoder = (last = codec.decoder(options));
  return chunk => {
    const log: Log = { pieces: [], fault: undefined };
    try {
      for (const { opcode, final, data } of decoder.decode(chunk))
        log.pieces.push({ opcode, final, data: data.slice() });
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error;
      log.fault = { name: error.fault, offset: error.offset };
    }
    return log;
  };
}

/** Decodes one chunk and keeps copies. */
function decodeAll(decoder: Decoder, chunk: Uint8Array): string[] {
  return Array.from(decoder.decode(chunk), ({ data }) => Buffer.from(data).toString());
}

/** Begins an iteration and takes its first fragment. */
function begin(decoder: Decoder, chunk: Uint8Array): Iterator<Fragment> {
  const iterator = decoder.decode(chunk)[Symbol.iterator]();
  assert.not.ok(iterator.next().done);
  return iterator;
}

test('every vector is read as written, however it is cut', () => {
  const random = new Random(1);
  for (const [title, options, lines] of [EXAMPLES, HEADERS, LENGTHS, SIZES, MESSAGES, CLOSES].flat()) {
    const stream = readLines(lines);
    const expected = decodeSlowly(stream, options);
    if (stream.length < 1000) feedEveryWay(() => open(options), stream, expected, title, random);
    else
      for (const cuts of [[], randomCuts(stream.length, random)])
        expectCut(open(options), stream, cuts, expected, title);
  }
});

test('conversations are read as the judge reads them', () => {
  const random = new Random(2);
  for (let i = 0; i < 2000; i++) {
    const { stream, options } = talk(random);
    expectCut(
      open(options),
      stream,
      randomCuts(stream.length, random),
      decodeSlowly(stream, options),
      `conversation ${i}`,
    );
  }
});

test('a chunk may be longer than the window, and is left as it was', () => {
  const random = new Random(3);
  const data = random.bytes(2 * WINDOW_SIZE + 77);
  const chunk = Buffer.concat([
    HELLO,
    writeFrame({ opcode: 2, data }),
    HELLO,
    Buffer.alloc(WINDOW_SIZE, HELLO).subarray(0, HELLO.length * 30_000),
  ]);
  const before = Uint8Array.from(chunk);
  expectCut(open(CLIENT), chunk, [], decodeSlowly(chunk, CLIENT), 'a long chunk');
  assert.is(Buffer.compare(chunk, before), 0);
});

test('a chunk that is transferred while it is decoded is told of', () => {
  const data = new Uint8Array(2 * WINDOW_SIZE);
  const chunk = Uint8Array.from(writeFrame({ opcode: 2, data }));
  const decoding = codec.decoder(CLIENT).decode(chunk);
  assert.ok(decoding.next().value);
  transfer(chunk);
  assert.throws(() => [...decoding], /transferred/);
});

test('a chunk that is gone, or cut short, by the first step is told of, and its decoder lost nothing', () => {
  const decoder = codec.decoder(CLIENT);
  const chunk = Uint8Array.from(HELLO);
  const decoding = decoder.decode(chunk);
  transfer(chunk);
  assert.throws(() => decoding.next(), /transferred/);
  for (const fixed of [true, false])
    for (const length of [0, 3]) {
      const { view, shrink } = shrinkable(HELLO, fixed);
      const decoding = decoder.decode(view);
      shrink(length);
      assert.throws(() => decoding.next(), /resized/);
    }
  throwsA(TypeError, () => decoder.decode(chunk), 'at the call already');
  assert.equal(decodeAll(decoder, HELLO), ['Hello']);
  decoder.free();
});

test('fragments are views of memory, and say what message they belong to', () => {
  const decoder = codec.decoder(CLIENT);
  const chunk = Buffer.concat([
    writeFrame({ opcode: 1, final: false, data: Buffer.from('Hel') }),
    writeFrame({ opcode: 9, data: Buffer.from('ping') }),
    writeFrame({ opcode: 0, data: Buffer.from('lo') }),
  ]);
  const seen = Array.from(decoder.decode(chunk), ({ opcode, final, data }) => {
    assert.is(data.buffer, codec.memory.buffer);
    return [opcode, final, Buffer.from(data).toString()];
  });
  assert.equal(seen, [
    [1, false, 'Hel'],
    [9, true, 'ping'],
    [1, true, 'lo'],
  ]);
  decoder.free();
});

test('a piece is answered before its frame is all here', () => {
  const decoder = codec.decoder(CLIENT);
  assert.equal(decodeAll(decoder, HELLO.subarray(0, 1)), []);
  assert.equal(decodeAll(decoder, HELLO.subarray(1, 4)), ['He']);
  assert.equal(decodeAll(decoder, new Uint8Array()), []);
  assert.equal(decodeAll(decoder, HELLO.subarray(4)), ['llo']);
  decoder.free();
});

test('a fault is thrown behind the fragments before it, and again ever after', () => {
  const decoder = codec.decoder(CLIENT);
  const seen: string[] = [];
  const read = (chunk: Uint8Array) => {
    for (const { data } of decoder.decode(chunk)) seen.push(Buffer.from(data).toString());
  };
  const chunk = Buffer.concat([HELLO, HELLO, Uint8Array.of(0x83, 0)]);
  let fault: unknown;
  try {
    read(chunk);
  } catch (error) {
    fault = error;
  }
  assert.equal(seen, ['Hello', 'Hello']);
  assert.ok(fault instanceof ProtocolFault && fault instanceof Error);
  assert.is(fault.name, 'ProtocolFault');
  assert.is(fault.fault, 'FAULT_OPCODE');
  assert.is(fault.closeCode, 1002);
  assert.is(fault.offset, 14);
  assert.throws(
    () => read(HELLO),
    (error: unknown) => error === fault,
  );
  assert.equal(seen, ['Hello', 'Hello']);
  const other = codec.decoder(CLIENT);
  assert.equal(decodeAll(other, HELLO), ['Hello'], 'another decoder of the codec is not concerned');
  for (const each of [decoder, other]) each.free();
});

test('of a text that breaks at once there is no fragment, of one that breaks later there is what stood before', () => {
  for (const [data, fragments] of [
    [[0xff], []],
    [[0x61, 0xff], ['a']],
  ] as const) {
    const decoder = codec.decoder(CLIENT);
    const seen: string[] = [];
    assert.throws(() => {
      for (const { data: piece } of decoder.decode(writeFrame({ opcode: 1, data: Uint8Array.from(data) })))
        seen.push(Buffer.from(piece).toString());
    }, /not valid UTF-8/);
    assert.equal(seen, fragments);
    decoder.free();
  }
});

test('text that is not UTF-8 is closed with 1007, a message too big with 1009', () => {
  const closeCode = (options: DecoderOptions, stream: Uint8Array) => {
    const decoder = codec.decoder(options);
    try {
      decodeAll(decoder, stream);
      return 0;
    } catch (error) {
      return (error as ProtocolFault).closeCode;
    } finally {
      decoder.free();
    }
  };
  const bad = writeFrame({ opcode: 1, data: Uint8Array.of(0xff) });
  assert.is(closeCode(CLIENT, bad), 1007);
  assert.is(closeCode({ ...CLIENT, validateUtf8: false }, bad), 0);
  assert.is(closeCode({ ...CLIENT, maxMessageSize: 4 }, HELLO), 1009);
  assert.is(closeCode({ ...CLIENT, maxMessageSize: 5 }, HELLO), 0);
});

test('beginning another iteration while one is under way throws and does not disturb the one', () => {
  const [one, two] = [codec.decoder(CLIENT), codec.decoder(CLIENT)];
  const seen: string[] = [];
  for (const { data } of one.decode(Buffer.concat([HELLO, HELLO]))) {
    assert.throws(() => decodeAll(two, HELLO), /another decode of this codec/);
    assert.throws(() => decodeAll(one, HELLO), /another decode of this codec/);
    seen.push(Buffer.from(data).toString());
  }
  assert.equal(seen, ['Hello', 'Hello']);
  assert.equal(decodeAll(two, HELLO), ['Hello']);
  assert.equal(decodeAll(one, HELLO), ['Hello']);
  one.free();
  two.free();
});

test('codecs are independent: each may have an iteration under way', () => {
  const others = [Codec.loadSync(), Codec.loadSync(), codec];
  const chunks = others.map((_, i) => Buffer.alloc(21, writeFrame({ opcode: 2, data: Buffer.from(`from${i}`) })));
  const iterators = others.map((each, i) => each.decoder(CLIENT).decode(chunks[i]!)[Symbol.iterator]());
  for (let round = 0; round < 3; round++)
    for (const [i, iterator] of iterators.entries())
      assert.is(Buffer.from(iterator.next().value!.data).toString(), `from${i}`);
  for (const iterator of iterators) assert.ok(iterator.next().done);
});

test('breaking out of an iteration ends its decoder, and so does throwing out of it', () => {
  const breaking = codec.decoder(CLIENT);
  for (const _ of breaking.decode(Buffer.concat([HELLO, HELLO]))) break;
  assert.throws(() => decodeAll(breaking, HELLO), /has ended/);
  const throwing = codec.decoder(CLIENT);
  assert.throws(() => {
    for (const _ of throwing.decode(HELLO)) throw new RangeError('of the caller');
  }, /of the caller/);
  assert.throws(() => decodeAll(throwing, HELLO), /has ended/);
  const next = codec.decoder(CLIENT);
  assert.equal(decodeAll(next, HELLO), ['Hello'], 'the codec is free for others');
  next.free();
});

test('the codec may be used for other things while an iteration is under way', () => {
  const decoder = codec.decoder(CLIENT);
  const seen: string[] = [];
  for (const { data } of decoder.decode(Buffer.alloc(HELLO.length * 10, HELLO))) {
    seen.push(Buffer.from(data).toString());
    codec.encodeFrame({ opcode: 2, maskKey: 0x1234_5678, data: new Uint8Array(70_000).fill(0xff) });
    codec.unmask(new Uint8Array(70_000), 0x0102_0304);
    codec.isValidUtf8(new Uint8Array(70_000).fill(0xc3));
    codec.decoder(CLIENT).free();
  }
  assert.equal(seen, new Array(10).fill('Hello'));
  decoder.free();
});

test('free gives the record back, once, and a freed decoder decodes no more', () => {
  const decoder = codec.decoder(CLIENT);
  decoder.free();
  decoder.free();
  assert.throws(() => decodeAll(decoder, HELLO), /has ended/);
  const [one, two] = [codec.decoder(CLIENT), codec.decoder({ role: 'server' })];
  const masked = writeFrame({ opcode: 1, data: Buffer.from('masked'), key: Uint8Array.of(1, 2, 3, 4) });
  assert.equal(decodeAll(one, HELLO), ['Hello']);
  assert.equal(decodeAll(two, masked), ['masked'], 'freed twice, the record was still given to one decoder only');
  one.free();
  two.free();
});

test('a decoder freed while it is iterated answers nothing more', () => {
  const decoder = codec.decoder(CLIENT);
  const iterator = begin(decoder, Buffer.concat([HELLO, HELLO]));
  decoder.free();
  assert.throws(() => iterator.next(), /was freed/);
  const next = codec.decoder(CLIENT);
  assert.equal(decodeAll(next, HELLO), ['Hello']);
  next.free();
});

test('a record that is used again remembers nothing', () => {
  for (const half of [HELLO.subarray(0, 1), HELLO.subarray(0, 4), Uint8Array.of(0x83, 0), Uint8Array.of(0x88, 0)]) {
    const decoder = codec.decoder(CLIENT);
    try {
      decodeAll(decoder, half);
    } catch (error) {
      assert.instance(error, ProtocolFault);
    }
    decoder.free();
    const next = codec.decoder(CLIENT);
    assert.equal(decodeAll(next, HELLO), ['Hello']);
    next.free();
  }
});

test('1,024 decoders may be open; one more is refused until one is freed', () => {
  const crowded = Codec.loadSync();
  const decoders = Array.from({ length: DECODERS_MOST }, () => crowded.decoder(CLIENT));
  assert.throws(
    () => crowded.decoder(CLIENT),
    (error: unknown) => error instanceof RangeError && /1024/.test(error.message),
  );
  for (const decoder of decoders) decodeAll(decoder, HELLO.subarray(0, 3));
  // Through the page for outside bytes, which lies behind the last record.
  crowded.unmask(new Uint8Array(65_536), 0xffff_ffff);
  for (const decoder of decoders) assert.equal(decodeAll(decoder, HELLO.subarray(3)), ['ello']);
  for (let times = 0; times < 2; times++) decoders[500]!.free();
  assert.equal(decodeAll(crowded.decoder(CLIENT), HELLO), ['Hello']);
  throwsA(RangeError, () => crowded.decoder(CLIENT));
});

test('options that make no sense are refused before a record is taken', () => {
  const full = Codec.loadSync();
  for (let count = 1; count < DECODERS_MOST; count++) full.decoder(CLIENT);
  for (const role of ['Server', '', undefined, 1]) {
    throwsA(TypeError, () => full.decoder({ role } as unknown as DecoderOptions));
  }
  for (const maxMessageSize of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, '5']) {
    throwsA(RangeError, () => full.decoder({ ...CLIENT, maxMessageSize } as DecoderOptions));
  }
  for (const validateUtf8 of ['true', 'yes', 1, {}, null] as never[]) {
    throwsA(TypeError, () => full.decoder({ ...CLIENT, validateUtf8 }));
  }
  const decoder = full.decoder({ ...CLIENT, validateUtf8: undefined } as never);
  throwsA(ProtocolFault, () => decodeAll(decoder, writeFrame({ opcode: 1, data: Uint8Array.of(0xff) })));
});

test.run();
