/**
 * What every server program of this folder shares: `node SERVER.js MODE PLAIN|TLS` listens on a free port of 127.0.0.1 and
 * says 'listening PORT', and what is to be known of it besides. MODE is 'echo', 'broadcast' (each message to every connection), or a relay's target URL.
 * SIGUSR2 collects garbage, so that what a connection costs can be told from what is merely not swept yet.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { join } from 'node:path';

export const mode = process.argv[2] ?? 'echo';
export const keyFile = join(import.meta.dirname, '../key.pem');
export const certificateFile = join(import.meta.dirname, '../certificate.pem');
export const tls = process.argv[3] === 'TLS';

export function httpServer(): Server {
  return tls ? createTlsServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) }) : createServer();
}

export function listen(server: NetServer, remark = ''): void {
  server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port, remark));
}

export function announce(port: number, remark = '', collect: () => void = () => globalThis.gc?.()): void {
  process.on('SIGUSR2', collect);
  console.log(`listening ${port} ${remark}`.trim());
}
