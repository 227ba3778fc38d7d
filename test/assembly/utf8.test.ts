/**
 * The UTF-8 kernels against the slow judge and against Node's own: every code point, every truncation, every byte at every
 * place of texts in several scripts, every split. Blocks of 64 bytes, single vectors and what is less than one take
 * different ways through the kernel, so texts are long enough to meet each, and begin and end anywhere.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE } from '../../assembly/abi.ts';
import { mask } from '../reference/mask.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { Random } from '../support/random.ts';
import { EDGES, FILLERS, fill, judge, MIXED } from '../support/texts.ts';

const AT = 0x2_0000;
const KEY = 0x9c_01_e5_73;

const test = suite('utf8');

for (const build of BUILDS) {
  const { bytes, exports } = new Engine(build);

  /** Whether the kernel takes the `length` bytes at `ptr` for a whole text. */
  function whole(ptr: number, length: number): boolean {
    const answer = exports.validate(ptr, length, 0) >>> 0;
    return answer !== UTF8_INVALID && answer >> UTF8_COUNT_SHIFT === (answer & UTF8_WIDE) >> UTF8_COUNT_SHIFT;
  }

  test(`${build}: every code point is one, cut short it is carried, and a surrogate is refused as soon as it is seen`, () => {
    const text = fill('a', 160);
    bytes.set(text, AT);
    for (let point = 0x80; point < 0x11_0000; point++) {
      const encoded =
        point < 0x800
          ? [0xc0 | (point >> 6)]
          : point < 0x1_0000
            ? [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63)]
            : [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63)];
      encoded.push(0x80 | (point & 63));
      const surrogate = point >= 0xd800 && point < 0xe000;
      const place = AT + (point % 140);
      let carried = UTF8_WIDE;
      for (let i = 0; i < encoded.length; i++) {
        bytes[place + i] = encoded[i]!;
        carried = (carried & 0x40ff_ffff) | (encoded[i]! << (8 * i)) | ((i + 1) << UTF8_COUNT_SHIFT);
        const expected = i + 1 === encoded.length ? UTF8_WIDE : carried;
        const answer = exports.validate(AT, place + i + 1 - AT, 0) >>> 0;
        if (answer !== (surrogate && i ? UTF8_INVALID : expected))
          assert.is(answer, expected, `U+${point.toString(16)}`);
      }
      if (whole(AT, text.length) === surrogate) assert.unreachable(`U+${point.toString(16)} amid text`);
      bytes.fill(0x61, place, place + 4);
    }
  });

  test(`${build}: any byte at any place of any script is judged as Node does`, () => {
    for (const filler of FILLERS) {
      const text = fill(filler, 180);
      const at = bytes.subarray(AT, AT + text.length);
      at.set(text);
      for (let place = 0; place < text.length; place++) {
        for (let byte = 0; byte < 256; byte++) {
          at[place] = byte;
          if (whole(AT, at.length) !== isUtf8(at)) assert.unreachable(`${filler}: ${byte} at ${place}`);
        }
        at[place] = text[place]!;
      }
    }
  });

  test(`${build}: any odd byte at any place of a long text in any script is judged as Node does`, () => {
    for (const filler of FILLERS) {
      const text = fill(filler, 2300);
      const at = bytes.subarray(AT, AT + text.length);
      at.set(text);
      for (let place = 0; place < text.length; place++) {
        for (const byte of EDGES) {
          at[place] = byte;
          if (whole(AT, at.length) !== isUtf8(at)) assert.unreachable(`${filler}: ${byte} at ${place}`);
        }
        at[place] = text[place]!;
      }
    }
  });

  test(`${build}: a long text is unmasked and judged to its last byte, whatever its script becomes`, () => {
    for (const left of FILLERS)
      for (const right of FILLERS) {
        const text = Buffer.concat([fill(left, 1500), fill(right, 3000)]);
        for (const length of [1103, 1104, 2127, 2128, 2129, 4175, 4176, 4177, 4500]) {
          const ptr = bytes.length - length;
          bytes.set(mask(text.subarray(0, length), KEY), ptr);
          const title = `${left} then ${right}: ${length} bytes`;
          assert.is(exports.unmaskText(ptr, ptr, length, KEY, 0) >>> 0, judge(text.subarray(0, length)), title);
          assert.is(Buffer.compare(bytes.subarray(ptr), text.subarray(0, length)), 0, title);
        }
      }
  });

  test(`${build}: any two bytes between any two scripts, continued or not, are judged as Node does`, () => {
    const at = bytes.subarray(AT, AT + 140);
    const places = Array.from({ length: 140 }, (_, i) => i).filter(i => (i > 11 && i < 18) || (i > 60 && i < 84));
    for (const left of FILLERS)
      for (const right of FILLERS)
        for (const place of places)
          for (const more of [[], [0x80], [0x80, 0x80]]) {
            const behind = place + 2 + more.length;
            at.set(fill(left, place));
            at.set(more, place + 2);
            at.set(fill(right, at.length - behind), behind);
            for (const first of EDGES)
              for (const second of EDGES) {
                at[place] = first;
                at[place + 1] = second;
                if (whole(AT, at.length) !== isUtf8(at))
                  assert.unreachable(`${left} to ${place}, ${[first, second, ...more]}, then ${right}`);
              }
          }
  });

  test(`${build}: any lead with any second byte and a third, anywhere in a block or in front of it, is judged as Node does`, () => {
    const at = bytes.subarray(AT, AT + 16 + 128 + 16);
    const leads = Array.from({ length: 128 }, (_, i) => 0x80 + i);
    const all = Array.from({ length: 256 }, (_, i) => i);
    const wide = EDGES.filter(byte => byte > 0x7f);
    function exhaust(place: number, firsts: number[], seconds: number[], thirds: number[], filler: string): void {
      at.set(fill(filler, place));
      at.set(fill(filler, at.length - place - 3), place + 3);
      for (const first of firsts)
        for (const second of seconds)
          for (const third of thirds) {
            at[place] = first;
            at[place + 1] = second;
            at[place + 2] = third;
            if (whole(AT, at.length) !== isUtf8(at))
              assert.unreachable(`${filler}: ${first} ${second} ${third} at ${place}`);
          }
    }
    for (const filler of FILLERS) {
      const block = filler.includes('😀') ? 128 : 64;
      for (let place = 13; place < 16 + block; place++) exhaust(place, wide, wide, EDGES, filler);
      for (const place of [16 + 30, 16 + 62, 16 + 63]) exhaust(place, leads, all, [0x41, 0x80, 0xbf], filler);
    }
  });

  test(`${build}: any two odd bytes and a third behind what lets another script be expected are judged as Node does`, () => {
    const at = bytes.subarray(AT, AT + 16 + 256 + 16);
    for (const front of FILLERS)
      for (const filler of FILLERS) {
        at.set(fill(front, 16));
        at.set(fill(filler, at.length - 16), 16);
        for (const place of [16 + 30, 16 + 127, 16 + 200]) {
          const text = at.slice(place, place + 3);
          for (const first of EDGES)
            for (const second of EDGES)
              for (const third of [0x41, 0x80, 0xbf]) {
                at[place] = first;
                at[place + 1] = second;
                at[place + 2] = third;
                if (whole(AT, at.length) !== isUtf8(at))
                  assert.unreachable(`${front}, then ${filler}: ${first} ${second} ${third} at ${place}`);
              }
          at.set(text, place);
        }
      }
  });

  test(`${build}: any lead with any second byte amid a mixture of scripts, wherever it lies in slices, is judged as Node does`, () => {
    const at = bytes.subarray(AT, AT + 16 + 256 + 16);
    const all = Array.from({ length: 256 }, (_, i) => i);
    for (const place of [16 + 20, 16 + 31, 16 + 127, 16 + 224]) {
      at.set(fill('a😀é人', place));
      at.set(fill('é😀', at.length - place - 3), place + 3);
      for (let first = 0x80; first < 0x100; first++)
        for (const second of all)
          for (const third of [0x41, 0x80, 0xbf, 0xc3]) {
            at[place] = first;
            at[place + 1] = second;
            at[place + 2] = third;
            if (whole(AT, at.length) !== isUtf8(at)) assert.unreachable(`${first} ${second} ${third} at ${place}`);
          }
    }
  });

  test(`${build}: any two odd bytes where the eighths of a mixture of scripts meet are judged as Node does`, () => {
    for (const filler of ['a😀é人', 'é한'])
      for (const length of [256, 320, 448, 1984, 4096, 4160]) {
        const from = length > 2000 ? 32 : 16;
        const text = fill(filler, from + length + 5);
        const at = bytes.subarray(AT, AT + text.length);
        at.set(text);
        for (let eighth = 0; eighth <= 8; eighth++)
          for (
            let place = from + eighth * ((length >> 7) << 4) - 5;
            place < from + eighth * ((length >> 7) << 4) + 2;
            place++
          ) {
            for (const first of EDGES)
              for (const second of EDGES) {
                at[place] = first;
                at[place + 1] = second;
                if (whole(AT, at.length) !== isUtf8(at))
                  assert.unreachable(`${filler}, ${length} bytes: ${first} ${second} at ${place}`);
              }
            at[place] = text[place]!;
            at[place + 1] = text[place + 1]!;
          }
      }
  });

  test(`${build}: a long text that changes its script, with at most one wrong byte, is unmasked and judged as Node does`, () => {
    const random = new Random(64);
    let bad = 0;
    for (let i = 0; i < 2000; i++) {
      const parts = Array.from({ length: 2 + random.below(5) }, () => fill(random.pick(FILLERS), random.below(3500)));
      const text = Buffer.concat([Buffer.from('.'), ...parts]);
      if (random.below(2)) text[random.below(text.length)] = random.pick(EDGES);
      const ptr = AT + random.below(64);
      bytes.set(mask(text, KEY), ptr);
      const answer = exports.unmaskText(ptr, ptr, text.length, KEY, 0) >>> 0;
      const good = isUtf8(text);
      if (!good) bad++;
      if (((answer & ~UTF8_WIDE) === 0) !== good) assert.unreachable(`text ${i}: ${answer}`);
      if (good) assert.is(answer === 0, isAscii(text), `text ${i}: wide`);
      if (Buffer.compare(bytes.subarray(ptr, ptr + text.length), text)) assert.unreachable(`text ${i}: bytes`);
    }
    assert.ok(bad > 500 && bad < 1500, `${bad} were wrong`);
  });

  test(`${build}: a text of any length at any address is unmasked and judged, and nothing beside it touched`, () => {
    for (const filler of [...FILLERS, MIXED.toString()])
      for (let length = 0; length <= 200; length++) {
        const text = Buffer.from(filler.repeat(length)).subarray(0, length);
        const masked = mask(text, KEY);
        const expected = judge(text);
        for (let offset = 0; offset <= 16; offset++) {
          const ptr = offset === 16 ? bytes.length - length : AT + offset;
          const around = bytes.subarray(ptr - 20, ptr + length + 20).fill(0xee);
          bytes.set(masked, ptr);
          const title = `${filler}: ${length} bytes at ${ptr}`;
          if (exports.unmaskText(ptr, ptr, length, KEY, 0) >>> 0 !== expected) assert.unreachable(`${title}: answer`);
          if (Buffer.compare(bytes.subarray(ptr, ptr + length), text)) assert.unreachable(`${title}: bytes`);
          if (exports.validate(ptr, length, 0) >>> 0 !== expected) assert.unreachable(`${title}: validate`);
          const beside = around.findIndex((byte, i) => byte !== 0xee && (i < 20 || i >= 20 + length));
          if (beside >= 0) assert.unreachable(`${title}: written at ${beside - 20}`);
        }
      }
  });

  test(`${build}: a text cut in three anywhere is judged as it is whole, and carried as far as it is here`, () => {
    for (const data of [MIXED, fill('a😀é人', 90), fill('한', 40)]) {
      bytes.set(data, AT);
      for (let one = 0; one <= data.length; one++) {
        const first = exports.validate(AT, one, 0);
        assert.is(first >>> 0, judge(data.subarray(0, one)), `to ${one}`);
        for (let two = one; two <= data.length; two++) {
          const second = exports.validate(AT + one, two - one, first & ~UTF8_WIDE);
          const expected = judge(data.subarray(0, two));
          assert.is((second & ~UTF8_WIDE) >>> 0, (expected & ~UTF8_WIDE) >>> 0, `to ${one}, to ${two}`);
          const third = exports.validate(AT + two, data.length - two, second & ~UTF8_WIDE);
          assert.is((third & ~UTF8_WIDE) >>> 0, 0, `cut at ${one} and ${two}`);
        }
      }
    }
  });

  test(`${build}: what no text can have is refused at its first byte, whatever was carried`, () => {
    for (const one of EDGES)
      for (const two of EDGES)
        for (const three of EDGES) {
          const data = Uint8Array.of(one, two, three);
          bytes.set(data, AT);
          let carry = 0;
          for (let i = 0; i < 3 && carry !== UTF8_INVALID; i++) {
            carry = exports.validate(AT + i, 1, carry & ~UTF8_WIDE) >>> 0;
            const expected = judge(data.subarray(0, i + 1));
            if ((carry & ~UTF8_WIDE) !== (expected & ~UTF8_WIDE)) assert.unreachable(`${data} to ${i}: ${carry}`);
          }
        }
  });

  test(`${build}: a hundred thousand texts with at most a few wrong bytes, masked and cut, are judged as Node does`, () => {
    const random = new Random(3629);
    const alphabet = ['a', ' ', 'é', 'я', '人', 'ไ', '한', '😀', '\u{10ffff}', '\ud7ff', '\ue000'];
    let bad = 0;
    for (let i = 0; i < 100_000; i++) {
      const letters = Array.from({ length: 1 + random.below(4) }, () => random.pick(alphabet));
      const text = Buffer.from(Array.from({ length: random.below(90) }, () => random.pick(letters)).join(''));
      if (text.length)
        for (let wrong = random.below(3); wrong; wrong--) text[random.below(text.length)] = random.pick(EDGES);
      const cut = random.below(text.length + 1);
      const ptr = AT + random.below(64);
      const key = random.below(2 ** 32);
      const turned = Buffer.from(mask(new Uint8Array(4), key, cut)).readUInt32LE();
      bytes.set(mask(text, key), ptr);
      let answer = exports.unmaskText(ptr, ptr, cut, key, 0) >>> 0;
      if (answer !== UTF8_INVALID) {
        answer = exports.unmaskText(ptr + cut, ptr + cut, text.length - cut, turned, answer & ~UTF8_WIDE) >>> 0;
        if (Buffer.compare(bytes.subarray(ptr, ptr + text.length), text)) assert.unreachable(`text ${i} unmasked`);
      }
      const good = isUtf8(text);
      if (!good) bad++;
      if (((answer & ~UTF8_WIDE) === 0) !== good)
        assert.unreachable(`text ${i}, cut at ${cut}: ${text.toString('hex')}`);
    }
    assert.ok(bad > 30_000 && bad < 70_000, `${bad} were wrong`);
  });
}

test.run();
