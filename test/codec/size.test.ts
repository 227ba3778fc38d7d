/** The codec as a page would load it: one file, nothing else to fetch, within its budget of bytes. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const BUDGET = 32 * 1024;

const test = suite('size');

async function bundle(): Promise<string> {
  const entry = new URL('../../src/codec/index.js', import.meta.url).pathname;
  const { outputFiles, warnings } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  assert.equal(warnings, []);
  assert.is(outputFiles.length, 1);
  return outputFiles[0]!.text;
}

test('minified and gzipped, with both builds in it, it is within 32 KiB', async () => {
  const bytes = gzipSync(await bundle(), { level: 9 }).length;
  console.log(`note: the codec is ${bytes} bytes minified and gzipped`);
  assert.ok(bytes <= BUDGET, `${bytes} bytes`);
});

test('the bundle imports nothing, fetches nothing and works', async () => {
  const text = await bundle();
  assert.not.match(text, /\bimport\b|\brequire\b|\bfetch\b/);
  const { Codec } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const codec = Codec.loadSync();
  const frame = codec.encodeFrame({ opcode: 1, maskKey: 1, data: new TextEncoder().encode('Hello') });
  const [fragment] = codec.decoder({ role: 'server' }).decode(frame);
  assert.is(new TextDecoder().decode(fragment.data), 'Hello');
});

test.run();
