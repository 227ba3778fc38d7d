/** Gigabytes there and back through one process: every byte is compared with what went, and memory must stay flat. */
import * as assert from 'node:assert/strict';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED, type HResult } from '../../src/context/hresult.ts';
import { held, MIB } from '../support/memory.ts';
import { Random } from '../support/random.ts';
import { serve } from '../support/serve.ts';
import type { Part, Sizes } from './main.ts';

const SIZES = [1_048_576, 65_536, 65_521, 16_385, 16_384, 4000, 126, 1, 0, 300_007];
/** Connections that talk at once. */
const TALKS = 4;
const PATTERN = Buffer.from(new Random(6).bytes(MIB + 4096));

/** Sends back what comes, lent in place. */
export function answer(context: WebSocketContext): void {
  context.readFragment(null, true, (hr, _context, _cbIO, utf8, final, close, data) => {
    if (FAILED(hr) || close) return;
    context.writeFragment(data, true, utf8, final, hr => FAILED(hr) || answer(context));
  });
}

/** Messages in a row, while what comes back is compared; resolves with the bytes that came, when they are `most`. */
function talk(context: WebSocketContext, most: number): Promise<number> {
  let sent = 0;
  let message = 0;
  let at = 0;
  let heard = 0;
  return new Promise((resolve, reject) => {
    const start = (index: number) => (index * 7919) % 4096;
    const failed = (hr: HResult) => FAILED(hr) && reject(new Error(`ended with ${hr.toString(16)}`));
    let over = false;
    const write = (hr: HResult = 0): void => {
      over ||= heard > most;
      if (failed(hr)) return;
      if (over) return void (message === sent && resolve(heard));
      const size = SIZES[sent % SIZES.length]!;
      const data = PATTERN.subarray(start(sent), start(sent) + size);
      sent++;
      context.writeFragment(data, true, false, true, write);
    };
    const read = (): void => {
      context.readFragment(null, true, (hr, _context, cbIO, _utf8, final, _close, data) => {
        if (failed(hr)) return;
        const from = start(message) + at;
        assert.equal(Buffer.compare(data, PATTERN.subarray(from, from + cbIO)), 0, `message ${message} at ${at}`);
        at += cbIO;
        heard += cbIO;
        if (final) {
          assert.equal(at, SIZES[message % SIZES.length]);
          message++;
          at = 0;
          if (over && message === sent) return resolve(heard);
        }
        read();
      });
    };
    write();
    read();
  });
}

/** What is held when all that was under way has come to rest. */
async function settled(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 5; look++) {
    await new Promise(resolve => setTimeout(resolve, 200));
    least = Math.min(least, held());
  }
  return least;
}

export async function* echo({ gigabytes, carriers }: Sizes): Part {
  const share = (gigabytes * 1e9) / carriers.length / TALKS;
  for (const carrier of carriers) {
    const served = await serve(answer, carrier);
    const contexts = await Promise.all(Array.from({ length: TALKS }, () => served.connect()));
    await Promise.all(contexts.map(context => talk(context, share / 20)));
    const before = await settled();
    const started = performance.now();
    const heard = await Promise.all(contexts.map(context => talk(context, share)));
    const seconds = (performance.now() - started) / 1000;
    const grown = (await settled()) - before;
    const bytes = heard.reduce((sum, one) => sum + one);
    for (const context of contexts) context.cleanupStoredContext();
    await served.stop();
    assert.ok(grown < 2 * MIB, `${grown} bytes more are held`);
    yield `${carrier}: ${(bytes / 1e9).toFixed(1)} GB echoed, every byte compared, ${(bytes / 1e9 / seconds).toFixed(2)} GB/s ` +
      `each way, ${(grown / 1024).toFixed(0)} KiB more held, rss ${(process.memoryUsage.rss() / MIB).toFixed(0)} MiB`;
  }
}
