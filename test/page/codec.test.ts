/**
 * The codec in a browser, from plain modules and from a bundle, in a page and in a worker. The server sends no header but
 * the type: no isolation, no policy. Every vector is fed whole and byte by byte.
 */
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { normalize } from '../reference/decoder.ts';
import { browserSuite } from '../support/browser.ts';
import { readLines, show } from '../support/wire.ts';
import { CLOSES, EXAMPLES, HEADERS, LENGTHS, MESSAGES, SIZES } from '../vectors/frames.ts';
import { TEXTS, VALID } from '../vectors/utf8.ts';
import type { Case, Given, Replayed } from './replay.ts';

const ROOT = new URL('../../', import.meta.url);
const VECTORS = [...EXAMPLES, ...HEADERS, ...LENGTHS, ...SIZES, ...MESSAGES, ...CLOSES];
const SMALL = VECTORS.filter(([, , lines]) => readLines(lines).length < 1000);
const TEXT_BYTES = TEXTS.map(([, hex]) => (hex ? Array.from(readLines(hex)) : []));

const asked: string[] = [];
let bundle = '';

const serve: RequestListener = ({ url = '/' }, response) => {
  asked.push(url);
  const script = url.endsWith('.js');
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
  if (url === '/bundle.js') response.end(bundle);
  else if (script) response.end(readFileSync(new URL(`.${url}`, ROOT)));
  else response.end('<!doctype html><link rel="icon" href="data:,"><title>Vectors</title>');
};

const test = browserSuite('codec in a browser', serve);

function casesOf(step: number): Case[] {
  return SMALL.map(([, options, lines]) => ({ options, stream: Array.from(readLines(lines)), step }));
}

/** Runs the cases by the module at `address`, in the page and in a worker. */
function replayAt(page: Page, address: string, step: number): Promise<Record<string, Replayed>> {
  const given: Given = { cases: casesOf(step), texts: TEXT_BYTES };
  return page.evaluate(`import('${address}').then(module => module.replayTwice(${JSON.stringify(given)}))`);
}

function expectVectors(replayed: Record<string, Replayed>, step: number): void {
  for (const [place, { outcomes, verdicts }] of Object.entries(replayed)) {
    assert.is(outcomes.length, SMALL.length);
    for (const [i, [title, , , expected]] of SMALL.entries()) {
      const { pieces, fault } = outcomes[i]!;
      const whole = normalize(pieces.map(piece => ({ ...piece, data: Uint8Array.from(piece.data) })));
      assert.is(show({ pieces: whole, fault }), expected, `${title}, in ${step}s, in the ${place}`);
    }
    for (const [i, [title, , verdict]] of TEXTS.entries())
      assert.is(verdicts[i], verdict === VALID, `${title}, in the ${place}`);
  }
}

test('every vector comes out right from plain modules', async ({ page }) => {
  asked.length = 0;
  for (const step of [1, 1000]) expectVectors(await replayAt(page, '/test/page/replay.js', step), step);
  assert.ok(asked.length > 5);
  for (const url of asked) assert.match(url, /\.js$/, 'nothing but modules is fetched');
});

test('every vector comes out right through a bundler, from one file', async ({ page }) => {
  const entry = new URL('test/page/replay.js', ROOT).pathname;
  const built = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'browser', write: false });
  assert.equal(built.warnings, []);
  bundle = built.outputFiles[0]!.text;
  asked.length = 0;
  for (const step of [1, 1000]) expectVectors(await replayAt(page, '/bundle.js', step), step);
  for (const url of asked) assert.is(url, '/bundle.js');
});

test.run();
