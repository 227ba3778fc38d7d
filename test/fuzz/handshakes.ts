/**
 * Spoilt handshakes: the bytes of a request to our server and to ws's, those of an answer to our client and to ws's. Both
 * must let in the same strangers, with the same subprotocol, but for what DIFFERENCES explains; and whatever came, one
 * answer goes out at the most, the connection ends where nobody was let in, and no decoder's record is left.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { connectWebSocket } from '../../src/client.ts';
import { threadEngine } from '../../src/context/engine.ts';
import { HandshakeError } from '../../src/handshake/index.ts';
import { WebSocketModule } from '../../src/server.ts';
import { switching } from '../support/raw.ts';

/** A head as it is written. */
type Head = string;

const WORDS = [
  ...['websocket', 'Upgrade', 'WebSocket', 'h2c', 'keep-alive', 'close', 'chunked', '13', '8', '013', '13.0', '0', '5'],
  ...['dGhlIHNhbXBsZSBub25jZQ==', 'AAAA', 'chat', 'superchat', 'CHAT', 'permessage-deflate', 'localhost', 'a:b'],
  ...[
    'chat, superchat',
    'chat, chat',
    'chat;',
    '"chat"',
    ',',
    ', ',
    ' ',
    '\t',
    '',
    '\u00a0',
    '\u00e9',
    'x'.repeat(300),
  ],
];
const NAMES = [
  ...['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol'],
  ...['Sec-WebSocket-Extensions', 'Sec-WebSocket-Accept', 'Content-Length', 'Transfer-Encoding', 'Origin', 'X-A'],
];

type Edit = (lines: string[], at: number) => void;

const word = fc.constantFrom(...WORDS);
const editing: fc.Arbitrary<Edit> = fc.oneof(
  fc.constant<Edit>((lines, at) => lines.splice(1 + (at % lines.length), 1)),
  fc.constant<Edit>((lines, at) => lines.push(lines[at % lines.length]!)),
  fc.tuple(fc.constantFrom(...NAMES), word).map(
    ([name, value]): Edit =>
      lines =>
        lines.push(`${name}: ${value}`),
  ),
  word.map(
    (value): Edit =>
      (lines, at) => {
        const place = at % lines.length;
        lines[place] = lines[place]!.replace(/:.*/, `: ${value}`);
      },
  ),
  word.map(
    (value): Edit =>
      (lines, at) => {
        lines[at % lines.length] += value;
      },
  ),
  fc.tuple(fc.nat(1000), fc.nat(255), fc.nat(1)).map(
    ([place, byte, gone]): Edit =>
      (lines, at) => {
        const line = lines[at % lines.length]!;
        const from = place % (line.length + 1);
        lines[at % lines.length] = line.slice(0, from) + String.fromCharCode(byte) + line.slice(from + gone);
      },
  ),
  fc.constant<Edit>((lines, at) => (lines[at % lines.length] = lines[at % lines.length]!.toUpperCase())),
);

const edits = fc.array(fc.tuple(editing, fc.nat(1000)), { maxLength: 3 });

function spoil(lines: string[], changes: readonly (readonly [Edit, number])[]): Head {
  for (const [change, at] of changes) change(lines, at);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const REQUEST = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: superchat, chat',
];

export const requests: fc.Arbitrary<Head> = fc
  .tuple(
    edits,
    fc.constantFrom('GET', 'GET', 'GET', 'GET', 'POST', 'HEAD', 'get'),
    fc.constantFrom('1.1', '1.1', '1.0'),
  )
  .map(([changes, method, version]) => spoil([`${method} / HTTP/${version}`, ...REQUEST.slice(1)], changes));

/** Requests that chance makes too seldom. */
export const EXAMPLES: readonly Head[] = [
  ['Origin: http://a.example', 'Origin: http://b.example'],
  ['Content-Length: 5'],
  ['Sec-WebSocket-Version: 8'],
  ['Upgrade: h2c, websocket'],
].map(lines => {
  const [name] = lines[0]!.split(':') as [string];
  return spoil([...REQUEST.filter(line => !line.startsWith(name)), ...lines], []);
});

