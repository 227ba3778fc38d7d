/**
 * The kernels that move what they unmask: to a place in front of where it lies, which it overlaps. Against the slow judge,
 * whatever the distance, and with not one byte changed but those of the place.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UTF8_WIDE } from '../../assembly/abi.ts';
import { mask } from '../reference/mask.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { Random } from '../support/random.ts';
import { EDGES, FILLERS, fill, judge, MIXED } from '../support/texts.ts';

const AT = 0x2_0000;
const KEY = 0x84_53_a7_1e;
const MARGIN = 64;
/** Instead of an offset from a multiple of 16: what is moved ends with memory's last byte. */
const LAST = 16;
const SHORT_MOST = 200;
const SHIFT_MOST = 80;
const SHIFTS = [0, 1, 2, 4, 6, 8, 15, 16, 17, 48, 63, 64, 65, 80, 1000];
/** Around the stretches in which texts are judged, and the blocks of either kernel. */
const LONG = [255, 256, 257, 272, 1000, 2047, 2048, 2049, 2064, 2065, 2127, 2128, 4095, 4096, 4112, 4177, 5000];

type Kernel = (dest: number, src: number) => void;

const test = suite('overlap');

for (const build of BUILDS) {
  const { bytes, exports } = new Engine(build);
  const around = new Random(11).bytes(16_384);

  /** Has `kernel` move `from`, which lies `shift` bytes behind where it is to be; what it becomes must be `to`. */
  function move(from: Uint8Array, to: Uint8Array, shift: number, offset: number, kernel: Kernel, title: string): void {
    const dest = offset === LAST ? bytes.length - from.length - shift : AT + offset;
    const image = bytes.subarray(dest - MARGIN, dest + shift + from.length + MARGIN);
    image.set(around.subarray(0, image.length));
    image.set(from, MARGIN + shift);
    const expected = image.slice();
    expected.set(to, MARGIN);
    kernel(dest, dest + shift);
    if (!Buffer.compare(image, expected)) return;
    const wrong = image.findIndex((byte, i) => byte !== expected[i]) - MARGIN;
    assert.unreachable(`${title}: ${from.length} bytes moved by ${shift}: wrong at ${wrong}`);
  }

  /** Calls `check` for each length and shift worth trying, with an offset from a multiple of 16 that varies. */
  function everyMove(check: (length: number, shift: number, offset: number) => void): void {
    let count = 0;
    for (let length = 0; length <= SHORT_MOST; length++)
      for (let shift = 0; shift <= SHIFT_MOST; shift++) check(length, shift, (count += 5) % (LAST + 1));
    for (const length of LONG)
      for (const shift of SHIFTS) for (let offset = 0; offset <= LAST; offset += 4) check(length, shift, offset);
  }

  test(`${build}: a copy to a place in front is masked, wherever both lie`, () => {
    const plain = new Random(53).bytes(5000);
    const whole = mask(plain, KEY);
    everyMove((length, shift, offset) => {
      const [from, to] = [plain.subarray(0, length), whole.subarray(0, length)];
      move(from, to, shift, offset, (dest, src) => exports.maskCopy(dest, src, length, KEY), 'masked');
      move(from, from, shift, offset, (dest, src) => exports.maskCopy(dest, src, length, 0), 'copied');
    });
  });

  test(`${build}: a text that moves is unmasked and judged, in every script`, () => {
    for (const filler of [...FILLERS, MIXED.toString()]) {
      const whole = Buffer.from(filler.repeat(5000)).subarray(0, 5000);
      const hidden = mask(whole, KEY);
      const answers = new Map<number, number>();
      everyMove((length, shift, offset) => {
        const text = whole.subarray(0, length);
        if (!answers.has(length)) answers.set(length, judge(text));
        const kernel: Kernel = (dest, src) => {
          const answer = exports.unmaskText(dest, src, length, KEY, 0) >>> 0;
          if (answer !== answers.get(length))
            assert.unreachable(`${filler}: ${length} bytes moved by ${shift}: ${answer}`);
        };
        move(hidden.subarray(0, length), text, shift, offset, kernel, filler);
      });
    }
  });

  test(`${build}: a text that changes its script, cut in two, with at most one wrong byte, is unmasked wherever it goes and judged as Node does`, () => {
    const random = new Random(64);
    let bad = 0;
    for (let i = 0; i < 3000; i++) {
      const most = random.pick([40, 300, 2500]);
      const parts = Array.from({ length: 1 + random.below(3) }, () => fill(random.pick(FILLERS), random.below(most)));
      const text = Buffer.concat([Buffer.from('.'), ...parts]);
      if (random.below(2)) text[random.below(text.length)] = random.pick(EDGES);
      const key = random.below(2 ** 32);
      const cut = random.below(text.length + 1);
      let carry = 0;
      for (const [start, end] of [
        [0, cut],
        [cut, text.length],
      ] as const) {
        const turned = Buffer.from(mask(new Uint8Array(4), key, start)).readUInt32LE();
        const kernel: Kernel = (dest, src) => {
          const answer = exports.unmaskText(dest, src, end - start, turned, carry & ~UTF8_WIDE);
          // What was refused stays so, whatever follows.
          if (carry >= 0) carry = answer | (carry & UTF8_WIDE);
        };
        const hidden = mask(text, key).subarray(start, end);
        const shift = random.pick([random.below(SHIFT_MOST), random.below(5000)]);
        move(hidden, text.subarray(start, end), shift, random.below(LAST + 1), kernel, `text ${i}`);
      }
      const good = isUtf8(text);
      if (!good) bad++;
      if (((carry & ~UTF8_WIDE) === 0) !== good) assert.unreachable(`text ${i}, cut at ${cut}: ${carry}`);
      if (good) assert.is(carry === 0, isAscii(text), `text ${i}: wide`);
    }
    assert.ok(bad > 750 && bad < 2250, `${bad} were wrong`);
  });
}

test.run();
