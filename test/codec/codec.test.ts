/** The codec's other tools: frames encoded, masks taken off and put on, text validated, on bytes of any length and place. */
import { isUtf8 } from 'node:buffer';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT } from '../../assembly/abi.ts';
import * as door from '../../src/codec/index.ts';
import { findInvalid } from '../reference/utf8.ts';
import { Random } from '../support/random.ts';
import { throwsA } from '../support/throws.ts';
import { shrunk, transferred } from '../support/transferred.ts';
import { readLines, writeFrame } from '../support/wire.ts';
import { TEXTS, VALID } from '../vectors/utf8.ts';

const MIB = 1024 * 1024;
/** Lengths on both sides of every step: of the header's forms, of a page, of the window. */
const LENGTHS = [0, 1, 2, 15, 16, 17, 124, 125, 126, 127, 255, 256, 65_535, 65_536, 65_537, 131_075, 262_143, 262_145];

const { Codec } = door;
const test = suite('codec');
const codec = Codec.loadSync();

function keyBytes(key: number): Uint8Array {
  return Uint8Array.of(key, key >>> 8, key >>> 16, key >>> 24);
}

test('the door exports what the contract names', () => {
  assert.equal(Object.keys(door).sort(), [
    'Codec',
    'OP_BINARY',
    'OP_CLOSE',
    'OP_CONTINUATION',
    'OP_PING',
    'OP_PONG',
    'OP_TEXT',
    'ProtocolFault',
  ]);
  assert.equal([OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG], [0, 1, 2, 8, 9, 10]);
});

test('load and loadSync give codecs with a memory of their own, 2 MiB', async () => {
  const codecs = [await Codec.load(), Codec.loadSync(), codec];
  assert.is(new Set(codecs.map(each => each.memory.buffer)).size, 3);
  for (const each of codecs) assert.is(each.memory.buffer.byteLength, 2 * MIB);
});

test('memory never grows, so no view of it ever detaches', () => {
  const { buffer } = codec.memory;
  const data = new Uint8Array(4 * MIB);
  codec.encodeFrame({ opcode: OP_BINARY, maskKey: 1, data });
  codec.unmask(data, 1);
  codec.isValidUtf8(data);
  const decoder = codec.decoder({ role: 'client' });
  for (const _ of decoder.decode(codec.encodeFrame({ opcode: OP_BINARY, data })));
  decoder.free();
  assert.is(codec.memory.buffer, buffer);
  assert.is(buffer.byteLength, 2 * MIB);
});

test('a frame is encoded as §5.2 draws it, read back and decoded, at every boundary of length', () => {
  const random = new Random(52);
  for (const length of LENGTHS)
    for (const maskKey of [undefined, 0, 1, 0x3d21_fa37, 0x8000_0000, 0xffff_ffff, -2]) {
      const data = random.bytes(length);
      const before = Uint8Array.from(data);
      const key = maskKey === undefined ? undefined : keyBytes(maskKey);
      const title = `${length} bytes, key ${maskKey}`;
      const frame = codec.encodeFrame({ opcode: OP_BINARY, data, ...(maskKey === undefined ? {} : { maskKey }) });
      assert.is(Buffer.compare(frame, writeFrame({ opcode: OP_BINARY, data, key })), 0, title);
      assert.is(Buffer.compare(data, before), 0, 'the payload given is left as it was');

      const header = codec.readFrameHeader(frame)!;
      assert.is(header.payloadLength, length, title);
      assert.is(header.headerLength, frame.length - length, title);
      assert.is(header.masked, key !== undefined, title);
      assert.is(header.maskKey, (maskKey ?? 0) >>> 0, title);

      const decoder = codec.decoder({ role: key ? 'server' : 'client' });
      const pieces = Array.from(decoder.decode(frame), piece => ({ ...piece, data: piece.data.slice() }));
      decoder.free();
      assert.is(Buffer.compare(Buffer.concat(pieces.map(piece => piece.data)), data), 0, title);
      assert.equal(
        pieces.map(piece => piece.final),
        pieces.map((_, i) => i === pieces.length - 1),
      );
    }
});

