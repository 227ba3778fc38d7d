/** The server's side of the handshake: which requests are upgraded, and what the others are told. */
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AcceptOptions, checkAcceptOptions, judgeUpgrade } from '../../src/handshake/index.ts';
import { parseRequest } from '../support/http.ts';

const test = suite('handshake/server');

/** The request of RFC 6455 §1.2, without Origin and subprotocols; undefined leaves a field out, an array repeats it. */
const SAMPLE: Record<string, string | string[] | undefined> = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

function sample(changes: typeof SAMPLE = {}, line = 'GET /chat HTTP/1.1'): Promise<IncomingMessage> {
  const lines = Object.entries({ ...SAMPLE, ...changes }).flatMap(([name, given]) =>
    [given ?? []].flat().map(value => `${name}: ${value}\r\n`),
  );
  return parseRequest(`${line}\r\n${lines.join('')}\r\n`);
}

async function judge(changes: typeof SAMPLE = {}, options: AcceptOptions = {}, secure = false) {
  return judgeUpgrade(await sample(changes), options, secure);
}

test('the request of RFC 6455 §1.2 gets the response of §1.2', async () => {
  const request = await sample({ Origin: 'http://example.com', 'Sec-WebSocket-Protocol': 'chat, superchat' });
  assert.equal(judgeUpgrade(request, { origin: ['http://example.com'], protocols: ['chat'] }, false), {
    status: 101,
    head:
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
    protocol: 'chat',
  });
});

const FIELDS: [name: string, changes: typeof SAMPLE, status: number, code?: string][] = [
  ['the least that is needed', {}, 101],
  [
    'names in any case',
    { upgrade: 'websocket', Upgrade: undefined, CONNECTION: 'Upgrade', Connection: undefined },
    101,
  ],
  ['values in any case', { Upgrade: 'WebSocket', Connection: 'uPGRADE' }, 101],
  [
    'blanks around values',
    { Upgrade: ' \t websocket \t', 'Sec-WebSocket-Version': '\t13 ', Connection: '  upgrade\t' },
    101,
  ],
  ['Connection as a list', { Connection: 'keep-alive, Upgrade' }, 101],
  ['Connection on two lines', { Connection: ['keep-alive', 'Upgrade'] }, 101],
  ['Upgrade as a list', { Upgrade: 'h2c, websocket' }, 101],
  ['an extension that is not known', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }, 101],
  ['an extension that is no extension', { 'Sec-WebSocket-Extensions': '";;,\\' }, 101],
  ['an empty body announced', { 'Content-Length': '0' }, 101],

  ['no Host', { Host: undefined }, 400, 'HOST'],
  ['an empty Host', { Host: '' }, 400, 'HOST'],
  ['two Hosts', { Host: ['server.example.com', 'server.example.com'] }, 400, 'HOST'],
  ['a Host with a path', { Host: 'server.example.com/x' }, 400, 'HOST'],
  ['a Host with a user', { Host: 'user@server.example.com' }, 400, 'HOST'],
  ['a Host that is two', { Host: 'a, b' }, 400, 'HOST'],
  ['no Upgrade', { Upgrade: undefined }, 426, 'UPGRADE'],
  ['an Upgrade to something else', { Upgrade: 'h2c' }, 426, 'UPGRADE'],
  ['an Upgrade that only begins so', { Upgrade: 'websockets' }, 426, 'UPGRADE'],
  ['an Upgrade behind a no-break space', { Upgrade: '\u00a0websocket' }, 426, 'UPGRADE'],
  ['no Connection', { Connection: undefined }, 400, 'CONNECTION'],
  ['Connection without upgrade', { Connection: 'keep-alive' }, 400, 'CONNECTION'],
  ['Connection naming something alike', { Connection: 'upgraded' }, 400, 'CONNECTION'],
  ['no version', { 'Sec-WebSocket-Version': undefined }, 426, 'VERSION'],
  ['version 8', { 'Sec-WebSocket-Version': '8' }, 426, 'VERSION'],
  ['version 13 spelt otherwise', { 'Sec-WebSocket-Version': '013' }, 426, 'VERSION'],
  ['version 13.0', { 'Sec-WebSocket-Version': '13.0' }, 426, 'VERSION'],
  ['versions as a list', { 'Sec-WebSocket-Version': '13, 8' }, 426, 'VERSION'],
  ['version 13 twice', { 'Sec-WebSocket-Version': ['13', '13'] }, 426, 'VERSION'],
  ['another version without a key', { 'Sec-WebSocket-Version': '0', 'Sec-WebSocket-Key': undefined }, 426, 'VERSION'],
  ['no key', { 'Sec-WebSocket-Key': undefined }, 400, 'KEY'],
  ['an empty key', { 'Sec-WebSocket-Key': '' }, 400, 'KEY'],
  ['two keys', { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }, 400, 'KEY'],
  ['a key of 15 bytes', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j' }, 400, 'KEY'],
  ['a key of 17 bytes', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZXM=' }, 400, 'KEY'],
  ['a key without padding', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }, 400, 'KEY'],
  ['a key in the other alphabet', { 'Sec-WebSocket-Key': '-_hlIHNhbXBsZSBub25jZQ==' }, 400, 'KEY'],
  ['a key with a blank', { 'Sec-WebSocket-Key': 'dGhlIHNh XBsZSBub25jZQ==' }, 400, 'KEY'],
  ['a body of known length', { 'Content-Length': '5' }, 400, 'BODY'],
  ['a body in chunks', { 'Transfer-Encoding': 'chunked' }, 400, 'BODY'],
  ['two Origins', { Origin: ['http://server.example.com', 'http://evil.example'] }, 403, 'ORIGIN'],
];
for (const [name, changes, status, code] of FIELDS) {
  test(`${name}: ${status}`, async () => {
    const judgement = await judge(changes);
    assert.is(judgement.status, status);
    if (judgement.status !== 101) assert.is(judgement.code, `ERR_HANDSHAKE_${code}`);
  });
}

