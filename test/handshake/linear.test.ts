/**
 * What a stranger sends costs linear time: judging an input ten times as long takes about as long as judging the short one
 * ten times. A quadratic step would take ten times that. The best of several rounds is compared and four times is allowed,
 * so a busy machine does no harm.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AcceptOptions, HandshakeError, judgeResponse, judgeUpgrade } from '../../src/handshake/index.ts';
import { parseRequest, parseResponse } from '../support/http.ts';

const test = suite('handshake/linear');

const ROUNDS = 5;
const SHORT = 3_000;
/** Below this the clock and the collector say more than the work. */
const FLOOR_MS = 1;

type Fields = [name: string, value: string][];
type Hostile = [name: string, fields: (size: number) => Fields, expected: string, options?: AcceptOptions];

const BASE = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};
const MANY = { protocols: Array.from({ length: 20 }, (_, index) => `q${index}`) };

const REQUESTS: Hostile[] = [
  ['distinct subprotocols', size => [['Sec-WebSocket-Protocol', list(size, 'p')]], ''],
  ['distinct subprotocols and a server of many', size => [['Sec-WebSocket-Protocol', list(size, 'p')]], '', MANY],
  ['one subprotocol again and again', size => [['Sec-WebSocket-Protocol', 'p, '.repeat(size)]], ''],
  ['blanks within a subprotocol', size => [['Sec-WebSocket-Protocol', within(' ', size)]], ''],
  ['blanks before a comma', size => [['Sec-WebSocket-Protocol', `${within(' ', size).slice(0, -1)}, b`]], ''],
  ['blanks and tabs between commas', size => [['Sec-WebSocket-Protocol', `a${' \t , \t'.repeat(size)}`]], ''],
  ['an endless token with a bad end', size => [['Sec-WebSocket-Protocol', `${'a'.repeat(10 * size)}"`]], ''],
  ['a line for every subprotocol', size => each(size, index => ['Sec-WebSocket-Protocol', `p${index}`]), ''],
  ['extensions nobody negotiates', size => [['Sec-WebSocket-Extensions', list(size, 'x; a=')]], ''],
  ['extensions of open quotes', size => [['Sec-WebSocket-Extensions', 'x; a="\\'.repeat(size)]], ''],
  ['a Connection of commas', size => [['Connection', within(',', size)]], 'ERR_HANDSHAKE_CONNECTION'],
  ['a Connection of blanks', size => [['Connection', within(' ', size)]], 'ERR_HANDSHAKE_CONNECTION'],
  ['an Upgrade of many names', size => [['Upgrade', list(size, 'h')]], 'ERR_HANDSHAKE_UPGRADE'],
  ['an endless key', size => [['Sec-WebSocket-Key', 'A'.repeat(10 * size)]], 'ERR_HANDSHAKE_KEY'],
  ['an endless Origin', size => [['Origin', `http://${'a.'.repeat(5 * size)}`]], 'ERR_HANDSHAKE_ORIGIN'],
  ['an Origin of blanks', size => [['Origin', within(' ', size)]], 'ERR_HANDSHAKE_ORIGIN'],
  ['an endless Host', size => [['Host', 'a'.repeat(10 * size)]], ''],
  ['many headers of one name', size => each(size, () => ['X-A', 'x']), ''],
  ['many headers', size => each(size, index => [`X-${index}`, 'x']), ''],
];
for (const [name, fields, expected, options = {}] of REQUESTS) {
  test(`a request with ${name} is judged in linear time`, () =>
    compare(async size => {
      const request = await parseRequest(`GET / HTTP/1.1\r\n${compose(BASE, fields(size))}`);
      return () => {
        const judgement = judgeUpgrade(request, options, false);
        assert.is(judgement.status === 101 ? '' : judgement.code, expected);
      };
    }));
}

const RIGHT = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' };

const RESPONSES: Hostile[] = [
  ['a Connection of commas', size => [['Connection', `upgrade, ${within(',', size)}`]], ''],
  ['a Connection of blanks', size => [['Connection', `upgrade, ${within(' ', size)}`]], ''],
  ['an endless Accept', size => [['Sec-WebSocket-Accept', 'A'.repeat(10 * size)]], 'ERR_HANDSHAKE_ACCEPT'],
  ['an Accept of blanks', size => [['Sec-WebSocket-Accept', within(' ', size)]], 'ERR_HANDSHAKE_ACCEPT'],
  ['a list of subprotocols', size => [['Sec-WebSocket-Protocol', list(size, 'p')]], 'ERR_HANDSHAKE_PROTOCOL'],
  ['extensions', size => [['Sec-WebSocket-Extensions', list(size, 'x; a=')]], 'ERR_HANDSHAKE_EXTENSION'],
  ['many headers', size => each(size, index => [`X-${index}`, 'x']), ''],
];
for (const [name, fields, expected] of RESPONSES) {
  test(`a response with ${name} is judged in linear time`, () =>
    compare(async size => {
      const text = `HTTP/1.1 101 Switching Protocols\r\n${compose(RIGHT, fields(size))}`;
      const response = await parseResponse(() => text, { Upgrade: 'websocket', Connection: 'Upgrade' });
      return () => {
        let code = '';
        try {
          judgeResponse(response, { key: BASE['Sec-WebSocket-Key'], protocols: ['chat'] });
        } catch (error) {
          assert.instance(error, HandshakeError);
          code = (error as HandshakeError).code;
        }
        assert.is(code, expected);
      };
    }));
}

async function compare(prepare: (size: number) => Promise<() => void>) {
  const short = await prepare(SHORT);
  const long = await prepare(10 * SHORT);
  let shortest = Number.POSITIVE_INFINITY;
  let longest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    shortest = Math.min(shortest, clock(short, 10));
    longest = Math.min(longest, clock(long, 1));
    if (longest < 4 * Math.max(shortest, FLOOR_MS)) return;
  }
  assert.unreachable(`ten short ones took ${shortest.toFixed(1)} ms, one ten times as long ${longest.toFixed(1)} ms`);
}

function clock(work: () => void, times: number): number {
  const started = performance.now();
  for (let time = 0; time < times; time++) work();
  return performance.now() - started;
}

/** The head's fields: the given ones instead of the base's of the same name. */
function compose(base: Record<string, string>, given: Fields): string {
  const names = new Set(given.map(([name]) => name));
  const fields = [...Object.entries(base).filter(([name]) => !names.has(name)), ...given];
  return `${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function list(size: number, prefix: string): string {
  return Array.from({ length: size }, (_, index) => `${prefix}${index}`).join(', ');
}

function within(filling: string, size: number): string {
  return `a${filling.repeat(10 * size)}b`;
}

function each(size: number, field: (index: number) => Fields[number]): Fields {
  return Array.from({ length: size }, (_, index) => field(index));
}

test.run();
