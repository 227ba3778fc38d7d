/** The client's side of the handshake: what it asks, and which answers it takes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  composeRequest,
  HandshakeError,
  judgeResponse,
  judgeUpgrade,
  parseAddress,
  type RequestOptions,
} from '../../src/handshake/index.ts';
import { parseRequest, parseResponse } from '../support/http.ts';

const test = suite('handshake/client');

const ADDRESS = parseAddress('ws://user:secret@server.example.com:8080/chat?x');
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

test('a request has the fields of §4.1', () => {
  const { headers, key, protocols } = composeRequest(ADDRESS, {
    protocols: ['chat', 'superchat'],
    origin: 'http://example.com',
  });
  assert.equal(headers, {
    Host: 'server.example.com:8080',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'chat, superchat',
    Origin: 'http://example.com',
    Authorization: 'Basic dXNlcjpzZWNyZXQ=',
  });
  assert.equal(protocols, ['chat', 'superchat']);
});

test('without options there is nothing optional', () => {
  const names = Object.keys(composeRequest(parseAddress('ws://a')).headers);
  assert.equal(names, ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version']);
});

test('every key is sixteen bytes, and new', () => {
  const keys = Array.from({ length: 1000 }, () => composeRequest(ADDRESS).key);
  assert.is(new Set(keys).size, keys.length);
  for (const key of keys)
    assert.is(Buffer.from(key, 'base64').toString('base64').length === 24 && Buffer.from(key, 'base64').length, 16);
});

test('Host, Origin and Authorization may be given, in any case, and stand once', () => {
  const given = {
    HOST: 'b',
    origin: 'http://b',
    authorization: 'Bearer x',
    'X-A': ['1', '2'],
    Gone: undefined,
    host: undefined,
  };
  const { headers } = composeRequest(ADDRESS, { headers: given, origin: 'http://c' });
  const { Upgrade, Connection, 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': version, ...rest } = headers;
  assert.equal([Upgrade, Connection, typeof key, version], ['websocket', 'Upgrade', 'string', '13']);
  assert.equal(rest, { HOST: 'b', origin: 'http://b', authorization: 'Bearer x', 'X-A': ['1', '2'] });
});

const MISUSES: [name: string, options: RequestOptions, message: RegExp][] = [
  ['a line break in a value', { headers: { 'X-A': 'a\r\nX: y' } }, /remove or encode the rest/],
  ['a line break in a name', { headers: { 'X\r\nA': 'a' } }, /is no header name/],
  ['a line break in the origin', { origin: 'http://a\r\nX: y' }, /remove or encode the rest/],
  ['an origin that is no string', { origin: {} as string }, /header Origin must be a string/],
  ['a line break in a subprotocol', { protocols: ['a\r\nX: y'] }, /is no HTTP token/],
  ['a comma in a subprotocol', { protocols: ['a, b'] }, /is no HTTP token/],
  ['an empty subprotocol', { protocols: [''] }, /is no HTTP token/],
  ['a subprotocol twice', { protocols: ['a', 'a'] }, /given twice/],
  ['subprotocols as one string', { protocols: 'chat' as unknown as string[] }, /as an array/],
  ['a Host that breaks out', { headers: { Host: 'a\nb' } }, /remove or encode the rest/],
  ...[
    'Upgrade',
    'connection',
    'Sec-WebSocket-Key',
    'sec-websocket-version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Content-Length',
    'Transfer-Encoding',
  ].map((name): [string, RequestOptions, RegExp] => [
    `${name} as an extra header`,
    { headers: { [name]: '1' } },
    /leave it out/,
  ]),
];
for (const [name, options, message] of MISUSES) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => composeRequest(ADDRESS, options),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test('our server accepts our request and our client its response', async () => {
  const sent = composeRequest(ADDRESS, {
    protocols: ['chat', 'superchat'],
    origin: 'http://server.example.com:8080',
    headers: { 'X-A': 'b' },
  });
  let head = '';
  const response = await parseResponse(
    request => (head = request) && 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    sent.headers,
  );
  assert.is(response.statusCode, 200);
  const judgement = judgeUpgrade(
    await parseRequest(head),
    { protocols: ['superchat'], headers: { 'X-B': 'c' } },
    false,
  );
  assert.is(judgement.status, 101);
  if (judgement.status !== 101) return;
  assert.is(judgeResponse(await parseResponse(() => judgement.head, sent.headers), sent), 'superchat');
});

/** The response of RFC 6455 §1.3; undefined leaves a field out, an array repeats it. */
const SAMPLE: Record<string, string | string[] | undefined> = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
};

