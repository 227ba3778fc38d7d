/** `websocket-context serve`: an echo of every fragment, beside the page that shows frames. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { WebSocketModule } from '../index.ts';
import { servePage } from '../page/server.ts';
import { echo } from './echo.ts';
import { blame, numberOf, type Outcome, SECONDS_MOST, UsageError } from './terminal.ts';

const HELP = `websocket-context serve: echoes every fragment as it arrives, and serves a page that shows frames

  --port N            port to listen on (default: the environment's PORT, else 8080; 0 takes a free one)
  --host ADDRESS      address to listen on (default 127.0.0.1)
  --path PATH         accept WebSockets only here (default: everywhere)
  --protocol NAME     a subprotocol to speak; may be given again, in order of preference
  --tls-key FILE      key and
  --tls-cert FILE     certificate, in PEM: https and wss
  --ping SECONDS      send a PING this often; a peer silent for twice as long is lost (default 0: none)

Exit code: 0 after SIGINT or SIGTERM, 1 where it cannot listen or a file cannot be read, 2 for wrong use.

Examples
  websocket-context serve --port 9000
  websocket-context serve --host 0.0.0.0 --path /echo --ping 30
  websocket-context serve --tls-key key.pem --tls-cert cert.pem
`;

const PORT_MOST = 65_535;

export async function serve(args: string[]): Promise<Outcome> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      path: { type: 'string' },
      protocol: { type: 'string', multiple: true, default: [] },
      'tls-key': { type: 'string' },
      'tls-cert': { type: 'string' },
      ping: { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return HELP;
  const { path, protocol, host } = values;
  const port = numberOf(
    values.port === undefined ? 'PORT' : '--port',
    values.port ?? (process.env.PORT || '8080'),
    PORT_MOST,
    true,
  );
  const pingInterval = Math.round(numberOf('--ping', values.ping, SECONDS_MOST) * 1000);
  if (path !== undefined && !/^\/[^?#]*$/.test(path)) {
    throw new UsageError(`--path must begin with '/' and have no '?' or '#'; got '${path}'`);
  }

  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const module = createModule(protocol, pingInterval);
  const server = createHttp(values['tls-key'], values['tls-cert']);
  module.attach(server, echo, path === undefined ? {} : { path });
  server.listen(port, host);
  await once(server, 'listening');
  announce(server, path ?? '/', values['tls-key'] !== undefined);

  await stopped;
  server.close();
  server.closeAllConnections();
  await module.close();
  return 0;
}

function createModule(protocols: string[], pingInterval: number): WebSocketModule {
  try {
    return new WebSocketModule({ protocols, pingInterval, pongTimeout: 2 * pingInterval });
  } catch (error) {
    throw blame(error);
  }
}

function createHttp(key: string | undefined, cert: string | undefined): Server {
  if (key === undefined && cert === undefined) return createServer(servePage);
  if (key === undefined || cert === undefined) throw new UsageError('--tls-key and --tls-cert go together');
  return createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, servePage);
}

function announce(server: Server, path: string, secure: boolean): void {
  const { address, port, family } = server.address() as AddressInfo;
  const authority = `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  const s = secure ? 's' : '';
  console.log(`echo on ws${s}://${authority}${path}`);
  console.log(`page on http${s}://${authority}/`);
}