/** Makes an answer of the request that it answers. */
export const answers: fc.Arbitrary<(request: string) => Head> = fc
  .tuple(edits, fc.option(fc.constantFrom('chat', 'superchat', 'other')), fc.constantFrom(101, 101, 101, 101, 200, 302))
  .map(([changes, protocol, status]) => request => {
    const right = switching(request).trimEnd().replace('101', `${status}`);
    const accept = /Accept: (.*)/.exec(right)![1]!;
    // Its bytes are as random as the key: what is done to them must not depend on them.
    const lines = right.replace(accept, '(right)').split('\r\n');
    if (protocol !== null) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    return spoil(lines, changes).replaceAll('(right)', accept);
  });

/** Who was let in: the subprotocol chosen; undefined for nobody, with the reason. */
interface Verdict {
  readonly protocol: string | undefined;
  readonly code?: string | undefined;
}

/** A connection at whose other end stands a test: what is written to it is kept, and it ends once it has said its say. */
class Line extends Duplex {
  written = '';
  readonly over: Promise<void>;
  readonly #answer: (request: string) => string;

  constructor(answer: (request: string) => string) {
    super();
    this.#answer = answer;
    this.over = new Promise(resolve => this.on('close', resolve));
    this.on('error', () => {});
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('latin1');
    done();
    this.say(this.#answer(this.written));
  }

  /** Says this, and nothing after it. */
  say(text: string): void {
    if (!text || this.readableEnded || this.destroyed) return;
    this.push(Buffer.from(text, 'latin1'));
    this.push(null);
  }
}

const SPOKEN = ['chat', 'superchat'];
let refusal: HandshakeError | undefined;

/** An http.Server whose upgrades go this way; what is no upgrade is refused. */
function serverOf(upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): Server {
  return createServer((_request, response) => response.writeHead(400).end()).on('upgrade', upgrade);
}

const { records } = threadEngine().memory;
const module = new WebSocketModule({ protocols: SPOKEN, origin: '*' });
let ourProtocol: string | undefined;
const ourServer = serverOf((request, socket, head) => {
  try {
    const context = module.accept(request, socket, head);
    ourProtocol = context.protocol;
    context.cleanupStoredContext();
  } catch (error) {
    assert.instance(error, HandshakeError);
    refusal = error as HandshakeError;
  }
});
const wsServer = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: offered => SPOKEN.find(each => offered.has(each)) ?? false,
});
let wsProtocol: string | undefined;
const theirServer = serverOf((request, socket, head) =>
  wsServer.handleUpgrade(request, socket, head, peer => {
    wsProtocol = peer.protocol;
    peer.terminate();
  }),
);

/** Sends a request; resolves with all that came back, when the connection is over. */
async function ask(server: Server, request: Head): Promise<string> {
  const line = new Line(() => '');
  server.emit('connection', line);
  line.say(request);
  await line.over;
  return line.written;
}

async function ourVerdict(request: Head): Promise<Verdict> {
  ourProtocol = refusal = undefined;
  const answer = await ask(ourServer, request);
  assert.is(records.taken, 0, 'no record is left');
  assert.ok(answer.split('HTTP/1.1 ').length <= 2, 'one answer at the most');
  const fields = answer.split('\r\n');
  if (ourProtocol === undefined) assert.not.match(answer, /^HTTP\/1.1 101/);
  else {
    const expected = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      /^Sec-WebSocket-Accept: [\w+/]{27}=$/,
      ...(ourProtocol ? [`Sec-WebSocket-Protocol: ${ourProtocol}`] : []),
      '',
      '',
    ];
    assert.is(fields.length, expected.length, 'nothing but what the handshake says');
    for (const [index, line] of expected.entries()) assert.match(fields[index]!, line);
  }
  return { protocol: ourProtocol, code: (refusal as HandshakeError | undefined)?.code };
}