function respond(changes: typeof SAMPLE, line = 'HTTP/1.1 101 Switching Protocols') {
  const lines = Object.entries({ ...SAMPLE, ...changes }).flatMap(([name, given]) =>
    [given ?? []].flat().map(value => `${name}: ${value}\r\n`),
  );
  return parseResponse(() => `${line}\r\n${lines.join('')}\r\n`, { Connection: 'Upgrade', Upgrade: 'websocket' });
}

const RESPONSES: [name: string, changes: typeof SAMPLE, code: string][] = [
  ['the response of §1.3', {}, ''],
  ['values in any case', { Upgrade: 'WebSocket', Connection: 'UPGRADE' }, ''],
  [
    'blanks around values',
    { Upgrade: '\t websocket ', Connection: ' upgrade\t', 'Sec-WebSocket-Accept': '  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t' },
    '',
  ],
  ['Connection as a list', { Connection: 'keep-alive, Upgrade' }, ''],
  ['other headers', { Server: 'x', 'Set-Cookie': ['a=b', 'c=d'] }, ''],
  ['the chosen subprotocol', { 'Sec-WebSocket-Protocol': 'chat' }, 'chat'],
  ['the other subprotocol, between blanks', { 'Sec-WebSocket-Protocol': '\tsuperchat ' }, 'superchat'],

  ['no Upgrade', { Upgrade: undefined }, 'ERR_HANDSHAKE_UPGRADE'],
  ['another Upgrade', { Upgrade: 'h2c' }, 'ERR_HANDSHAKE_UPGRADE'],
  ['Upgrade as a list', { Upgrade: 'websocket, h2c' }, 'ERR_HANDSHAKE_UPGRADE'],
  ['Upgrade twice', { Upgrade: ['websocket', 'websocket'] }, 'ERR_HANDSHAKE_UPGRADE'],
  ['no Connection', { Connection: undefined }, 'ERR_HANDSHAKE_CONNECTION'],
  ['another Connection', { Connection: 'keep-alive' }, 'ERR_HANDSHAKE_CONNECTION'],
  ['no Accept', { 'Sec-WebSocket-Accept': undefined }, 'ERR_HANDSHAKE_ACCEPT'],
  ['an empty Accept', { 'Sec-WebSocket-Accept': '' }, 'ERR_HANDSHAKE_ACCEPT'],
  ['the Accept of another key', { 'Sec-WebSocket-Accept': 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=' }, 'ERR_HANDSHAKE_ACCEPT'],
  ['the Accept in another case', { 'Sec-WebSocket-Accept': 'S3PPLMBITXAQ9KYGZZHZRBK+XOO=' }, 'ERR_HANDSHAKE_ACCEPT'],
  [
    'the Accept twice',
    { 'Sec-WebSocket-Accept': [SAMPLE['Sec-WebSocket-Accept'], SAMPLE['Sec-WebSocket-Accept']] as string[] },
    'ERR_HANDSHAKE_ACCEPT',
  ],
  ['the key itself', { 'Sec-WebSocket-Accept': KEY }, 'ERR_HANDSHAKE_ACCEPT'],
  ['an extension', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, 'ERR_HANDSHAKE_EXTENSION'],
  ['an empty list of extensions', { 'Sec-WebSocket-Extensions': '' }, 'ERR_HANDSHAKE_EXTENSION'],
  ['a subprotocol not offered', { 'Sec-WebSocket-Protocol': 'other' }, 'ERR_HANDSHAKE_PROTOCOL'],
  ['a subprotocol in another case', { 'Sec-WebSocket-Protocol': 'Chat' }, 'ERR_HANDSHAKE_PROTOCOL'],
  ['an empty subprotocol', { 'Sec-WebSocket-Protocol': '' }, 'ERR_HANDSHAKE_PROTOCOL'],
  ['two subprotocols', { 'Sec-WebSocket-Protocol': 'chat, superchat' }, 'ERR_HANDSHAKE_PROTOCOL'],
  ['two subprotocols on two lines', { 'Sec-WebSocket-Protocol': ['chat', 'superchat'] }, 'ERR_HANDSHAKE_PROTOCOL'],
];
for (const [name, changes, expected] of RESPONSES) {
  test(`${name}: ${expected || 'accepted'}`, async () => {
    const response = await respond(changes);
    const request = { key: KEY, protocols: ['chat', 'superchat'] };
    if (!expected.startsWith('ERR')) return assert.is(judgeResponse(response, request), expected);
    assert.throws(
      () => judgeResponse(response, request),
      (error: HandshakeError) => {
        return (
          error instanceof HandshakeError &&
          error.code === expected &&
          error.status === 101 &&
          error.headers === response.headers
        );
      },
    );
  });
}

test('a subprotocol is refused where none was offered', async () => {
  const response = await respond({ 'Sec-WebSocket-Protocol': 'chat' });
  assert.throws(
    () => judgeResponse(response, { key: KEY, protocols: [] }),
    (error: HandshakeError) => error.code === 'ERR_HANDSHAKE_PROTOCOL',
  );
});

const STATUSES: [line: string, location: string | undefined, status: number, code: string][] = [
  ['HTTP/1.1 200 OK', undefined, 200, 'ERR_HANDSHAKE_STATUS'],
  ['HTTP/1.1 401 Unauthorized', undefined, 401, 'ERR_HANDSHAKE_STATUS'],
  ['HTTP/1.1 201 Created', '/elsewhere', 201, 'ERR_HANDSHAKE_STATUS'],
  ['HTTP/1.1 304 Not Modified', undefined, 304, 'ERR_HANDSHAKE_STATUS'],
  ['HTTP/1.1 301 Moved Permanently', 'wss://elsewhere.example/', 301, 'ERR_HANDSHAKE_REDIRECT'],
  ['HTTP/1.1 302 Found', '/login', 302, 'ERR_HANDSHAKE_REDIRECT'],
  ['HTTP/1.1 308 Permanent Redirect', '//x', 308, 'ERR_HANDSHAKE_REDIRECT'],
  ['HTTP/1.1 503 Service Unavailable', undefined, 503, 'ERR_HANDSHAKE_STATUS'],
  ['HTTP/1.1 400 Bad Request', '/elsewhere', 400, 'ERR_HANDSHAKE_STATUS'],
];
for (const [line, Location, status, code] of STATUSES) {
  test(`${line} is ${code}, with its status and headers`, async () => {
    const response = await respond(
      { Location, 'Content-Length': '0', Upgrade: undefined, Connection: undefined, 'Retry-After': '7' },
      line,
    );
    assert.throws(
      () => judgeResponse(response, { key: KEY, protocols: [] }),
      (error: HandshakeError) => {
        assert.instance(error, HandshakeError);
        assert.equal([error.name, error.status, error.code], ['HandshakeError', status, code]);
        assert.equal([error.headers?.location, error.headers?.['retry-after']], [Location, '7']);
        assert.match(error.message, code.endsWith('REDIRECT') ? /headers\.location/ : String(status));
        return true;
      },
    );
  });
}

test.run();
