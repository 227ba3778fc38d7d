/** Section 5: fragmented messages, and control frames between their pieces (RFC 6455 §5.4). */
import { type Case, HELLO, PING } from './cases.ts';

const FIRST = '0 000 0001 | 0 0000110 | "first "';
const MORE = '0 000 0000 | 0 0000101 | "more "';
const LAST = '1 000 0000 | 0 0000100 | "last"';

export const FRAGMENTATION: readonly Case[] = [
  ['5.1', 'ping in two fragments', ['0 000 1001 | 0 0000011 | "one"', '1 000 0000 | 0 0000011 | "two"'], 'fault 1002'],
  ['5.2', 'pong in two fragments', ['0 000 1010 | 0 0000011 | "one"', '1 000 0000 | 0 0000011 | "two"'], 'fault 1002'],
  ['5.3', 'text in two fragments', [FIRST, LAST], 'text "first last"'],
  ['5.6', 'text in two fragments, ping between', [FIRST, PING, LAST], 'pong, text "first last"'],
  ['5.9', 'continuation of nothing, FIN, then text', [LAST, HELLO], 'fault 1002'],
  ['5.12', 'continuation of nothing, no FIN, then text', [MORE, HELLO], 'fault 1002'],
  [
    '5.15',
    'text in two fragments, continuation of nothing, text',
    [FIRST, LAST, MORE, HELLO],
    'text "first last", fault 1002',
  ],
  ['5.16', 'continuation of nothing, no FIN, before each text', [MORE, FIRST, LAST, MORE, FIRST, LAST], 'fault 1002'],
  ['5.17', 'continuation of nothing, FIN, before each text', [LAST, FIRST, LAST, LAST, FIRST, LAST], 'fault 1002'],
  ['5.18', 'both fragments say text', [FIRST, '1 000 0001 | 0 0000100 | "last"'], 'fault 1002'],
  [
    '5.19',
    'text in five fragments, two pings between',
    [FIRST, MORE, '1 000 1001 | 0 0000011 | "one"', MORE, MORE, '1 000 1001 | 0 0000011 | "two"', LAST],
    'pong "one", pong "two", text "first more more more last"',
  ],
];
