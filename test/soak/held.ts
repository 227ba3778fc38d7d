/** Connections that are held open: the server pings each of them, one in a hundred talks, and none may be lost. */
import * as assert from 'node:assert/strict';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED } from '../../src/context/hresult.ts';
import { held as bytesHeld, MIB } from '../support/memory.ts';
import { serve } from '../support/serve.ts';
import type { Sizes } from './main.ts';

const ACTIVE = 0.01;
const EVERY = 100;

function answer(context: WebSocketContext): void {
  context.readFragment(null, true, (hr, _context, _cbIO, utf8, final, close, data) => {
    if (FAILED(hr) || close) return;
    context.writeFragment(data, true, utf8, final, hr => FAILED(hr) || answer(context));
  });
}

export async function held({ connections, minutes }: Sizes): Promise<string[]> {
  const served = await serve(answer, 'tcp', { pingInterval: 5000, pongTimeout: 4000 });
  const before = { bytes: bytesHeld(), rss: process.memoryUsage.rss() };
  const contexts: WebSocketContext[] = [];
  let lost = 0;
  while (contexts.length < connections) {
    contexts.push(...(await Promise.all(Array.from({ length: 100 }, () => served.connect()))));
  }
  for (const context of contexts) context.readFragment(null, true, hr => FAILED(hr) && lost++);
  const each = (now: number, first: number) => ((now - first) / contexts.length / 1024).toFixed(1);
  const open = { bytes: bytesHeld(), rss: process.memoryUsage.rss() };
  const end = performance.now() + minutes * 60_000;
  let talks = 0;
  const talkers = contexts.slice(0, Math.ceil(connections * ACTIVE));
  while (performance.now() < end) {
    await Promise.all(talkers.map(context => context.ping().then(() => talks++)));
    await new Promise(resolve => setTimeout(resolve, EVERY));
  }
  const last = bytesHeld();
  assert.equal(lost, 0, 'none is lost');
  assert.equal(served.module.size, connections);
  for (const context of contexts) context.cleanupStoredContext();
  await served.stop();
  assert.ok(last - open.bytes < 4 * MIB, `${last - open.bytes} bytes more`);
  return [
    `${connections} connections for ${minutes} minutes, ${talks} round trips of the ${talkers.length} active ones, none lost`,
    `${each(open.bytes, before.bytes)} KiB held a connection, both ends and both sockets in this process; ` +
      `rss ${each(open.rss, before.rss)} KiB; after the time ${((last - open.bytes) / 1024).toFixed(0)} KiB more in all`,
  ];
}