for (const method of ['POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE']) {
  test(`${method} gets 405 and hears of GET`, async () => {
    const judgement = judgeUpgrade(await sample({}, `${method} /chat HTTP/1.1`), {}, false);
    assert.is(judgement.status, 405);
    if (judgement.status === 101) return;
    assert.is(judgement.code, 'ERR_HANDSHAKE_METHOD');
    assert.equal(judgement.headers, { Allow: 'GET' });
  });
}

test('HTTP/1.0 gets 400', async () => {
  const judgement = judgeUpgrade(await sample({}, 'GET /chat HTTP/1.0'), {}, false);
  assert.is(judgement.status, 400);
  assert.is(judgement.status === 400 && judgement.code, 'ERR_HANDSHAKE_HTTP_VERSION');
});

const ORIGINS: [origin: string | undefined, host: string, secure: boolean, same: boolean][] = [
  [undefined, 'example.com', false, true],
  ['http://example.com', 'example.com', false, true],
  ['http://example.com', 'EXAMPLE.com', false, true],
  ['HTTP://Example.COM', 'example.com', false, true],
  ['http://example.com:80', 'example.com', false, true],
  ['http://example.com', 'example.com:80', false, true],
  ['http://example.com:8080', 'example.com:8080', false, true],
  ['https://example.com', 'example.com', true, true],
  ['https://example.com:443', 'example.com', true, true],
  ['https://example.com', 'example.com:443', true, true],
  ['http://127.0.0.1:3000', '127.0.0.1:3000', false, true],
  ['http://[::1]', '[::1]', false, true],
  ['http://[::1]:8080', '[0:0:0:0:0:0:0:1]:8080', false, true],
  ['https://[2001:DB8::1]', '[2001:db8::1]:443', true, true],
  // A proxy has ended TLS in front of us.
  ['https://example.com', 'example.com', false, true],
  ['https://example.com:8443', 'example.com:8443', false, true],
  ['https://example.com', 'example.com:80', false, false],

  // A page that came in the clear, and a server that speaks TLS.
  ['http://example.com', 'example.com', true, false],
  ['http://example.com:443', 'example.com:443', true, false],
  ['http://example.com', 'example.com:8080', false, false],
  ['http://example.com:8080', 'example.com', false, false],
  ['http://www.example.com', 'example.com', false, false],
  ['http://example.com.evil.example', 'example.com', false, false],
  ['http://evil.example', 'example.com', false, false],
  ['http://example.com@evil.example', 'example.com', false, false],
  ['http://[::2]', '[::1]', false, false],
  ['null', 'example.com', false, false],
  ['null', 'null', false, false],
  ['', 'example.com', false, false],
  ['example.com', 'example.com', false, false],
  ['http:example.com', 'example.com', false, false],
  ['http://', 'example.com', false, false],
  ['http://example.com http://example.com', 'example.com', false, false],
  ['file://example.com', 'example.com', false, false],
  ['chrome-extension://example.com', 'example.com', false, false],
  ['http://example.com:99999', 'example.com:99999', false, false],
  ['http://exa mple.com', 'example.com', false, false],
  ['ws://example.com', 'example.com', false, false],
];
for (const [origin, host, secure, same] of ORIGINS) {
  test(`Origin ${origin ?? 'absent'} and Host ${host}${secure ? ' over TLS' : ''} are ${same ? '' : 'not '}the same`, async () => {
    const judgement = await judge({ Origin: origin, Host: host }, {}, secure);
    assert.is(judgement.status, same ? 101 : 403);
  });
}

