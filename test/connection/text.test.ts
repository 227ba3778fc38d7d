/** Bytes to strings and back, at the lengths where another way begins; TextDecoder and TextEncoder are the judges. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeText, Scratch } from '../../src/connection/text.ts';

const test = suite('text');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

const LENGTHS = [0, 1, 8, 9, 125, 1023, 1024, 1025, 2047, 2048, 2049, 16_383, 16_384, 16_385, 70_001];
const SCRIPTS = {
  ASCII: 'a line of ASCII\n',
  'Latin-1': 'Zwölf Boxkämpfer ',
  'Latin-1 and one letter beyond it at the end': 'façade ',
  Cyrillic: 'Съешь ещё ',
  Japanese: '吾輩は猫である',
  emoji: '🦊🌍',
  'a byte order mark and NUL': '\ufeff\0ж',
};

/** `length` units of a script, of no half pairs. */
function textOf(script: keyof typeof SCRIPTS, length: number): string {
  const unit = SCRIPTS[script];
  const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  const whole = text.replace(/[\ud800-\udbff]$/, '.');
  return script.endsWith('end') && length ? `${whole.slice(0, -1)}ß→`.slice(-length) : whole;
}

/** Puts `bytes` where others lie around them, which must not be read. */
function among(bytes: Uint8Array): [bytes: Uint8Array, at: number] {
  const all = new Uint8Array(bytes.length + 7).fill(0xff);
  all.set(bytes, 3);
  return [all, 3];
}

for (const script of Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[]) {
  test(`${script} becomes a string and bytes again`, () => {
    for (const length of LENGTHS) {
      const text = textOf(script, length);
      const bytes = encoder.encode(text);
      const scratch = Scratch.take();
      assert.ok(Buffer.from(scratch.encode(text)).equals(bytes), `${length} units to bytes`);
      scratch.giveBack();
      assert.ok(decodeText(...among(bytes), bytes.length, false) === text, `${length} units from bytes`);
    }
  });
}

test('a lone surrogate becomes U+FFFD', () => {
  for (const length of LENGTHS) {
    if (!length) continue;
    for (const at of new Set([0, length >> 1, length - 1])) {
      for (const half of ['\ud83e', '\udd8a']) {
        const text = textOf('Japanese', length);
        const torn = text.slice(0, at) + half + text.slice(at + 1);
        const bytes = Buffer.from(Scratch.take().encode(torn));
        assert.ok(bytes.equals(encoder.encode(torn)), `at ${at} of ${length} units`);
      }
    }
  }
});

test('what is no UTF-8 is told with U+FFFD, as a context that is not ours may let it through', () => {
  for (const length of LENGTHS) {
    if (length < 2) continue;
    for (const at of new Set([0, length >> 1, length - 1])) {
      const bytes = encoder.encode(textOf('Cyrillic', length));
      bytes[at] = 0xff;
      assert.ok(decodeText(...among(bytes), bytes.length, false) === decoder.decode(bytes), `at ${at} of ${length}`);
    }
  }
});

test('ASCII that is known to be that becomes a string at any length', () => {
  for (const length of LENGTHS) {
    const text = textOf('ASCII', length);
    assert.ok(decodeText(...among(encoder.encode(text)), length, true) === text, `${length} bytes`);
  }
});

test.run();
