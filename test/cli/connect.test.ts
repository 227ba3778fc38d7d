/** `serve` and `connect` against each other and against scripted servers: what goes in, comes out, and is said at the end. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketServer } from 'ws';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { ended, run, type Serving, serve, start } from '../support/command.ts';

const test = suite('cli: serve and connect');
let echo: Serving;

test.before(async () => {
  echo = await serve();
});

test.after(async () => {
  echo.child.kill('SIGTERM');
  assert.is((await echo.end).code, 0, 'serve ends well when it is told to');
});

/** A server that says this to every client. */
async function scripted(talk: (socket: import('ws').WebSocket, headers: NodeJS.Dict<string | string[]>) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket, request) => talk(socket, request.headers));
  await new Promise(resolve => server.on('listening', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}

test('every line of the input is a message, and every answer a line of the output', async () => {
  const input = `${Array.from({ length: 5000 }, (_, index) => `line ${index} zażółć`).join('\n')}\n`;
  const { code, out, err } = await run(['connect', echo.url], input);
  assert.is(out.toString(), input);
  assert.equal([code, err], [0, '']);
});

test('--execute sends what it is given instead of the input', async () => {
  const { code, out } = await run(['connect', echo.url, '--execute', 'one', '--execute', 'two words', '--wait', '0.2']);
  assert.is(out.toString(), 'one\ntwo words\n');
  assert.is(code, 0);
});

test('--binary sends bytes and prints bytes', async () => {
  const { out } = await run(['connect', echo.url, '--binary', '--execute', 'ab', '--wait', '0.2']);
  assert.is(out.toString(), 'ab');
});

test('binary messages are printed in hexadecimal where --binary is not given', async () => {
  const { url, close } = await scripted(socket => {
    socket.send(Uint8Array.of(0, 255));
    socket.close(1000);
  });
  const { out } = await run(['connect', url, '--wait', '0.1']);
  assert.is(out.toString(), '00 ff\n');
  close();
});

test('--ping shows round trips', async () => {
  const { out, err } = await run(['connect', echo.url, '--ping', '0.02', '--wait', '0.3']);
  assert.is(out.toString(), '');
  assert.match(err, /^(pong after \d+\.\d\d ms\n){2,}$/);
});

test('--header, --origin and --protocol are sent', async () => {
  let seen: NodeJS.Dict<string | string[]> = {};
  const { url, close } = await scripted((socket, headers) => {
    seen = headers;
    socket.close(1000);
  });
  const options = ['--header', 'x-one: 1', '--header', 'X-Two:a:b', '--origin', 'http://here', '--protocol', 'chat'];
  assert.is((await run(['connect', url, ...options, '--wait', '0.1'])).code, 0);
  assert.equal([seen['x-one'], seen['x-two'], seen.origin], ['1', 'a:b', 'http://here']);
  assert.is(seen['sec-websocket-protocol'], 'chat');
  close();
});

test('the exit code says how the connection ended', async () => {
  const endings: [(socket: import('ws').WebSocket) => void, number, RegExp][] = [
    [socket => socket.close(1000), 0, /^$/],
    [socket => socket.close(), 0, /^$/],
    [socket => socket.close(1001), 0, /CLOSE 1001, going away\n$/],
    [socket => socket.close(1011, 'it broke'), 3, /CLOSE 1011, internal error, it broke\n$/],
    [socket => socket.close(1008, '\u001b]0;title\u0007'), 3, /policy violation, \\u001b\]0;title\\u0007\n$/],
    [socket => socket.close(4321), 3, /CLOSE 4321\n$/],
    [socket => socket.terminate(), 1, /^websocket-context: /],
  ];
  for (const [end, code, words] of endings) {
    const { url, close } = await scripted(end);
    const ended = await run(['connect', url, '--wait', '9']);
    assert.is(ended.code, code);
    assert.match(ended.err, words);
    close();
  }
});

test('a server that is not there, or refuses, is named with what it said', async () => {
  const server = createServer((_request, response) => response.writeHead(401).end());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const refused = await run(['connect', `ws://127.0.0.1:${port}/`]);
  assert.is(refused.code, 1);
  assert.match(refused.err, /^websocket-context: 401: /);
  await new Promise(resolve => server.close(resolve));
  const gone = await run(['connect', `ws://127.0.0.1:${port}/`]);
  assert.is(gone.code, 1);
  assert.match(gone.err, /ECONNREFUSED/);
});

