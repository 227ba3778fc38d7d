/** Connections that are held open: the server pings each of them, one in a hundred talks, and none may be lost. */
import * as assert from 'node:assert/strict';
import { held as bytesHeld, MIB } from '../support/memory.ts';
import { serve } from '../support/serve.ts';
import { answer } from './echo.ts';
import { Far } from './far.ts';
import type { Part, Sizes } from './main.ts';

const ACTIVE = 0.01;

function measure(): { bytes: number; rss: number } {
  return { bytes: bytesHeld(), rss: process.memoryUsage.rss() };
}

export async function* held({ connections, minutes, carriers }: Sizes): Part {
  for (const carrier of carriers) {
    const served = await serve(answer, carrier, { pingInterval: 20_000, pongTimeout: 20_000 });
    const { url, port, module } = served;
    const before = measure();
    const talkers = Math.ceil(connections * ACTIVE);
    const far = await Far.open({ url, port, connections, talkers, directReads: !carrier.endsWith('copied') });
    const open = measure();
    await new Promise(resolve => setTimeout(resolve, minutes * 60_000));
    const last = measure();
    assert.equal(module.size, connections, 'none is lost');
    const { lost, trips } = await far.stop();
    assert.equal(lost, 0, 'none is lost');
    await served.stop();
    const more = last.bytes - open.bytes;
    assert.ok(more < 4 * MIB, `${more} bytes more`);
    const each = (now: number, first: number) => ((now - first) / connections / 1024).toFixed(1);
    yield `${carrier}: ${connections} connections for ${minutes} minutes, ${trips} round trips of ${talkers} that talk, none lost`;
    yield `  ${each(open.bytes, before.bytes)} KiB held a connection, socket included, rss ${each(open.rss, before.rss)} KiB; ` +
      `after the time ${(more / 1024).toFixed(0)} KiB more in all, rss ${((last.rss - open.rss) / MIB).toFixed(1)} MiB`;
  }
}
