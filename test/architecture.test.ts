/**
 * The house rules that a compiler does not know: who may import whom, what the wasm modules export and need, how files
 * open and how test files end.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, posix, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILDS, compile } from './support/module.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const ANY = [''];

/** By room: what it may import of ours, as beginnings of paths, and which of Node's modules. Its own files it always may. */
const ROOMS: Record<string, { ours: readonly string[]; node: readonly string[] }> = {
  assembly: { ours: [], node: [] },
  'src/codec': { ours: ['assembly/abi.ts', 'assembly/baseline.js', 'assembly/relaxed.js'], node: [] },
  'src/transport': { ours: ['src/codec/'], node: ['node:fs', 'node:net', 'node:process', 'node:tls', 'node:stream'] },
  'src/context': {
    ours: ['assembly/abi.ts', 'src/codec/', 'src/transport/transport.ts', 'src/transport/intake.ts'],
    node: ['node:async_hooks', 'node:crypto'],
  },
  'src/handshake': { ours: [], node: ['node:crypto', 'node:http', 'node:stream'] },
  'src/connection': {
    ours: ['close', 'contract', 'copy', 'error', 'hresult', 'options', 'pieces', 'result'].map(
      file => `src/context/${file}.ts`,
    ),
    node: ['node:buffer', 'node:worker_threads'],
  },
  'src/page': { ours: ['src/codec/index.ts'], node: ['node:fs', 'node:http', 'node:path'] },
  'src/cli': {
    ours: [
      'src/index.ts',
      'src/codec/index.ts',
      ...['figures', 'input', 'server', 'words'].map(file => `src/page/${file}.ts`),
    ],
    node: ANY,
  },
  src: { ours: ['src/codec/', 'src/transport/', 'src/context/', 'src/handshake/', 'src/connection/'], node: ANY },
};

const test = suite('architecture');

/** Files under `folder`, as paths from the root. */
function filesOf(folder: string, ending: string): string[] {
  const found = readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' });
  return found.filter(file => file.endsWith(ending)).map(file => posix.join(folder, file));
}

function read(file: string): string {
  return readFileSync(`${ROOT}${file}`, 'utf8');
}

/** What a file imports, types included: paths from the root, or names of modules. */
function importsOf(file: string): string[] {
  const specifiers = read(file).matchAll(/\bfrom\s+["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g);
  return Array.from(specifiers, ([, from, bare]) => from ?? bare!).map(name =>
    name.startsWith('.') ? relative(ROOT, posix.join(ROOT, dirname(file), name)) : name,
  );
}

test('each room imports only what the design lets it', () => {
  const files = [...filesOf('assembly', '.ts'), ...filesOf('src', '.ts')].filter(file => !file.endsWith('.d.ts'));
  assert.ok(files.length > 20);
  for (const file of files) {
    const room = dirname(file);
    const { ours, node } = ROOMS[room] ?? assert.unreachable(`${room} is no room of the design`)!;
    for (const name of importsOf(file)) {
      const allowed = name.startsWith('node:') ? node : ours;
      const good = dirname(name) === room || allowed.some(start => name.startsWith(start));
      assert.ok(good, `${file} may not import ${name}`);
    }
  }
});

test('nothing outside Node.js is needed at run time', () => {
  const manifest = JSON.parse(read('package.json'));
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) assert.is(manifest[kind], undefined);
  for (const file of filesOf('src', '.ts'))
    for (const name of importsOf(file)) assert.match(name, /^(node:|src\/|assembly\/)/, `${file} imports ${name}`);
});

test('the modules export memory and the functions of assembly/index.ts, and import nothing', () => {
  const lists = read('assembly/index.ts').matchAll(/export \{([^}]+)\}/g);
  const functions = Array.from(lists, ([, names]) => names!.split(',').map(name => name.trim())).flat();
  assert.ok(functions.includes('decode'));
  for (const build of BUILDS) {
    const module = compile(build);
    assert.equal(WebAssembly.Module.imports(module), []);
    const exported = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
    assert.equal(exported.sort(), [...functions.map(name => `function ${name}`), 'memory memory'].sort(), build);
  }
});

test('every file opens with what it is', () => {
  const files = ['assembly', 'src', 'test'].flatMap(folder => filesOf(folder, '.ts'));
  for (const file of files) assert.match(read(file), /^(#!.*\n)?\/\*\* ?\S|^(#!.*\n)?\/\*\*\n \* \S/, file);
});

test('every test file ends with test.run(), or its tests would not be counted', () => {
  const files = filesOf('test', '.test.ts');
  assert.ok(files.length > 5);
  for (const file of files) assert.match(read(file), /\n(test\.run\(\);| {2}test\.run\(\);\n\})\n$/, file);
});

test.run();