const RULES: [name: string, rule: AcceptOptions['origin'], origin: string | undefined, status: number][] = [
  ["'*' admits any", '*', 'http://evil.example', 101],
  ["'*' admits null", '*', 'null', 101],
  ["'*' admits none", '*', undefined, 101],
  ["'same' by name", 'same', 'http://evil.example', 403],
  ['a list admits what is on it', ['http://a.example', 'https://b.example'], 'https://b.example', 101],
  ['a list is compared as origins are', ['HTTPS://B.example:443/'], 'https://b.example', 101],
  ['a list refuses what is not on it', ['http://a.example'], 'http://b.example', 403],
  ['a list does not mind its own beginning', ['http://a.example'], 'http://a.example.evil.example', 403],
  ['a list may hold null', ['null'], 'null', 101],
  ['null is not on another list', ['http://a.example'], 'null', 403],
  ['two origins that are no URLs are not alike', ['app://a'], 'app://b', 403],
  ['a list may hold another scheme', ['chrome-extension://abc'], 'chrome-extension://abc', 101],
  ['a list refuses an absent Origin', ['http://a.example'], undefined, 403],
  ['an empty list admits no one', [], 'http://a.example', 403],
  ['a test that says yes', () => true, 'null', 101],
  ['a test that says no', () => false, undefined, 403],
];
for (const [name, rule, origin, status] of RULES) {
  test(`origin: ${name}`, async () => {
    const judgement = await judge({ Origin: origin }, rule === undefined ? {} : { origin: rule });
    assert.is(judgement.status, status);
    if (judgement.status !== 101) assert.is(judgement.code, 'ERR_HANDSHAKE_ORIGIN');
  });
}

test('a test of the Origin sees it, or undefined, and the request', async () => {
  const seen: unknown[] = [];
  const origin = (given: string | undefined, request: IncomingMessage) => seen.push(given, request.url) > 0;
  await judge({ Origin: 'http://a.example' }, { origin });
  await judge({}, { origin });
  assert.equal(seen, ['http://a.example', '/chat', undefined, '/chat']);
});

test('a test of the Origin that answers later admits no one', async () => {
  const origin = (async () => true) as unknown as () => boolean;
  const judgement = await judge({}, { origin });
  assert.is(judgement.status, 500);
  assert.is(judgement.status === 500 && judgement.code, 'ERR_HANDSHAKE_APPLICATION');
});

const PROTOCOLS: [
  name: string,
  offered: string | string[] | undefined,
  rule: AcceptOptions['protocols'],
  protocol: string,
][] = [
  ['the server has none', 'chat', undefined, ''],
  ['the client has none', undefined, ['chat'], ''],
  ['none in common', 'a, b', ['c'], ''],
  ['the server prefers', 'a, b, c', ['x', 'c', 'a'], 'c'],
  ['case counts', 'Chat', ['chat'], ''],
  ['offered on two lines', ['a', 'b'], ['b'], 'b'],
  ['blanks and empty items', ' ,\t b ,,', ['b'], 'b'],
  ['a duplicate spoils the offer', 'a, b, a', ['a'], ''],
  ['a bad token spoils the offer', 'a, b"', ['a'], ''],
  ['a function chooses', 'a, b', offered => offered[1], 'b'],
  ['a function declines', 'a, b', () => undefined, ''],
];
for (const [name, offered, rule, protocol] of PROTOCOLS) {
  test(`subprotocols: ${name}`, async () => {
    const judgement = await judge({ 'Sec-WebSocket-Protocol': offered }, rule === undefined ? {} : { protocols: rule });
    assert.is(judgement.status, 101);
    if (judgement.status !== 101) return;
    assert.is(judgement.protocol, protocol);
    const line = protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
    assert.is(judgement.head.match(/Sec-WebSocket-Protocol.*\r\n/)?.[0] ?? '', line);
  });
}