test('every opcode, FIN and RSV1 stand in the first byte; no data is an empty payload', () => {
  for (let opcode = 0; opcode < 16; opcode++)
    for (const final of [true, false])
      for (const rsv1 of [true, false]) {
        const frame = codec.encodeFrame({ opcode, final, rsv1 });
        assert.equal([...frame], [(final ? 128 : 0) + (rsv1 ? 64 : 0) + opcode, 0]);
        const header = codec.readFrameHeader(frame);
        assert.equal(header, {
          final,
          rsv1,
          rsv2: false,
          rsv3: false,
          opcode,
          masked: false,
          maskKey: 0,
          headerLength: 2,
          payloadLength: 0,
        });
      }
  assert.equal([...codec.encodeFrame({ opcode: OP_PING })], [0x89, 0], 'final is the default');
});

test('what no header can say is refused: opcodes beyond four bits, control frames over 125 bytes, reserved ones too', () => {
  for (const opcode of [-1, 16, 1.5, Number.NaN]) throwsA(RangeError, () => codec.encodeFrame({ opcode }));
  for (const opcode of [OP_CLOSE, OP_PING, OP_PONG, 11, 12, 13, 14, 15]) {
    assert.is(codec.encodeFrame({ opcode, data: new Uint8Array(125) }).length, 127);
    throwsA(RangeError, () => codec.encodeFrame({ opcode, data: new Uint8Array(126) }));
  }
  assert.is(codec.encodeFrame({ opcode: 7, data: new Uint8Array(126) }).length, 130, 'a reserved data frame may');
});

test('what is no Uint8Array, key, phase or boolean is refused before anything is done', () => {
  const decoder = codec.decoder({ role: 'client' });
  for (const data of [
    transferred(),
    shrunk(),
    new ArrayBuffer(4),
    new DataView(new ArrayBuffer(4)),
    new Int8Array(4),
    'text',
    [1],
    null,
    5,
  ] as never[]) {
    throwsA(TypeError, () => codec.encodeFrame({ opcode: OP_TEXT, data }));
    throwsA(TypeError, () => codec.isValidUtf8(data));
    throwsA(TypeError, () => codec.unmask(data, 1));
    throwsA(TypeError, () => codec.readFrameHeader(data));
    throwsA(TypeError, () => [...decoder.decode(data)]);
  }
  for (const key of [Number.NaN, 1.5, 2 ** 32, -(2 ** 31) - 1, '1' as never]) {
    throwsA(RangeError, () => codec.encodeFrame({ opcode: OP_TEXT, maskKey: key }));
    throwsA(RangeError, () => codec.unmask(new Uint8Array(4), key));
  }
  for (const phase of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1' as never, null as never]) {
    const data = Uint8Array.of(1);
    throwsA(RangeError, () => codec.unmask(data, 2, phase));
    assert.is(data[0], 1);
  }
  for (const bit of ['false', 0, null, {}] as never[]) {
    throwsA(TypeError, () => codec.encodeFrame({ opcode: OP_TEXT, final: bit }));
    throwsA(TypeError, () => codec.encodeFrame({ opcode: OP_TEXT, rsv1: bit }));
  }
  const elsewhere: Uint8Array = runInNewContext('Uint8Array.of(0x81, 0)');
  assert.ok(codec.isValidUtf8(elsewhere.subarray(1)));
  assert.is([...decoder.decode(elsewhere)].length, 1, 'and nothing was lost');
  decoder.free();
});

