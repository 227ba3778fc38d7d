/** Sections 1, 3 and 4: frames of every length, reserved bits (RFC 6455 §5.2) and reserved opcodes. */
import { type Case, HELLO, PING } from './cases.ts';

export const FRAMING: readonly Case[] = [
  ['1.1.1', 'text, empty', ['1 000 0001 | 0 0000000'], 'text'],
  ['1.1.2', 'text of 125 bytes', ['1 000 0001 | 0 1111101 | 125*2a'], 'text 125 bytes'],
  ['1.1.3', 'text of 126 bytes', ['1 000 0001 | 0 1111110 | 00 7e | 126*2a'], 'text 126 bytes'],
  ['1.1.4', 'text of 127 bytes', ['1 000 0001 | 0 1111110 | 00 7f | 127*2a'], 'text 127 bytes'],
  ['1.1.5', 'text of 128 bytes', ['1 000 0001 | 0 1111110 | 00 80 | 128*2a'], 'text 128 bytes'],
  ['1.1.6', 'text of 65,535 bytes', ['1 000 0001 | 0 1111110 | ff ff | 65535*2a'], 'text 65535 bytes'],
  [
    '1.1.7',
    'text of 65,536 bytes',
    ['1 000 0001 | 0 1111111 | 00 00 00 00 00 01 00 00 | 65536*2a'],
    'text 65536 bytes',
  ],
  ['1.2.1', 'binary, empty', ['1 000 0010 | 0 0000000'], 'binary'],
  ['1.2.2', 'binary of 125 bytes', ['1 000 0010 | 0 1111101 | 125*fe'], 'binary 125 bytes'],
  ['1.2.3', 'binary of 126 bytes', ['1 000 0010 | 0 1111110 | 00 7e | 126*fe'], 'binary 126 bytes'],
  ['1.2.4', 'binary of 127 bytes', ['1 000 0010 | 0 1111110 | 00 7f | 127*fe'], 'binary 127 bytes'],
  ['1.2.5', 'binary of 128 bytes', ['1 000 0010 | 0 1111110 | 00 80 | 128*fe'], 'binary 128 bytes'],
  ['1.2.6', 'binary of 65,535 bytes', ['1 000 0010 | 0 1111110 | ff ff | 65535*fe'], 'binary 65535 bytes'],
  [
    '1.2.7',
    'binary of 65,536 bytes',
    ['1 000 0010 | 0 1111111 | 00 00 00 00 00 01 00 00 | 65536*fe'],
    'binary 65536 bytes',
  ],
];

export const RESERVED_BITS: readonly Case[] = [
  ['3.1', 'text with RSV 1', ['1 001 0001 | 0 0000101 | "Hello"'], 'fault 1002'],
  ['3.2', 'text, text with RSV 2, ping', [HELLO, '1 010 0001 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['3.3', 'text, text with RSV 3, ping', [HELLO, '1 011 0001 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['3.4', 'text, text with RSV 4, ping', [HELLO, '1 100 0001 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['3.5', 'binary with RSV 5', ['1 101 0010 | 0 0000011 | 00 ff 80'], 'fault 1002'],
  ['3.6', 'ping with RSV 6', ['1 110 1001 | 0 0000101 | "Hello"'], 'fault 1002'],
  ['3.7', 'CLOSE with RSV 7', ['1 111 1000 | 0 0000010 | 03 e8'], 'fault 1002'],
];

export const OPCODES: readonly Case[] = [
  ['4.1.1', 'opcode 3', ['1 000 0011 | 0 0000000'], 'fault 1002'],
  ['4.1.2', 'opcode 4 with a payload', ['1 000 0100 | 0 0000101 | "Hello"'], 'fault 1002'],
  ['4.1.3', 'text, opcode 5, ping', [HELLO, '1 000 0101 | 0 0000000', PING], 'text "Hello", fault 1002'],
  ['4.1.4', 'text, opcode 6, ping', [HELLO, '1 000 0110 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['4.1.5', 'text, opcode 7, ping', [HELLO, '1 000 0111 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['4.2.1', 'opcode 11', ['1 000 1011 | 0 0000000'], 'fault 1002'],
  ['4.2.2', 'opcode 12 with a payload', ['1 000 1100 | 0 0000101 | "Hello"'], 'fault 1002'],
  ['4.2.3', 'text, opcode 13, ping', [HELLO, '1 000 1101 | 0 0000000', PING], 'text "Hello", fault 1002'],
  ['4.2.4', 'text, opcode 14, ping', [HELLO, '1 000 1110 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
  ['4.2.5', 'text, opcode 15, ping', [HELLO, '1 000 1111 | 0 0000101 | "Hello"', PING], 'text "Hello", fault 1002'],
];
