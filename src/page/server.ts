/**
 * Serves the page: its HTML and style, its compiled modules, and the codec they import. Everything that may be asked for
 * stands in one table made from three directories of the build, so no path can lead out of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';

interface Served {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The build's root: what the page imports lies at the same paths under `/`. */
const ROOT = new URL('../../', import.meta.url);
const DIRECTORIES = ['src/page/', 'src/codec/', 'assembly/'];
const HOME = '/src/page/index.html';

const HEADERS = {
  // Own modules, styles and WebAssembly; connections to whatever ws: or wss: address a person types; nothing else.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' ws: wss:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

function readTable(): Map<string, Served> {
  const table = new Map<string, Served>();
  for (const directory of DIRECTORIES) {
    for (const name of readdirSync(new URL(directory, ROOT))) {
      const type = TYPES[extname(name)];
      if (type) table.set(`/${directory}${name}`, { type, body: readFileSync(new URL(directory + name, ROOT)) });
    }
  }
  table.set('/', table.get(HOME)!);
  return table;
}

let table: Map<string, Served> | undefined;

/** Answers one request: a file of the page, 404, or 405 for what is neither GET nor HEAD. */
export function servePage(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { ...HEADERS, allow: 'GET, HEAD' }).end();
    return;
  }
  const served = (table ??= readTable()).get(url.replace(/[?#].*$/s, ''));
  if (!served) {
    response.writeHead(404, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end('Not found.\n');
    return;
  }
  const { type, body } = served;
  response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': body.length });
  response.end(method === 'GET' ? body : undefined);
}
