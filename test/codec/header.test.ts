/** Frame headers read for inspection: every form, every truncation, any offset, and no judgement. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Codec } from '../../src/codec/index.ts';
import { throwsA } from '../support/throws.ts';
import { readLines } from '../support/wire.ts';

const test = suite('header');
const codec = Codec.loadSync();

const HEADERS: readonly (readonly [lines: string, payloadLength: number, maskKey: number])[] = [
  ['1 000 0001 | 0 0000101', 5, 0],
  ['1 000 0001 | 1 0000101 | 37 fa 21 3d', 5, 0x3d21_fa37],
  ['0 000 0010 | 0 1111110 | 01 00', 256, 0],
  ['0 000 0010 | 1 1111110 | ff ff | ff ff ff ff', 65_535, 0xffff_ffff],
  ['1 000 0010 | 0 1111111 | 00 00 00 00 00 01 00 00', 65_536, 0],
  ['1 000 0010 | 1 1111111 | 00 1f ff ff ff ff ff ff | 01 00 00 80', 2 ** 53 - 1, 0x8000_0001],
];

test('every form is read, and undefined while a byte of it is missing', () => {
  for (const [lines, payloadLength, maskKey] of HEADERS) {
    const bytes = readLines(lines);
    for (let length = 0; length < bytes.length; length++) {
      assert.is(codec.readFrameHeader(bytes.subarray(0, length)), undefined, `${lines}, ${length} bytes of it`);
    }
    const header = codec.readFrameHeader(bytes)!;
    assert.is(header.headerLength, bytes.length, lines);
    assert.is(header.payloadLength, payloadLength, lines);
    assert.is(header.maskKey, maskKey, lines);
    assert.is(header.masked, lines[13] === '1', lines);
    assert.is(header.final, lines[0] === '1', lines);
  }
});

test('a header is read at any offset of any view, and never from beyond the view', () => {
  for (const [lines, payloadLength] of HEADERS) {
    const bytes = readLines(lines);
    for (let offset = 0; offset < 20; offset++) {
      const around = new Uint8Array(offset + bytes.length + 20).fill(0xff);
      around.set(bytes, offset);
      assert.is(codec.readFrameHeader(around, offset)!.payloadLength, payloadLength);
      assert.is(codec.readFrameHeader(around.subarray(offset))!.payloadLength, payloadLength);
      assert.is(codec.readFrameHeader(around.subarray(0, offset + bytes.length - 1), offset), undefined);
      assert.is(codec.readFrameHeader(around, around.length + offset), undefined);
    }
  }
});

test('an offset in front of the bytes is refused', () => {
  const view = new Uint8Array(16).subarray(8);
  for (const offset of [-1, -8, 0.5, Number.NaN]) throwsA(RangeError, () => codec.readFrameHeader(view, offset));
});

test('each reserved bit and each opcode is told as it stands', () => {
  for (let first = 0; first < 256; first++) {
    const { final, rsv1, rsv2, rsv3, opcode } = codec.readFrameHeader(Uint8Array.of(first, 0))!;
    const bits = [final, rsv1, rsv2, rsv3].reduce((sum, bit) => sum * 2 + Number(bit), 0);
    assert.is(bits * 16 + opcode, first);
  }
});

test('lengths that a decoder would refuse are told as they stand', () => {
  for (const [lines, payloadLength] of [
    ['1 000 1001 | 0 1111110 | 00 05', 5],
    ['1 000 0010 | 0 1111111 | 00 00 00 00 00 00 00 05', 5],
    ['1 000 0010 | 0 1111111 | 80 00 00 00 00 00 00 00', 2 ** 63],
  ] as const)
    assert.is(codec.readFrameHeader(readLines(lines))!.payloadLength, payloadLength, lines);
});

test.run();
