/**
 * The same requests and responses, judged by us and by `ws`. Where the two differ the table says why; a difference it does
 * not name, or one that is no more, fails.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import {
  composeRequest,
  HandshakeError,
  judgeResponse,
  judgeUpgrade,
  parseAddress,
} from '../../src/handshake/index.ts';
import { joinAnswer, parseRequest, parseResponse } from '../support/http.ts';

const test = suite('handshake/ws');

const HOST = 'Host: server.example.com';
const UPGRADE = 'Upgrade: websocket';
const CONNECTION = 'Connection: Upgrade';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const VERSION = 'Sec-WebSocket-Version: 13';
const LEAST = [HOST, UPGRADE, CONNECTION, KEY, VERSION];
const GET = 'GET / HTTP/1.1';

const SAME = '';
const REQUESTS: [name: string, line: string, fields: string[], ours: number, theirs: number, why: string][] = [
  ['the least that is needed', GET, LEAST, 101, 101, SAME],
  ['a subprotocol', GET, [...LEAST, 'Sec-WebSocket-Protocol: chat'], 101, 101, SAME],
  ['an extension', GET, [...LEAST, 'Sec-WebSocket-Extensions: permessage-deflate'], 101, 101, SAME],
  ['values in another case', GET, [HOST, 'upgrade: WEBSOCKET', 'connection: upgrade', KEY, VERSION], 101, 101, SAME],
  ['POST', 'POST / HTTP/1.1', LEAST, 405, 405, SAME],
  ['no key', GET, [HOST, UPGRADE, CONNECTION, VERSION], 400, 400, SAME],
  ['two keys', GET, [...LEAST, KEY], 400, 400, SAME],
  ['a short key', GET, [HOST, UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: AAAA'], 400, 400, SAME],
  [
    'a key with idle bits set',
    GET,
    [HOST, UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=='],
    101,
    101,
    SAME,
  ],
  [
    'no Upgrade',
    GET,
    [HOST, CONNECTION, KEY, VERSION],
    426,
    400,
    '426 tells a client that came without Upgrade what to do',
  ],
  ['another Upgrade', GET, [HOST, 'Upgrade: h2c', CONNECTION, KEY, VERSION], 426, 400, '426, likewise'],
  [
    'Upgrade as a list',
    GET,
    [HOST, 'Upgrade: h2c, websocket', CONNECTION, KEY, VERSION],
    101,
    400,
    'RFC 9110 §7.8: Upgrade is a list',
  ],
  [
    'no Connection',
    GET,
    [HOST, UPGRADE, KEY, VERSION],
    400,
    101,
    '§4.2.1 4 asks for it; ws leaves that to http.Server',
  ],
  [
    'no Host',
    GET,
    [UPGRADE, CONNECTION, KEY, VERSION],
    400,
    101,
    '§4.2.1 2 asks for it; ws leaves that to http.Server',
  ],
  ['two Hosts', GET, [HOST, ...LEAST], 400, 101, 'RFC 9112 §3.2: a server MUST answer 400'],
  ['HTTP/1.0', 'GET / HTTP/1.0', LEAST, 400, 101, '§4.2.1 1: "HTTP/1.1 or higher"'],
  [
    'version 8',
    GET,
    [HOST, UPGRADE, CONNECTION, KEY, 'Sec-WebSocket-Version: 8'],
    426,
    101,
    'ws speaks the draft too, we only RFC 6455',
  ],
  ['no version', GET, [HOST, UPGRADE, CONNECTION, KEY], 426, 400, '§4.2.2 4: "such as 426 Upgrade Required"'],
  ['version 7', GET, [HOST, UPGRADE, CONNECTION, KEY, 'Sec-WebSocket-Version: 7'], 426, 400, '426, likewise'],
  [
    'version 13.0',
    GET,
    [HOST, UPGRADE, CONNECTION, KEY, 'Sec-WebSocket-Version: 13.0'],
    426,
    101,
    '§4.1 9: "The value of this header field MUST be 13"',
  ],
  ['version 0xd', GET, [HOST, UPGRADE, CONNECTION, KEY, 'Sec-WebSocket-Version: 0xd'], 426, 101, 'likewise'],
  [
    'a subprotocol twice',
    GET,
    [...LEAST, 'Sec-WebSocket-Protocol: a, a'],
    101,
    400,
    'IIS counts a spoilt offer as none',
  ],
  [
    'a subprotocol in quotes',
    GET,
    [...LEAST, 'Sec-WebSocket-Protocol: "a"'],
    101,
    400,
    'IIS counts a spoilt offer as none',
  ],
  [
    'an empty subprotocol',
    GET,
    [...LEAST, 'Sec-WebSocket-Protocol: a,,b'],
    101,
    400,
    'RFC 9110 §5.6.1: empty items are ignored',
  ],
  ['a body', GET, [...LEAST, 'Content-Length: 5'], 400, 101, 'it would be read as a frame'],
  [
    'a strange Origin',
    GET,
    [...LEAST, 'Origin: http://evil.example'],
    403,
    101,
    'Origin is checked by default here, in ws by verifyClient',
  ],
];
for (const [name, line, fields, ours, theirs, why] of REQUESTS) {
  test(`request, ${name}: ${ours}${why && `, ws ${theirs}: ${why}`}`, async () => {
    assert.is(why === SAME, ours === theirs, 'a difference is explained, and only a difference');
    const request = () => parseRequest(`${line}\r\n${fields.map(field => `${field}\r\n`).join('')}\r\n`);
    const judgement = judgeUpgrade(await request(), { protocols: ['chat'] }, false);
    assert.is(judgement.status, ours);
    const answer = await answerOfWs(await request());
    assert.is(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), theirs);
    if (judgement.status === 101 && theirs === 101) assert.is(judgement.head, answer);
  });
}

/** Returns what ws's server writes first. */
function answerOfWs(request: IncomingMessage): Promise<string> {
  return new Promise(resolve => {
    const socket = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(chunk.toString('latin1'));
        done();
      },
    });
    const handleProtocols = (offered: Set<string>) => (offered.has('chat') ? 'chat' : false);
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols });
    server.handleUpgrade(request, socket, Buffer.alloc(0), peer => peer.terminate());
  });
}

