/** The masking kernels against the slow judge: every length to 200, wherever it lies, and not one byte beside it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mask } from '../reference/mask.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { Random } from '../support/random.ts';

const KEY = 0x84_53_a7_1e;
const FIRST = 0x2_0000;
const SECOND = 0x12_0000;
const MARGIN = 32;
const LONG = [255, 256, 257, 271, 272, 273, 511, 1000, 4095, 4096, 4097, 32_768, 32_769, 33_000, 65_536, 65_555];
const ALIGNMENTS = Array.from({ length: 16 }, (_, i) => i);
const lengths = (most: number) => Array.from({ length: most + 1 }, (_, i) => i);

const test = suite('mask');

for (const build of BUILDS) {
  const { bytes, exports } = new Engine(build);
  const random = new Random(53);
  const plain = random.bytes(70_000);
  const around = random.bytes(70_000 + 2 * MARGIN);

  /** Puts `data` at `ptr` amid bytes that must not change. */
  function put(ptr: number, data: Uint8Array): void {
    bytes.set(around.subarray(0, data.length + 2 * MARGIN).subarray(0, bytes.length - ptr + MARGIN), ptr - MARGIN);
    bytes.set(data, ptr);
  }

  function expect(ptr: number, data: Uint8Array, title: string): void {
    const same = (from: number, to: number, expected: Uint8Array) =>
      Buffer.compare(bytes.subarray(from, to), expected) === 0;
    const end = ptr + data.length;
    assert.ok(same(ptr, end, data), `${title}: bytes`);
    assert.ok(same(ptr - MARGIN, ptr, around.subarray(0, MARGIN)), `${title}: written in front`);
    const behind = Math.min(MARGIN, bytes.length - end);
    const start = MARGIN + data.length;
    assert.ok(same(end, end + behind, around.subarray(start, start + behind)), `${title}: written behind`);
  }

  test(`${build}: a stretch of any length at any address is unmasked, and nothing beside it`, () => {
    for (const length of [...lengths(200), ...LONG]) {
      const masked = plain.subarray(0, length);
      const expected = mask(masked, KEY);
      for (const ptr of [...ALIGNMENTS.map(offset => FIRST + offset), bytes.length - length]) {
        put(ptr, masked);
        exports.unmask(ptr, length, KEY);
        expect(ptr, expected, `${length} bytes at ${ptr}`);
      }
    }
  });

  test(`${build}: a copy is masked on the way, from any address to any other, and its source stays as it was`, () => {
    for (const length of [...lengths(200), ...LONG]) {
      const data = plain.subarray(0, length);
      const expected = mask(data, KEY);
      for (const offset of [...ALIGNMENTS, -1]) {
        const last = bytes.length - length;
        const src = offset < 0 ? last : FIRST + offset;
        const dests = [0, 1, 7, 8, 15].map(place => SECOND + place);
        if (offset >= 0) dests.push(last);
        for (const dest of dests) {
          put(src, data);
          put(dest, data);
          exports.maskCopy(dest, src, length, KEY);
          const title = `${length} bytes from ${src} to ${dest}`;
          expect(dest, expected, title);
          expect(src, data, title);
        }
      }
    }
  });

  test(`${build}: a stretch unmasked in two parts, at any place, is the stretch unmasked at once`, () => {
    const data = plain.subarray(0, 70);
    const expected = mask(data, KEY);
    for (let cut = 0; cut <= data.length; cut++) {
      put(FIRST, data);
      exports.unmask(FIRST, cut, KEY);
      const turned = Buffer.from(mask(new Uint8Array(4), KEY, cut)).readUInt32LE();
      exports.unmask(FIRST + cut, data.length - cut, turned);
      expect(FIRST, expected, `cut at ${cut}`);
    }
  });

  test(`${build}: a key of zero leaves every byte as it was`, () => {
    for (const length of [3, 7, 15, 64, 300]) {
      put(FIRST, plain.subarray(0, length));
      exports.unmask(FIRST, length, 0);
      expect(FIRST, plain.subarray(0, length), `${length} bytes`);
    }
  });
}

test.run();
