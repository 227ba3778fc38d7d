/**
 * Makes conversations: messages, fragments, control frames and limits in the proportions that find mistakes, most of
 * them sound and as many with a bit, a byte or a stretch gone wrong.
 */
import type { Options } from '../reference/decoder.ts';
import type { Random } from './random.ts';
import { writeFrame } from './wire.ts';

const FRAMES_MOST = 8;
const LENGTHS = [0, 0, 1, 2, 3, 5, 15, 16, 17, 33, 64, 100, 124, 125, 126, 127, 128, 200, 300];
const CHARACTERS = [
  'a',
  'z',
  ' ',
  '\u007f',
  '\u00e9',
  '\u07ff',
  '\u0800',
  '\u20ac',
  '\ud7ff',
  '\uffff',
  '\u{10000}',
  '\u{1f680}',
  '\u{10ffff}',
];
const CODES = [1000, 1001, 1003, 1007, 1014, 3000, 4999];
const BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535];

/** Text of about so many bytes: sometimes all ASCII, now and then with something bad in it. */
function textOf(length: number, random: Random): Uint8Array {
  if (random.once(2)) return Uint8Array.from({ length }, () => 0x20 + random.below(0x5f));
  let text = '';
  while (Buffer.byteLength(text) < length) text += random.pick(CHARACTERS);
  const bytes = Buffer.from(text);
  if (bytes.length && random.once(12)) bytes[random.below(bytes.length)] = 0x80 + random.below(128);
  return random.once(16) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

function closeOf(random: Random): Uint8Array {
  if (random.once(4)) return random.bytes(random.below(3));
  const code = random.pick(random.once(4) ? BAD_CODES : CODES);
  return Buffer.concat([Uint8Array.of(code >> 8, code & 255), textOf(random.below(60), random)]);
}

/** Cuts `data` into one or more fragments, anywhere. */
function cut(data: Uint8Array, random: Random): Uint8Array[] {
  if (random.once(2)) return [data];
  const places = Array.from({ length: 1 + random.below(4) }, () => random.below(data.length + 1)).sort((a, b) => a - b);
  return [...places, data.length].map((end, i) => data.subarray(i ? places[i - 1] : 0, end));
}

function mutate(stream: Uint8Array, random: Random): Uint8Array {
  const at = random.below(stream.length);
  const [head, tail] = [stream.subarray(0, at), stream.subarray(at)];
  const kind = random.below(4);
  if (kind === 0) return Buffer.concat([head, tail.map((byte, i) => (i ? byte : byte ^ (1 << random.below(8))))]);
  if (kind === 1) return Buffer.concat([head, tail.map((byte, i) => (i ? byte : random.below(256)))]);
  if (kind === 2) return Buffer.concat([head, random.bytes(1 + random.below(3)), tail]);
  return Buffer.concat([head, tail.subarray(1 + random.below(3))]);
}

export function talk(random: Random): { stream: Uint8Array; options: Options } {
  const role = random.pick(['server', 'client'] as const);
  const frames: Uint8Array[] = [];
  const write = (opcode: number, final: boolean, data: Uint8Array) =>
    frames.push(writeFrame({ opcode, final, data, key: role === 'server' ? random.bytes(4) : undefined }));
  const total = 1 + random.below(FRAMES_MOST);
  while (frames.length < total) {
    const opcode = random.pick([1, 1, 1, 2]);
    const data = opcode === 1 ? textOf(random.pick(LENGTHS), random) : random.bytes(random.pick(LENGTHS));
    const fragments = cut(data, random);
    fragments.forEach((fragment, i) => {
      write(i ? 0 : opcode, i === fragments.length - 1, fragment);
      if (random.once(4)) write(random.pick([9, 10]), true, random.bytes(random.pick([0, 1, 4, 20, 125])));
    });
  }
  if (random.once(3)) write(8, true, closeOf(random));
  const sound = Buffer.concat(frames);
  const stream = random.once(2) ? mutate(sound, random) : sound;
  const maxMessageSize = random.once(4) ? 1 + random.below(300) : 0;
  return { stream, options: { role, maxMessageSize, validateUtf8: !random.once(8) } };
}
