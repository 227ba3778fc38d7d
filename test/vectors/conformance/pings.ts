/** Section 2: pings and pongs (RFC 6455 §5.5.2, §5.5.3). */
import { type Case, PING } from './cases.ts';

const TEN = Array.from({ length: 10 }, (_, i) => `1 000 1001 | 0 0000110 | "ping ${i}"`);

export const PINGS: readonly Case[] = [
  ['2.1', 'ping without payload', [PING], 'pong'],
  ['2.2', 'ping with text', ['1 000 1001 | 0 0000101 | "Hello"'], 'pong "Hello"'],
  ['2.3', 'ping with bytes that are no text', ['1 000 1001 | 0 0000101 | 00 ff fe fd 80'], 'pong <00fffefd80>'],
  ['2.4', 'ping of 125 bytes', ['1 000 1001 | 0 1111101 | 125*fe'], 'pong 125 bytes'],
  ['2.5', 'ping of 126 bytes', ['1 000 1001 | 0 1111110 | 00 7e | 126*fe'], 'fault 1002'],
  ['2.6', 'ping of 125 bytes, text', ['1 000 1001 | 0 1111101 | 125*2a'], 'pong 125 bytes'],
  ['2.7', 'pong that nobody asked for', ['1 000 1010 | 0 0000000'], ''],
  ['2.8', 'pong that nobody asked for, with payload', ['1 000 1010 | 0 0000101 | "Hello"'], ''],
  ['2.9', 'pong, then ping', ['1 000 1010 | 0 0000101 | "Hello"', '1 000 1001 | 0 0000100 | "ping"'], 'pong "ping"'],
  ['2.10', 'ten pings', TEN, TEN.map((_, i) => `pong "ping ${i}"`).join(', ')],
];