const ACCEPT = 'Sec-WebSocket-Accept: (right)';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols';
const RIGHT = [UPGRADE, CONNECTION, ACCEPT];
const OFFER = ['chat', 'superchat'];

const RESPONSES: [
  name: string,
  offer: string[],
  line: string,
  fields: string[],
  ours: boolean,
  theirs: boolean,
  why: string,
][] = [
  ['the least that is needed', [], SWITCHING, RIGHT, true, true, SAME],
  ['values in another case', [], SWITCHING, ['upgrade: WEBSOCKET', 'connection: upgrade', ACCEPT], true, true, SAME],
  ['a subprotocol that was offered', OFFER, SWITCHING, [...RIGHT, 'Sec-WebSocket-Protocol: chat'], true, true, SAME],
  ['no subprotocol of those offered', OFFER, SWITCHING, RIGHT, true, false, '§4.2.2: the server may choose none'],
  ['a subprotocol that was not offered', OFFER, SWITCHING, [...RIGHT, 'Sec-WebSocket-Protocol: x'], false, false, SAME],
  ['a subprotocol and no offer', [], SWITCHING, [...RIGHT, 'Sec-WebSocket-Protocol: chat'], false, false, SAME],
  ['two subprotocols', OFFER, SWITCHING, [...RIGHT, 'Sec-WebSocket-Protocol: chat, superchat'], false, false, SAME],
  ['an extension', [], SWITCHING, [...RIGHT, 'Sec-WebSocket-Extensions: permessage-deflate'], false, false, SAME],
  ['an empty list of extensions', [], SWITCHING, [...RIGHT, 'Sec-WebSocket-Extensions:'], false, false, SAME],
  ['another Accept', [], SWITCHING, [UPGRADE, CONNECTION, 'Sec-WebSocket-Accept: x'], false, false, SAME],
  ['no Accept', [], SWITCHING, [UPGRADE, CONNECTION], false, false, SAME],
  ['Accept twice', [], SWITCHING, [...RIGHT, ACCEPT], false, false, SAME],
  ['another Upgrade', [], SWITCHING, ['Upgrade: h2c', CONNECTION, ACCEPT], false, false, SAME],
  ['200', [], 'HTTP/1.1 200 OK', ['Content-Length: 0'], false, false, SAME],
  ['302', [], 'HTTP/1.1 302 Found', ['Location: ws://elsewhere.example', 'Content-Length: 0'], false, false, SAME],
];
for (const [name, offer, line, fields, ours, theirs, why] of RESPONSES) {
  test(`response, ${name}: ${ours ? 'accepted' : 'refused'}${why && `, by ws not so: ${why}`}`, async () => {
    assert.is(why === SAME, ours === theirs, 'a difference is explained, and only a difference');
    const answer = (request: string) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request)![1];
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      return `${line}\r\n${fields.map(field => `${field.replace('(right)', accept)}\r\n`).join('')}\r\n`;
    };
    const request = composeRequest(parseAddress('ws://server.example.com'), { protocols: offer });
    const response = await parseResponse(answer, request.headers);
    let accepted = true;
    try {
      judgeResponse(response, request);
    } catch (error) {
      assert.instance(error, HandshakeError);
      accepted = false;
    }
    assert.is(accepted, ours);
    assert.is(await acceptedByWs(answer, offer), theirs);
  });
}

/** Tells whether ws's client opens at this answer. */
function acceptedByWs(answer: (request: string) => string, offer: string[]): Promise<boolean> {
  return new Promise(resolve => {
    const createConnection = () => joinAnswer(answer);
    const peer = new WebSocket('ws://server.example.com', offer, { createConnection, perMessageDeflate: false });
    peer.on('error', () => resolve(false));
    peer.on('open', () => {
      resolve(true);
      peer.terminate();
    });
  });
}

test.run();
