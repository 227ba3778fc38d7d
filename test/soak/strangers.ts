/** Handshakes that begin and stop: they hold no record, cost what their sockets cost, and Node cuts them in its time. */
import * as assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectWebSocket } from '../../src/client.ts';
import { threadEngine } from '../../src/context/engine.ts';
import { WebSocketModule } from '../../src/server.ts';
import { held } from '../support/memory.ts';
import { listen } from '../support/serve.ts';
import { Far } from './far.ts';
import type { Part, Sizes } from './main.ts';

/** How long Node gives a head, and how often it looks. */
const PATIENCE = 20_000;
const LOOKS = 1000;

export async function* strangers({ connections }: Sizes): Part {
  const { records } = threadEngine().memory;
  const http = createServer({ headersTimeout: PATIENCE, requestTimeout: PATIENCE, connectionsCheckingInterval: LOOKS });
  const module = new WebSocketModule().attach(http, () => {});
  await listen(http);
  const { port } = http.address() as AddressInfo;
  const url = `ws://localhost:${port}`;
  const count = () =>
    new Promise<number>((resolve, reject) =>
      http.getConnections((error, many) => (error ? reject(error) : resolve(many))),
    );
  const before = held();
  const far = await Far.open({ url, port, connections, talkers: undefined, directReads: true });
  while ((await count()) < connections) await new Promise(resolve => setImmediate(resolve));
  const grown = held() - before;
  assert.equal(records.taken, 0, 'no record is held');
  const started = performance.now();
  const context = await connectWebSocket(url);
  const took = performance.now() - started;
  assert.equal(module.size, 1, 'one that is whole gets through');
  do await new Promise(resolve => setTimeout(resolve, LOOKS));
  while ((await count()) > 1);
  await new Promise(resolve => setTimeout(resolve, LOOKS));
  const left = held() - before;
  context.cleanupStoredContext();
  const { lost } = await far.stop();
  await module.close({ timeout: 0 });
  http.close();
  assert.equal(lost, connections, 'all are cut at last');
  yield `${connections} handshakes that stopped, all there at once: ${(grown / connections / 1024).toFixed(1)} KiB held each, socket and ` +
    `Node's parser included, no record; one beside them took ${took.toFixed(1)} ms; ${(left / 1024).toFixed(0)} KiB left when all were cut`;
}