async function theirVerdict(request: Head): Promise<Verdict> {
  wsProtocol = undefined;
  const answer = await ask(theirServer, request);
  return { protocol: wsProtocol, code: answer.split('\r\n').at(-1) };
}

async function ourOpening(answer: (request: string) => Head): Promise<Verdict> {
  const line = new Line(answer);
  let verdict: Verdict;
  try {
    const context = await connectWebSocket('ws://localhost', { protocols: SPOKEN, createConnection: () => line });
    verdict = { protocol: context.protocol };
    context.cleanupStoredContext();
  } catch (error) {
    verdict = { protocol: undefined, code: (error as HandshakeError).code };
  }
  await line.over;
  assert.is(records.taken, 0, 'no record is left');
  return verdict;
}

async function theirOpening(answer: (request: string) => Head): Promise<Verdict> {
  const line = new Line(answer);
  return new Promise(resolve => {
    const createConnection = () => line as never;
    const peer = new WebSocket('ws://localhost', SPOKEN, { createConnection, perMessageDeflate: false });
    peer.on('error', () => resolve({ protocol: undefined }));
    peer.on('close', () => resolve({ protocol: undefined }));
    peer.on('open', () => {
      resolve({ protocol: peer.protocol });
      peer.terminate();
    });
  });
}

/** Where the two differ on purpose. */
type Difference = readonly [name: string, holds: (our: Verdict, their: Verdict) => boolean];

/** We refuse with this code, ws lets in. */
function only(code: string): Difference[1] {
  return (our, their) => our.code === code && their.protocol !== undefined;
}

export const DIFFERENCES_OF_SERVERS: readonly Difference[] = [
  ['one Host must name the server (§4.2.1 2): ws does not look', only('ERR_HANDSHAKE_HOST')],
  ['HTTP/1.1 or higher (§4.2.1 1): ws does not look', only('ERR_HANDSHAKE_HTTP_VERSION')],
  ['the version is 13, spelt so (§4.1 9): ws takes 8 too, and 13 in any spelling', only('ERR_HANDSHAKE_VERSION')],
  ['a request with a body, which would be read as frames: ws takes it', only('ERR_HANDSHAKE_BODY')],
  ['two Origins: ws does not look', only('ERR_HANDSHAKE_ORIGIN')],
  [
    'Upgrade is a list (RFC 9110 §7.8): ws takes one name',
    (our, their) => our.protocol !== undefined && their.code === 'Invalid Upgrade header',
  ],
  [
    'a spoilt offer of subprotocols is none to us, as in IIS, and empty items are skipped: ws refuses it',
    (our, their) => our.protocol !== undefined && their.code === 'Invalid Sec-WebSocket-Protocol header',
  ],
];

export const DIFFERENCES_OF_CLIENTS: readonly Difference[] = [
  [
    'the server may choose none of the subprotocols (§4.2.2): ws wants one',
    (our, their) => our.protocol === '' && their.protocol === undefined,
  ],
];

/** The row that explains a difference, '' where there is none; throws where it is a mistake of one of the two. */
function explain(differences: readonly Difference[], our: Verdict, their: Verdict, text: string): string {
  if (our.protocol === their.protocol) return '';
  const row = differences.find(([, holds]) => holds(our, their));
  if (row) return row[0];
  throw new Error(`ours ${JSON.stringify(our)}, theirs ${JSON.stringify(their)} of ${JSON.stringify(text)}`);
}

export async function compareRequest(request: Head): Promise<string> {
  return explain(DIFFERENCES_OF_SERVERS, await ourVerdict(request), await theirVerdict(request), request);
}

export async function compareAnswer(answer: (request: string) => Head): Promise<string> {
  let text = '';
  const told = (request: string) => (text = answer(request));
  return explain(DIFFERENCES_OF_CLIENTS, await ourOpening(told), await theirOpening(answer), text);
}
