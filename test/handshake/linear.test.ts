/**
 * What a stranger sends costs linear time: ten times the input, less than forty times the work. A quadratic step, were
 * there one, would take a hundred times as long. The best of several rounds is compared, so a busy machine does no harm.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeResponse, judgeUpgrade } from '../../src/handshake/index.ts';

const test = suite('handshake/linear');

const ROUNDS = 7;
const BASE = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};

type Lines = [name: string, value: string][];

const HOSTILE: [name: string, lines: (size: number) => Lines, options?: Parameters<typeof judgeUpgrade>[1]][] = [
  ['distinct subprotocols', size => [['Sec-WebSocket-Protocol', list(size, index => `p${index}`)]]],
  [
    'distinct subprotocols and a server of many',
    size => [['Sec-WebSocket-Protocol', list(size, index => `p${index}`)]],
    { protocols: Array.from({ length: 20 }, (_, index) => `q${index}`) },
  ],
  ['one subprotocol again and again', size => [['Sec-WebSocket-Protocol', list(size, () => 'p')]]],
  ['a subprotocol of blanks', size => [['Sec-WebSocket-Protocol', `a${' '.repeat(10 * size)}b`]]],
  ['blanks and tabs between commas', size => [['Sec-WebSocket-Protocol', ' \t , \t'.repeat(size)]]],
  ['an endless token with a bad end', size => [['Sec-WebSocket-Protocol', `${'a'.repeat(10 * size)}"`]]],
  ['a line for every subprotocol', size => repeat(size, index => ['Sec-WebSocket-Protocol', `p${index}`])],
  ['extensions nobody negotiates', size => [['Sec-WebSocket-Extensions', list(size, index => `x; a=${index}`)]]],
  ['extensions of open quotes', size => [['Sec-WebSocket-Extensions', 'x; a="\\'.repeat(size)]]],
  ['a Connection of commas', size => [['Connection', ','.repeat(10 * size)]]],
  ['a Connection of blanks', size => [['Connection', `x${' '.repeat(10 * size)}x`]]],
  ['an Upgrade of many names', size => [['Upgrade', list(size, index => `h${index}`)]]],
  ['an endless key', size => [['Sec-WebSocket-Key', 'A'.repeat(10 * size)]]],
  ['an endless Origin', size => [['Origin', `http://${'a.'.repeat(5 * size)}`]]],
  [
    'an endless Host',
    size => [
      ['Origin', 'http://a'],
      ['Host', 'a'.repeat(10 * size)],
    ],
  ],
  ['many headers of one name', size => repeat(size, () => ['X-A', 'x'])],
  ['many headers', size => repeat(size, index => [`X-${index}`, 'x'])],
];

for (const [name, lines, options = {}] of HOSTILE) {
  test(`${name}: the server's work is linear`, () => {
    assertLinear(size => {
      const given = lines(size);
      const names = new Set(given.map(([each]) => each));
      const all = [...Object.entries(BASE).filter(([each]) => !names.has(each)), ...given];
      return () => judgeUpgrade(compose(all), options, false);
    });
  });
  test(`${name}: the client's work is linear`, () => {
    assertLinear(size => {
      const all = [
        ...lines(size),
        ['Upgrade', 'websocket'],
        ['Connection', 'upgrade'],
        ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
      ] as Lines;
      return () => {
        const response = compose(all);
        response.statusCode = 101;
        try {
          judgeResponse(response, { key: BASE['Sec-WebSocket-Key'], protocols: ['chat'] });
        } catch {}
      };
    });
  });
}

/** A message as the parser leaves it, made by hand so that only our own work is timed. */
function compose(lines: Lines): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.method = 'GET';
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  message.rawHeaders = lines.flat();
  return message;
}

function assertLinear(prepare: (size: number) => () => unknown) {
  const small = prepare(3_000);
  const large = prepare(30_000);
  const times = Array.from({ length: ROUNDS }, () => [clock(small), clock(large)] as const);
  const ratio = Math.min(...times.map(([, time]) => time)) / Math.max(0.05, Math.min(...times.map(([time]) => time)));
  assert.ok(ratio < 40, `ten times the input took ${ratio.toFixed(1)} times as long`);
}

function clock(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function list(size: number, item: (index: number) => string): string {
  return Array.from({ length: size }, (_, index) => item(index)).join(', ');
}

function repeat(size: number, line: (index: number) => Lines[number]): Lines {
  return Array.from({ length: size }, (_, index) => line(index));
}

test.run();
