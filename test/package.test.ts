/**
 * The package as it is published: what the tarball holds, what the linters of packages say, and an empty project that
 * installs it, type-checks the README's examples in strict mode, and runs it by import and by require.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blocks } from './support/readme.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'websocket-context-'));
const project = join(folder, 'project');
const test = suite('package');
let tarball = '';
let files: string[] = [];

/** npm without a registry: nothing here may need one. */
function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function node(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
}

test.before(() => {
  // It is built already: a build in the middle of the tests would pull the files from under the others.
  const [packed] = JSON.parse(npm(ROOT, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder));
  tarball = join(folder, packed.filename);
  files = packed.files.map(({ path }: { path: string }) => path);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }');
  npm(project, 'install', tarball);
});

test.after(() => rmSync(folder, { recursive: true }));

test('the tarball holds what is run, its types, and the papers; no test, no bench, no source', () => {
  for (const file of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'package.json',
    'dist/src/index.js',
    'dist/src/index.d.ts',
  ]) {
    assert.ok(files.includes(file), file);
  }
  for (const file of files)
    assert.match(file, /^(dist\/(src|assembly)\/|README\.md|LICENSE|CHANGELOG\.md|package\.json)/);
  assert.equal(
    files.filter(file => /(?<!\.d)\.ts$/.test(file)),
    [],
  );
});

test('publint has nothing to say', async () => {
  const { messages } = await publint({ pkgDir: ROOT, strict: true, pack: false });
  assert.equal(messages, []);
});

test('types resolve at every door, for whoever imports or requires an ES module', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  assert.ok(analysis.types);
  // To require an ES module is what Node.js 20.19 and later do; resolution of before `exports` is not supported.
  const expected = new Set(['CJSResolvesToESM', 'NoResolution']);
  const problems = 'problems' in analysis ? analysis.problems : [];
  const grave = problems.filter(
    problem => !expected.has(problem.kind) || (problem.kind === 'NoResolution' && problem.resolutionKind !== 'node10'),
  );
  assert.equal(grave, []);
});

test('an empty project type-checks every example of the README, strictly, with the library checked too', () => {
  const types = join(project, 'node_modules/@types');
  mkdirSync(types, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(types, 'node'));
  symlinkSync(join(ROOT, 'node_modules/undici-types'), join(project, 'node_modules/undici-types'));
  for (const [index, { code }] of blocks.entries()) writeFileSync(join(project, `example-${index}.mts`), code);
  writeFileSync(
    join(project, 'required.cts'),
    "import context = require('websocket-context');\nexport const made: context.WebSocketModule = new context.WebSocketModule();\n",
  );
  const compiler = join(ROOT, 'node_modules/typescript');
  const { bin } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'));
  const strictly = { strict: true, noEmit: true, module: 'nodenext', target: 'es2023', types: ['node'] };
  // Without the DOM's types nobody knows WebAssembly's, which one of the codec's fields has; so there the library is not.
  for (const options of [strictly, { ...strictly, lib: ['es2023'], skipLibCheck: true }]) {
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }));
    try {
      node(join(compiler, bin.tsc), '-p', '.');
    } catch (error) {
      assert.unreachable((error as { stdout: string }).stdout);
    }
  }
});

test('it runs by import and by require, and both are given the same', () => {
  writeFileSync(
    join(project, 'both.mjs'),
    `import { createRequire } from 'node:module';
     import * as imported from 'websocket-context';
     import { Codec } from 'websocket-context/codec';
     const required = createRequire(import.meta.url)('websocket-context');
     console.log(required.WebSocketModule === imported.WebSocketModule, Codec.loadSync().isValidUtf8(Buffer.from('ź')));`,
  );
  writeFileSync(
    join(project, 'required.cjs'),
    `const { createServer } = require('node:http');
     const { connectWebSocket, WebSocketConnection, WebSocketModule } = require('websocket-context');
     const { OP_TEXT } = require('websocket-context/codec');
     const server = createServer();
     const module_ = new WebSocketModule().attach(server, async context => {
       const connection = new WebSocketConnection(context);
       for await (const message of connection) await connection.send(message);
     });
     server.listen(0, '127.0.0.1', async () => {
       const connection = new WebSocketConnection(await connectWebSocket('ws://127.0.0.1:' + server.address().port));
       await connection.send('by require ' + OP_TEXT);
       for await (const message of connection) {
         console.log(message);
         await connection.close();
       }
       server.close();
       await module_.close();
     });`,
  );
  assert.is(node('both.mjs'), 'true true\n');
  assert.is(node('--no-warnings', 'required.cjs'), 'by require 1\n');
});

test('the command is installed with it', () => {
  const command = join(project, 'node_modules/.bin/websocket-context');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.is(execFileSync(command, ['--version'], { encoding: 'utf8' }), `${version}\n`);
});

test('the changelog begins with this version', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const changes = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  assert.is(/^## (\S+)/m.exec(changes)?.[1], version);
});

test.run();
