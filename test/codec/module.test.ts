/** Which build is compiled, and what is said where none can be. Each case imports the module afresh. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

type Module = typeof import('../../src/codec/module.ts');

const test = suite('module');
const { validate } = WebAssembly;
let imports = 0;

function importAfresh(): Promise<Module> {
  return import(new URL(`../../src/codec/module.js?${imports++}`, import.meta.url).href);
}

function built(name: string): Uint8Array {
  return readFileSync(new URL(`../../assembly/${name}.wasm`, import.meta.url));
}

/** Runs `body` while the platform's validator is another. */
async function withValidator(judge: (bytes: Uint8Array) => boolean, body: (module: Module) => unknown): Promise<void> {
  WebAssembly.validate = judge as typeof validate;
  try {
    await body(await importAfresh());
  } finally {
    WebAssembly.validate = validate;
  }
}

test('the relaxed build is asked for first, the baseline where that is refused', async () => {
  const asked: Uint8Array[] = [];
  await withValidator(
    bytes => asked.push(bytes) === 2,
    module => assert.ok(module.compileSync()),
  );
  assert.is(asked.length, 2);
  assert.is(Buffer.compare(asked[0]!, built('relaxed')), 0);
  assert.is(Buffer.compare(asked[1]!, built('baseline')), 0);
});

test('the module is compiled once, by load or by loadSync', async () => {
  const module = await importAfresh();
  const compiled = await module.compile();
  assert.is(module.compileSync(), compiled);
  assert.is(await module.compile(), compiled);
});

test('a platform without SIMD gets one clear error, and so does one without WebAssembly', async () => {
  await withValidator(
    () => false,
    async module => {
      assert.throws(() => module.compileSync(), /lacks WebAssembly SIMD/);
      const refused = await module.compile().catch((error: Error) => error.message);
      assert.match(String(refused), /lacks WebAssembly SIMD/);
    },
  );
  const platform = globalThis.WebAssembly;
  try {
    Object.assign(globalThis, { WebAssembly: undefined });
    const module = await importAfresh();
    assert.throws(() => module.compileSync(), /has no WebAssembly/);
  } finally {
    globalThis.WebAssembly = platform;
  }
});

test('memory that is refused is explained, with the cause', async () => {
  const module = await importAfresh();
  const beyond = 4 * 1024 * 1024 * 1024;
  assert.throws(
    () => module.instantiate(module.compileSync(), beyond),
    (error: Error) => /ulimit -v/.test(error.message) && error.cause instanceof Error,
  );
});

test('an instance has the memory asked for', async () => {
  const module = await importAfresh();
  for (const mebibytes of [2, 3, 64]) {
    const { memory } = module.instantiate(module.compileSync(), mebibytes * 1024 * 1024);
    assert.is(memory.buffer.byteLength, mebibytes * 1024 * 1024);
  }
});

test.run();