test('unmask XORs as §5.3 says, in place, at every phase, alignment and length', () => {
  const random = new Random(53);
  for (const length of [...Array(80).keys(), ...LENGTHS])
    for (let phase = 0; phase < 4; phase++) {
      const key = random.below(2 ** 32);
      const offset = random.below(17);
      const around = random.bytes(length + 32);
      const expected = around.map((byte, i) => {
        const at = i - offset;
        return at >= 0 && at < length ? byte ^ keyBytes(key)[(at + phase) % 4]! : byte;
      });
      codec.unmask(around.subarray(offset, offset + length), key, phase);
      assert.is(Buffer.compare(around, expected), 0, `${length} bytes at ${offset}, phase ${phase}`);
    }
});

test('the least key and the greatest are keys, and so is a phase in front of the first byte', () => {
  for (const [key, phase, expected] of [
    [-(2 ** 31), 0, [0, 0, 0, 0x80]],
    [2 ** 32 - 1, 0, [0xff, 0xff, 0xff, 0xff]],
    [0x0403_0201, -1, [4, 1, 2, 3]],
    [0x0403_0201, 2 ** 53 - 1, [4, 1, 2, 3]],
  ] as const) {
    const data = new Uint8Array(4);
    codec.unmask(data, key, phase);
    assert.equal([...data], expected);
  }
});

test('unmasking piece by piece with the phase carried on is unmasking at once', () => {
  const random = new Random(54);
  const data = random.bytes(200_003);
  const pieces = Uint8Array.from(data);
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + 1 + random.below(90_000));
    codec.unmask(pieces.subarray(at, end), 0xdead_beef, at);
    at = end;
  }
  codec.unmask(data, 0xdead_beef);
  assert.is(Buffer.compare(pieces, data), 0);
});

test('unmask and isValidUtf8 take views of the codec’s own memory where they lie', () => {
  const decoder = codec.decoder({ role: 'client' });
  for (const { data } of decoder.decode(writeFrame({ opcode: OP_TEXT, data: Buffer.from('Hell\u00f6') }))) {
    assert.ok(codec.isValidUtf8(data));
    assert.not.ok(codec.isValidUtf8(data.subarray(0, 5)));
    codec.unmask(data, 0x3d21_fa37);
    codec.unmask(data, 0x3d21_fa37);
    assert.is(Buffer.from(data).toString(), 'Hell\u00f6');
    data.fill(0);
    codec.unmask(data, 0x0403_0201, 3);
    assert.equal([...data], [4, 1, 2, 3, 4, 1], 'from the phase on');
  }
  decoder.free();
});

test('isValidUtf8 judges every vector, alone and behind so much text that a page ends inside it', () => {
  for (const [title, hex, verdict] of TEXTS) {
    const text = hex ? readLines(hex) : new Uint8Array();
    assert.is(codec.isValidUtf8(text), verdict === VALID, title);
    for (let before = 65_536 - text.length; before <= 65_536; before++) {
      const long = Buffer.concat([new Uint8Array(before).fill(0x61), text]);
      assert.is(codec.isValidUtf8(long), verdict === VALID, `${title} behind ${before} bytes`);
    }
  }
});

test('isValidUtf8 agrees with the judge on megabytes of text, whole, cut and corrupted', () => {
  const random = new Random(3629);
  const text = Buffer.from('na\u00efve \u65e5\u672c\u8a9e \u{1f98a} '.repeat(50_000));
  assert.ok(codec.isValidUtf8(text));
  for (let i = 0; i < 200; i++) {
    const end = text.length - random.below(400_000);
    assert.is(codec.isValidUtf8(text.subarray(0, end)), isUtf8(text.subarray(0, end)), `cut at ${end}`);
    const at = random.below(text.length);
    const before = text[at]!;
    text[at] = random.below(256);
    assert.is(codec.isValidUtf8(text), isUtf8(text), `${text[at]} at ${at}`);
    text[at] = before;
  }
  text[text.length - 2] = 0xc0;
  assert.is(findInvalid(text), text.length - 2);
  assert.not.ok(codec.isValidUtf8(text));
});

test.run();
