/** Every code block of the README is run, and every line of its tables is held against the code. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as index from '../src/index.ts';
import { connectWebSocket, WebSocketConnection, WebSocketModule } from '../src/index.ts';
import { pattern } from './support/peer.ts';
import { blockOf, blocks, README, rowsOf } from './support/readme.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Inside the package, so that its own name leads to it. */
const folder = join(ROOT, 'dist', `readme-${process.pid}`);
const tried = new Set<string>();
const children: Child[] = [];
const test = suite('readme');

test.before(() => mkdirSync(folder));
test.after(() => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true });
});

type Child = ChildProcessByStdio<null, Readable, Readable>;

interface Running {
  readonly child: Child;
  readonly url: string;
  /** Both outputs so far. */
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** Runs until it ends, or the tests do. */
function run(file: string): Child {
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

/** Runs a block as a program, with a free port for its 8080. */
async function start(name: string, port?: number): Promise<Running> {
  const { code } = blockOf(name);
  tried.add(name);
  port ??= await freePort();
  const file = join(folder, `${name.replace(/\W+/g, '-')}-${port}.mjs`);
  writeFileSync(file, code.replaceAll('8080', String(port)));
  const child = run(file);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
  const ended = once(child, 'close').then(([exitCode]) => exitCode);
  return { child, url: `ws://127.0.0.1:${port}/`, said: () => said, ended };
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Connects as soon as somebody listens there. */
async function open(url: string, options = {}): Promise<WebSocketConnection> {
  for (;;) {
    try {
      return new WebSocketConnection(await connectWebSocket(url, options));
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNREFUSED') throw error;
    }
  }
}

async function echoes(url: string): Promise<void> {
  const connection = await open(url);
  const messages = connection[Symbol.asyncIterator]();
  for (const message of ['hello', 'zażółć', pattern(300_000), '']) {
    await connection.send(message);
    const { value } = await messages.next();
    assert.equal(typeof value === 'string' ? value : Buffer.from(value!), message);
  }
  await connection.close(4000, 'thanks');
  assert.equal(connection.closeStatus, { code: 4000, reason: 'thanks' });
}

for (const name of ['An echo 1', 'An echo 2']) {
  test(`${name}: what is sent comes back, and a CLOSE is answered`, async () => {
    const { child, url, said } = await start(name);
    await echoes(url);
    child.kill();
    assert.is(said(), '');
  });
}

test('An echo: twenty lines at the most', () => {
  const lines = blockOf('An echo 1').code.trim().split('\n').length;
  assert.ok(lines <= 20, `${lines} lines`);
});

test('Accepting: who is known is welcomed, who is not gets 401, and SIGTERM ends it', async () => {
  const { child, url, ended } = await start('Accepting 1');
  const headers = { authorization: 'Bearer 1234' };
  const connection = await open(url, { headers, protocols: ['chat.v1', 'chat.v2'] });
  const { value } = await connection[Symbol.asyncIterator]().next();
  assert.is(value, 'welcome to chat.v2');
  await connection.close();
  try {
    await connectWebSocket(url);
    assert.unreachable();
  } catch (error) {
    assert.is((error as index.HandshakeError).status, 401);
  }
  child.kill('SIGTERM');
  assert.is(await ended, 0);
});

test('By promises: an upload is stored, fragment by fragment', async () => {
  const { child, url } = await start('By promises 1');
  const connection = await open(url);
  const bytes = pattern(500_000);
  await connection.send(bytes.subarray(0, 200_000), { final: false });
  await connection.send(bytes.subarray(200_000));
  assert.is((await connection[Symbol.asyncIterator]().next()).value, 'stored');
  await connection.close();
  assert.ok(readFileSync(join(folder, 'upload.bin')).equals(bytes));
  child.kill();
});

test('To many: each hears all, and who does not read is cut while the others go on', async () => {
  const { child, url, said } = await start('To many 1');
  const hearers = [await open(url), await open(url)];
  const deaf = await open(url);
  const iterators = hearers.map(connection => connection[Symbol.asyncIterator]());
  const hear = async () => (await Promise.all(iterators.map(one => one.next()))).map(({ value }) => value);
  await hearers[0]!.send('hello');
  assert.equal(await hear(), ['hello', 'hello']);
  assert.is(Buffer.from((await deaf.receive()).data).toString(), 'hello');
  const long = 'x'.repeat(1_000_000);
  for (let count = 0; count < 40; count++) {
    await hearers[0]!.send(long);
    assert.equal(await hear(), [long, long]);
  }
  const told = (async () => {
    for (;;) await deaf.receive({ lend: true });
  })();
  assert.is(await told.catch(error => error.code), 'ERR_LOST');
  for (const connection of hearers) await connection.close();
  assert.is(said(), 'WebSocketError: the connection was aborted on this side\n');
  child.kill();
});

test('As a client: a relay passes messages and the close code on, both ways', async () => {
  const echo = await start('An echo 1');
  const port = await freePort();
  const file = join(folder, 'relay.mjs');
  const { code } = blockOf('As a client 2');
  writeFileSync(file, code.replaceAll('8080', String(port)).replaceAll('9000', new URL(echo.url).port));
  tried.add('As a client 2');
  const child = run(file);
  await (await open(echo.url)).close();
  await echoes(`ws://127.0.0.1:${port}/`);
  for (const running of [echo.child, child]) running.kill();
});

test('As a client: hello comes back, and the connection is closed', async () => {
  const server = createServer();
  const module = new WebSocketModule().attach(server, async context => {
    const connection = new WebSocketConnection(context);
    for await (const message of connection) await connection.send(message);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { said, ended } = await start('As a client 1', (server.address() as AddressInfo).port);
  assert.is(await ended, 0);
  assert.is(said(), 'hello\n');
  server.close();
  await module.close();
});

test('The codec: the pieces of a frame are printed as they come', async () => {
  const { said, ended } = await start('The codec, anywhere 1');
  assert.is(await ended, 0);
  assert.is(said(), 'text false h\ntext true ello\n');
});

test('Watching: what happens is counted', async () => {
  const { code } = blockOf('Watching 1');
  const echo = blockOf('An echo 1');
  const port = await freePort();
  const file = join(folder, 'watching.mjs');
  writeFileSync(file, `${code}\n${echo.code.replaceAll('8080', String(port))}`);
  tried.add('Watching 1');
  const child = run(file);
  const lines: string[] = [];
  child.stdout.on('data', chunk => lines.push(...String(chunk).trim().split('\n')));
  await echoes(`ws://127.0.0.1:${port}/`);
  while (lines.length < 2) await once(child.stdout, 'data');
  assert.equal(lines, ['1', '0']);
  child.kill();
});

test('Scaling out: two workers share a port', async () => {
  const { child, url } = await start('Scaling out 1');
  await Promise.all(Array.from({ length: 8 }, () => echoes(url)));
  child.kill();
});

test('every code block is tried here', () => {
  assert.ok(blocks.length > 5);
  assert.equal(
    blocks.map(({ name }) => name).filter(name => !tried.has(name)),
    [],
  );
});

test('Results: the fields are those of a FragmentResult, and none is left out', () => {
  const told = rowsOf('Results').flatMap(([fields]) => Array.from(fields!.matchAll(/`(\w+)`/g), ([, name]) => name!));
  const declared = readFileSync(join(ROOT, 'dist/src/context/result.d.ts'), 'utf8');
  const fields = /class FragmentResult \{(.*?)\n\}/s.exec(declared)![1]!;
  const names = new Set(Array.from(fields.matchAll(/^ {4}(?:get |set )?(\w+)[(:]/gm), ([, name]) => name!));
  assert.equal(['completionExpected', ...told].sort(), [...names].sort());
});

test('The methods: names and parameters are those of the code', () => {
  const contract = readFileSync(join(ROOT, 'src/context/contract.ts'), 'utf8').replace(/\s+/g, ' ');
  const rows = rowsOf('The methods');
  assert.is(rows.length, 7);
  for (const [method] of rows) {
    const [, name, parameters] = /^`(\w+)\((.*)\)`$/.exec(method!)!;
    const declared = new RegExp(`\\b${name}\\( ?([^)]*?),? ?\\): \\w+;`).exec(contract);
    assert.ok(declared, name);
    const names = declared![1]!
      .split(', ')
      .filter(Boolean)
      .map(one => one.split(':')[0]!);
    assert.equal(parameters!.split(', ').filter(Boolean), names, name);
  }
});

test('Options: each is one of the code’s, with its default', () => {
  const source = ['src/context/contract.ts', 'src/handshake/server.ts', 'src/client.ts', 'src/server.ts']
    .map(file => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n');
  const rows = rowsOf('Options');
  assert.ok(rows.length > 12);
  for (const [names, byDefault] of rows) {
    for (const name of names!.matchAll(/`(\w+)`/g)) {
      assert.match(source, new RegExp(`\\b${name[1]}\\?:\\s`), name[1]);
      const number = byDefault!.replaceAll(' ', '');
      if (!/^\d+$/.test(number)) continue;
      const stated = new RegExp(`Default ([\\d_]+)[^\\n]*\\n\\s+${name[1]}\\?:`).exec(source);
      assert.is(stated?.[1]?.replaceAll('_', ''), number, name[1]);
    }
  }
});

test('HRESULTs: each of the code’s is there, with its value', () => {
  const rows = new Map(rowsOf('HRESULTs').map(([name, value]) => [name!.replaceAll('`', ''), Number(value)]));
  const ours = Object.entries(index).filter(([name]) => /^[SE]_/.test(name));
  assert.equal(Object.fromEntries(rows), Object.fromEntries(ours));
});

for (const section of ['Guarantees', 'Security']) {
  test(`${section}: every guarantee names a test that there is`, () => {
    const rows = rowsOf(section);
    assert.ok(rows.length > 8);
    for (const [, proof] of rows) {
      const [, file, name] = /^`(.+)`: (.+)$/.exec(proof!)!;
      if (name === 'every guarantee names a test that there is') continue;
      assert.ok(existsSync(join(ROOT, file!)), file);
      assert.ok(readFileSync(join(ROOT, file!), 'utf8').includes(name!), `${file}: ${name}`);
    }
  });
}

test('From ws: what it names here exists', () => {
  const here = rowsOf('From ws')
    .map(([, ours]) => ours!)
    .join(' ');
  const { prototype } = WebSocketConnection;
  for (const [, name] of here.matchAll(/connection\.(\w+)/g)) assert.ok(name! in prototype, name);
  for (const [, name] of here.matchAll(/module\.(\w+)/g)) assert.ok(name! in WebSocketModule.prototype, name);
});

test('nothing in it leads to a place that is not there', () => {
  for (const [, path] of README.matchAll(/`((?:src|test|bench|assembly)\/[\w./]*)`/g)) {
    assert.ok(existsSync(join(ROOT, path!)), path);
  }
});

test.run();