test('a choice that was not offered is the application at fault, and is not sent', async () => {
  for (const choice of ['chat', '', 'a\r\nX-Evil: y']) {
    for (const offered of [undefined, 'a', 'a, a']) {
      const judgement = await judge({ 'Sec-WebSocket-Protocol': offered }, { protocols: () => choice });
      assert.is(judgement.status, 500);
      assert.is(judgement.status === 500 && judgement.code, 'ERR_HANDSHAKE_APPLICATION');
    }
  }
});

test('a choice sees what was offered and the request', async () => {
  const seen: unknown[] = [];
  const protocols = (offered: readonly string[], request: IncomingMessage) => {
    seen.push(offered, request.url);
    return undefined;
  };
  await judge({ 'Sec-WebSocket-Protocol': 'b, a' }, { protocols });
  await judge({ 'Sec-WebSocket-Protocol': 'b, b' }, { protocols });
  assert.equal(seen, [['b', 'a'], '/chat', [], '/chat']);
});

test('what the application throws is its own', async () => {
  const error = new Error('mine');
  const fail = () => {
    throw error;
  };
  const request = await sample({ 'Sec-WebSocket-Protocol': 'a' });
  assert.throws(
    () => judgeUpgrade(request, { origin: fail }, false),
    (caught: unknown) => caught === error,
  );
  assert.throws(
    () => judgeUpgrade(request, { protocols: fail }, false),
    (caught: unknown) => caught === error,
  );
});

test('extra headers follow our own, and those that cannot be sent throw', async () => {
  const judgement = await judge({}, { headers: { 'X-A': 1, 'Set-Cookie': ['a=b', 'c=d'] } });
  assert.ok(
    judgement.status === 101 &&
      judgement.head.endsWith(`${ACCEPT}\r\nX-A: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n`),
  );
  const request = await sample();
  assert.throws(() => judgeUpgrade(request, { headers: { 'X-A': 'b\r\nX: y' } }, false), /remove or encode the rest/);
  assert.throws(() => judgeUpgrade(request, { headers: { Upgrade: 'x' } }, false), /leave it out/);
});

test('options that no request could make right throw at once', async () => {
  const wrong: [options: unknown, message: RegExp][] = [
    [{ origin: 'http://a.example' }, /must be 'same', '\*', an array of origins or a function/],
    [{ origin: null }, /must be 'same'/],
    [{ origin: ['http://a', 5] }, /must be 'same'/],
    [{ protocols: 'chat' }, /as an array/],
    [{ protocols: ['a b'] }, /is no HTTP token/],
    [{ headers: { 'X-A': '\n' } }, /remove or encode the rest/],
    [{ headers: new Headers({ 'X-A': 'b' }) }, /Object\.fromEntries/],
  ];
  const request = await sample({ Origin: 'http://a', 'Sec-WebSocket-Protocol': 'chat' });
  for (const [options, message] of wrong) {
    for (const check of [checkAcceptOptions, (given: AcceptOptions) => judgeUpgrade(request, given, false)]) {
      assert.throws(
        () => check(options as AcceptOptions),
        (error: Error) => error instanceof TypeError && message.test(error.message),
      );
    }
  }
});

test('two thousand headers around the handshake change nothing', async () => {
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`X-${index}`, 'x'.repeat(20)]));
  assert.is((await judge(many)).status, 101);
});

test('whatever a stranger sends is judged, and nothing of it but a subprotocol comes back', async () => {
  const names = [...Object.keys(SAMPLE), 'Origin', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'X-A'];
  const unit = fc.constantFrom(
    ...'\t ,;:="/\\@#?[]%\u00a0\u00e9azAZ09-+',
    'websocket',
    'upgrade',
    '13',
    'http://',
    'zq',
    'zq',
  );
  const lines = fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ unit, maxLength: 12 })), { maxLength: 3 });
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(lines, async given => {
      const judgement = await judge(Object.fromEntries(given), { protocols: offered => offered[0] });
      seen.add(judgement.status);
      if (judgement.status !== 101) return assert.not.match(judgement.message, /zq/);
      const expected = [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        /^Sec-WebSocket-Accept: [\w+/]{27}=$/,
        ...(judgement.protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${judgement.protocol}`]),
        '',
        '',
      ];
      const sent = judgement.head.split('\r\n');
      assert.is(sent.length, expected.length);
      for (const [index, line] of expected.entries()) assert.match(sent[index]!, line);
      assert.match(judgement.protocol, /^[!-~]*$/);
    }),
    { seed: 6455, numRuns: 1000 },
  );
  assert.equal([...seen].sort(), [101, 400, 403, 426]);
});

test.run();
