/** Section 7: the closing handshake (RFC 6455 §5.5.1, §7.1, §7.4). */
import { type Case, CLOSE, HELLO, PING } from './cases.ts';

const closeWith = (code: number) =>
  `1 000 1000 | 0 0000010 | ${code
    .toString(16)
    .padStart(4, '0')
    .replace(/(..)(..)/, '$1 $2')}`;

/** Those of §7.4.1, those registered since (1012 to 1014), and the ends of what is free to use (§7.4.2). */
const GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

export const CLOSING: readonly Case[] = [
  ['7.1.1', 'text, then CLOSE', [HELLO, CLOSE], 'text "Hello", close 1000'],
  ['7.1.2', 'CLOSE twice', [CLOSE, CLOSE], 'close 1000'],
  ['7.1.3', 'CLOSE, then ping', [CLOSE, PING], 'close 1000'],
  ['7.1.4', 'CLOSE, then text', [CLOSE, HELLO], 'close 1000'],
  [
    '7.1.5',
    'a fragment, CLOSE, the last fragment',
    ['0 000 0001 | 0 0000101 | "Hello"', CLOSE, '1 000 0000 | 0 0000101 | "Hello"'],
    'close 1000',
  ],
  [
    '7.1.6',
    'much text, CLOSE, ping',
    ['1 000 0001 | 0 1111111 | 00 00 00 00 00 04 00 00 | 262144*2a', CLOSE, PING],
    'text 262144 bytes, close 1000',
  ],
  ['7.3.1', 'CLOSE without payload', ['1 000 1000 | 0 0000000'], 'close'],
  ['7.3.2', 'CLOSE of one byte', ['1 000 1000 | 0 0000001 | 03'], 'fault 1002'],
  ['7.3.3', 'CLOSE with a code', [CLOSE], 'close 1000'],
  ['7.3.4', 'CLOSE with code and reason', ['1 000 1000 | 0 0000111 | 03 e8 | "Hello"'], 'close 1000 Hello'],
  [
    '7.3.5',
    'CLOSE with the longest reason',
    ['1 000 1000 | 0 1111101 | 03 e8 | 123*2a'],
    `close 1000 ${'*'.repeat(123)}`,
  ],
  ['7.3.6', 'CLOSE with a reason too long', ['1 000 1000 | 0 1111110 | 00 7e | 03 e8 | 124*2a'], 'fault 1002'],
  ['7.5.1', 'CLOSE with a reason that is no text', ['1 000 1000 | 0 0000111 | 03 e8 | ce ba ed a0 80'], 'fault 1007'],
  ...GOOD_CODES.map((code): Case => ['7.7', `CLOSE with ${code}`, [closeWith(code)], `close ${code}`]),
  ...BAD_CODES.map((code): Case => ['7.9, 7.13', `CLOSE with ${code}`, [closeWith(code)], 'fault 1002']),
];
