/**
 * Section 6: UTF-8 (RFC 6455 §8.1). The texts of its subsections 6.5 to 6.23 are those of vectors/utf8.ts, each sent whole
 * and in fragments of one byte.
 */
import { TEXTS, VALID } from '../utf8.ts';
import type { Case } from './cases.ts';

const bits = (length: number) => length.toString(2).padStart(7, '0');

const whole = (hex: string, length: number) => [`1 000 0001 | 0 ${bits(length)}${hex && ` | ${hex}`}`];
const byBytes = (bytes: readonly string[]) => [
  ...bytes.map((byte, i) => `0 000 ${i ? '0000' : '0001'} | 0 0000001 | ${byte}`),
  '1 000 0000 | 0 0000000',
];

function answerTo(hex: string): string {
  const text = Buffer.from(hex.replaceAll(' ', ''), 'hex').toString();
  return text === '' ? 'text' : `text "${text}"`;
}

export const TEXT: readonly Case[] = [
  ['6.1.1', 'empty text', ['1 000 0001 | 0 0000000'], 'text'],
  [
    '6.1.2',
    'three empty fragments',
    ['0 000 0001 | 0 0000000', '0 000 0000 | 0 0000000', '1 000 0000 | 0 0000000'],
    'text',
  ],
  [
    '6.1.3',
    'a text between two empty fragments',
    ['0 000 0001 | 0 0000000', '0 000 0000 | 0 0000101 | "Hello"', '1 000 0000 | 0 0000000'],
    'text "Hello"',
  ],
  ['6.2.1', 'text of several lengths of character', ['1 000 0001 | 0 0010001 | "Grüße, 漢 🚀"'], 'text "Grüße, 漢 🚀"'],
  [
    '6.2.2',
    'two fragments, cut between characters',
    ['0 000 0001 | 0 0000011 | "漢"', '1 000 0000 | 0 0000100 | "🚀"'],
    'text "漢🚀"',
  ],
  [
    '6.2.3',
    'two fragments, cut inside a character',
    ['0 000 0001 | 0 0000101 | e6 bc a2 f0 9f', '1 000 0000 | 0 0000010 | 9a 80'],
    'text "漢🚀"',
  ],
  [
    '6.2.4',
    'a ping inside a character',
    ['0 000 0001 | 0 0000010 | f0 9f', '1 000 1001 | 0 0000001 | ff', '1 000 0000 | 0 0000010 | 9a 80'],
    'pong <ff>, text "🚀"',
  ],
  ['6.3.1', 'a surrogate inside text', ['1 000 0001 | 0 0000111 | 61 62 ed a0 80 63 64'], 'fault 1007'],
  [
    '6.4.1',
    'a bad second fragment, and no last one',
    ['0 000 0001 | 0 0000010 | ce ba', '0 000 0000 | 0 0000100 | f4 90 80 80'],
    'fault 1007',
  ],
  [
    '6.4.2',
    'the same, cut inside the bad character',
    ['0 000 0001 | 0 0000011 | ce ba f4', '0 000 0000 | 0 0000001 | 90'],
    'fault 1007',
  ],
  [
    '6.4.3',
    'a bad character in a frame of which more is to come',
    ['1 000 0001 | 0 0010100 | ce ba f4 90'],
    'fault 1007',
  ],
  [
    '6.4.4',
    'a valid text, then a bad one of which more is to come',
    ['1 000 0001 | 0 0000011 | "漢"', '0 000 0001 | 0 0010100 | 61 ff'],
    'text "漢", fault 1007',
  ],
  ...TEXTS.flatMap(([title, hex, verdict]): Case[] => {
    const bytes = hex.split(' ').filter(byte => byte !== '');
    const answer = verdict === VALID ? answerTo(hex) : 'fault 1007';
    return [
      ['6.5-6.23', title, whole(hex, bytes.length), answer],
      ...(bytes.length ? [['6.5-6.23', `${title}, byte by byte`, byBytes(bytes), answer] as const] : []),
    ];
  }),
];