test('wrong use is exit code 2 and points at --help', async () => {
  const uses = [
    ['nothing'],
    ['connect'],
    ['connect', 'ws://a', 'ws://b'],
    ['connect', 'ftp://a'],
    ['connect', 'nowhere'],
    ['connect', 'ws://a', '--wait', 'long'],
    ['connect', 'ws://a', '--wait', '3000000'],
    ['connect', 'ws://a', '--ping', '3000000'],
    ['connect', 'ws://a', '--protocol', 'a b'],
    ['connect', 'ws://a', '--header', 'x y: 1'],
    ['connect', 'ws://a', '--header', 'nameless'],
    ['connect', '--unknown'],
    ['serve', '--port', '65536'],
    ['serve', '--port', ''],
    ['serve', '--port', '1.5'],
    ['serve', '--ping', '3000000'],
    ['serve', '--protocol', 'a b'],
    ['serve', '--path', 'no-slash'],
    ['serve', '--path', '/a?b'],
    ['serve', '--tls-key', 'key.pem'],
    ['inspect'],
    ['inspect', 'a', 'b'],
    ['toString'],
  ];
  for (const use of uses) {
    const { code, out, err } = await run(use);
    assert.equal([code, out.length], [2, 0], use.join(' '));
    assert.match(err, /^websocket-context: .*; try '--help'\n$/, use.join(' '));
  }
});

test('an address that is none is told how one is written', async () => {
  const { code, err } = await run(['connect', '127.0.0.1:9000']);
  assert.is(code, 2);
  assert.match(err, /the address is no URL: write ws:\/\/host:port\/path/);
});

test('--help of every command shows its exit codes and examples', async () => {
  assert.match((await run([])).out.toString(), /serve.*\n.*connect.*\n.*inspect/);
  for (const command of ['serve', 'connect', 'inspect']) {
    const { code, out } = await run([command, '--help']);
    assert.is(code, 0);
    assert.match(out.toString(), /\nExit code: 0 [\s\S]*\nExamples\n {2}websocket-context /);
  }
  assert.match((await run(['--version'])).out.toString(), /^\d+\.\d+\.\d+\n$/);
});

test('serve speaks a subprotocol, keeps to one path, and serves the page beside it', async () => {
  const served = await serve('--path', '/echo', '--protocol', 'v2', '--protocol', 'v1', '--ping', '5');
  const chosen = await run(['connect', served.url, '--protocol', 'v1', '--protocol', 'v2', '--wait', '0']);
  assert.is(chosen.code, 0);
  assert.match((await run(['connect', served.url.replace('/echo', '/else')])).err, /404/);
  const page = await fetch(served.page);
  assert.is(page.status, 200);
  assert.match(await page.text(), /<title>/);
  served.child.kill('SIGINT');
  assert.is((await served.end).code, 0);
});

test('serve ends with what is connected told that it goes away', async () => {
  const served = await serve();
  const client = start(['connect', served.url, '--execute', 'hello', '--wait', '60']);
  const connected = ended(client);
  await once(client.stdout!, 'data');
  served.child.kill('SIGTERM');
  const { code, out, err } = await connected;
  assert.is(out.toString(), 'hello\n');
  assert.match(err, /CLOSE 1001, going away/);
  assert.is(code, 0);
  assert.is((await served.end).code, 0);
});

test('connect ends when who reads its output has left', async () => {
  const client = start(['connect', echo.url, '--wait', '60']);
  const leaving = ended(client);
  client.stdin!.write('one\n');
  await once(client.stdout!, 'data');
  client.stdout!.destroy();
  client.stdin!.write('two\nthree\n');
  const { code, err } = await leaving;
  assert.equal([code, err], [0, '']);
  client.stdin!.destroy();
});

test('PORT is where serve listens unless it is told otherwise, and a port in use is said', async () => {
  const { port } = new URL(echo.url);
  const taken = await run(['serve'], '', { PORT: port });
  assert.is(taken.code, 1);
  assert.match(taken.err, /EADDRINUSE/);
  const wrong = await run(['serve'], '', { PORT: 'http' });
  assert.is(wrong.code, 2);
  assert.match(wrong.err, /: PORT must be a whole number from 0 to 65535; got 'http'/);
});

test('--tls-key and --tls-cert make it wss; --no-check accepts the certificate', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'websocket-context-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const;
  writeFileSync(key, KEY);
  writeFileSync(cert, CERTIFICATE);
  const served = await serve('--tls-key', key, '--tls-cert', cert);
  rmSync(folder, { recursive: true });
  assert.match(served.url, /^wss:/);
  const checked = await run(['connect', served.url, '--execute', 'secret']);
  assert.is(checked.code, 1);
  assert.match(checked.err, /certificate/);
  const { code, out } = await run(['connect', served.url, '--no-check', '--execute', 'secret', '--wait', '0.2']);
  assert.equal([code, out.toString()], [0, 'secret\n']);
  served.child.kill('SIGTERM');
  await served.end;
});

test.run();
