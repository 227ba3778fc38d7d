/** Headers and whole frames, as written into a page, against frames put together byte by byte. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HEADER_FINAL, HEADER_RSV1, OP_BINARY, OP_TEXT } from '../../assembly/abi.ts';
import { mask } from '../reference/mask.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { Random } from '../support/random.ts';
import { writeFrame } from '../support/wire.ts';

const SRC = 0x2_0000;
const DEST = 0x12_0800;
const KEY = 0x12_f4_0d_b7;
const KEY_BYTES = Uint8Array.of(0xb7, 0x0d, 0xf4, 0x12);
const CANARY = 0x5a;

const HEADERS: readonly (readonly [first: number, length: number, hex: string])[] = [
  [HEADER_FINAL | OP_BINARY, 0, '8200'],
  [OP_TEXT, 125, '017d'],
  [HEADER_FINAL | HEADER_RSV1 | OP_TEXT, 126, 'c17e007e'],
  [HEADER_FINAL | OP_BINARY, 65_535, '827effff'],
  [HEADER_FINAL | OP_BINARY, 65_536, '827f0000000000010000'],
  [OP_BINARY, 0x1_2345_6789, '027f0000000123456789'],
  [HEADER_FINAL | OP_BINARY, 2 ** 53 - 1, '827f001fffffffffffff'],
];

const test = suite('encode');

for (const build of BUILDS) {
  const { bytes, exports } = new Engine(build);
  const plain = new Random(52).bytes(66_000);
  const hex = (ptr: number, length: number) => Buffer.from(bytes.subarray(ptr, ptr + length)).toString('hex');

  test(`${build}: a header says its length in the fewest bytes, and the key behind it`, () => {
    for (const [first, length, expected] of HEADERS) {
      bytes.fill(CANARY, DEST, DEST + 32);
      const used = exports.writeHeader(DEST, first, length, false, 0);
      assert.is(hex(DEST, used + 1), `${expected}5a`);
      const long = exports.writeHeader(DEST, first, length, true, KEY);
      const second = (Number.parseInt(expected.slice(2, 4), 16) | 0x80).toString(16);
      assert.is(hex(DEST, long + 1), `${expected.slice(0, 2)}${second}${expected.slice(4)}b70df4125a`);
    }
  });

  test(`${build}: a frame is its header and its payload, masked or not, at any length and address`, () => {
    const lengths = Array.from({ length: 201 }, (_, i) => i).concat([511, 512, 513, 4096, 65_535, 65_536]);
    for (const length of lengths) {
      const data = plain.subarray(0, length);
      for (const masked of [false, true]) {
        const frame = writeFrame({ opcode: OP_BINARY, data, key: masked ? KEY_BYTES : undefined });
        for (let offset = 0; offset < 16; offset += 3) {
          const dest = DEST + offset;
          const src = SRC + ((offset * 7) & 15);
          bytes.fill(CANARY, dest - 16, dest + frame.length + 16);
          bytes.set(data, src);
          const used = exports.encode(dest, HEADER_FINAL | OP_BINARY, src, length, masked, KEY);
          const title = `${length} bytes ${masked ? 'masked' : 'plain'} to ${dest}`;
          assert.is(used, frame.length, title);
          assert.is(Buffer.compare(bytes.subarray(dest, dest + used), frame), 0, title);
          const beside = [...bytes.subarray(dest - 16, dest), ...bytes.subarray(dest + used, dest + used + 16)];
          assert.ok(
            beside.every(byte => byte === CANARY),
            `${title}: written beside`,
          );
        }
      }
    }
  });

  test(`${build}: payload that ends memory is read, and a frame that ends it is written, to the last byte`, () => {
    for (const length of [0, 1, 5, 15, 16, 33, 300, 600]) {
      const data = plain.subarray(0, length);
      bytes.set(data, bytes.length - length);
      const used = exports.encode(DEST, OP_BINARY, bytes.length - length, length, true, KEY);
      assert.is(Buffer.compare(bytes.subarray(DEST + used - length, DEST + used), mask(data, KEY)), 0);
      bytes.set(data, SRC);
      const size = exports.encode(bytes.length - used, OP_BINARY, SRC, length, true, KEY);
      assert.is(size, used);
      assert.is(Buffer.compare(bytes.subarray(bytes.length - length), mask(data, KEY)), 0);
    }
  });
}

test.run();
