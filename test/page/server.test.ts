/** What servePage serves, and what it does not. */
import type { Server } from 'node:http';
import { request } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer } from '../support/browser.ts';

const test = suite<{ url: string; server: Server }>('page server');

test.before(async state => {
  Object.assign(state, await startServer());
});
test.after(({ server }) => {
  server.closeAllConnections();
  server.close();
});

/** Asks for exactly `path`, which fetch would tidy up first. */
function statusOf(url: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { path }, response => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on('error', reject).end();
  });
}

test('serves the page, its styles, its modules and the codec with their types', async ({ url }) => {
  const types = {
    '': 'text/html; charset=utf-8',
    '?a=b': 'text/html; charset=utf-8',
    'src/page/page.css': 'text/css; charset=utf-8',
    'src/page/icon.svg': 'image/svg+xml',
    'src/page/main.js': 'text/javascript; charset=utf-8',
    'src/codec/index.js': 'text/javascript; charset=utf-8',
    'assembly/baseline.js': 'text/javascript; charset=utf-8',
    'assembly/abi.js': 'text/javascript; charset=utf-8',
  };
  for (const [path, type] of Object.entries(types)) {
    const response = await fetch(url + path);
    assert.is(response.status, 200, path);
    assert.is(response.headers.get('content-type'), type, path);
    assert.is(Number(response.headers.get('content-length')), (await response.arrayBuffer()).byteLength, path);
  }
});

test('lets the page load from its own server only, and a worker too', async ({ url }) => {
  for (const path of ['', 'src/page/worker.js', 'not/there']) {
    const { headers } = await fetch(url + path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.ok(policy.startsWith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), path);
    assert.not.match(policy, /unsafe-inline|'unsafe-eval'|\*|https?:/);
    assert.is(headers.get('x-content-type-options'), 'nosniff');
  }
});

test('serves nothing that lies elsewhere, however the path is written', async ({ url }) => {
  const paths = [
    'package.json',
    'src/index.js',
    'src/server.js',
    'src/page/',
    'src/page/main.d.ts',
    'test/run.js',
  ].concat(
    ['../package.json', 'src/page/../index.js', 'src/page/%2e%2e/index.js', 'src/page/..%2findex.js'],
    ['/etc/passwd', 'src/page/main.js/', 'src/page/main.js%00', '__proto__', 'constructor'],
  );
  for (const path of paths) assert.is(await statusOf(url, `/${path}`), 404, path);
});

test('answers HEAD without a body and refuses to be written to', async ({ url }) => {
  const head = await fetch(url, { method: 'HEAD' });
  assert.is(head.status, 200);
  assert.is(await head.text(), '');
  const post = await fetch(url, { method: 'POST', body: 'x' });
  assert.is(post.status, 405);
  assert.is(post.headers.get('allow'), 'GET, HEAD');
});

test.run();
