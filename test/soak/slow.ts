/** A thousand connections ask and are answered in turn; what does one more cost them that is written to and never reads? */
import * as assert from 'node:assert/strict';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED } from '../../src/context/hresult.ts';
import { serve } from '../support/serve.ts';
import type { Part, Sizes } from './main.ts';

const FAST = 1000;
const ROUNDS = 4;
const QUESTION = Buffer.alloc(100, '?');
const BULK = Buffer.alloc(1 << 20, '!');

function answer(context: WebSocketContext): void {
  context.readFragment(null, true, (hr, _context, _cbIO, utf8, final, close, data) => {
    if (FAILED(hr) || close) return;
    if (data[0] === BULK[0]) pour(context);
    else context.writeFragment(data, true, utf8, final, hr => FAILED(hr) || answer(context));
  });
}

/** Writes for as long as it is taken, and then waits for the reader who does not read. */
function pour(context: WebSocketContext): void {
  context.writeFragment(BULK, true, false, true, hr => FAILED(hr) || pour(context));
}

/** Asks again and again until `end`; notes how long each answer took. */
function ask(context: WebSocketContext, end: number, delays: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const again = (): void => {
      const asked = performance.now();
      context.writeFragment(QUESTION, true, false, true, () => {});
      context.readFragment(null, true, hr => {
        if (FAILED(hr)) return reject(new Error(hr.toString(16)));
        delays.push(performance.now() - asked);
        if (performance.now() < end) again();
        else resolve();
      });
    };
    again();
  });
}

function quantile(delays: readonly number[], share: number): number {
  return delays[Math.floor(delays.length * share)]!;
}

function show(delays: readonly number[]): string {
  const [half, most] = [quantile(delays, 0.5), quantile(delays, 0.99)].map(delay => delay.toFixed(1));
  return `${delays.length} answers, p50 ${half} ms, p99 ${most} ms, at most ${delays.at(-1)!.toFixed(1)} ms`;
}

/** Asks on all connections for so many seconds; the delays are added to those that were seen before. */
async function measure(fast: readonly WebSocketContext[], seconds: number, delays: number[]): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await Promise.all(fast.map(context => ask(context, end, delays)));
}

export async function* slow({ minutes, carriers }: Sizes): Part {
  for (const carrier of carriers) {
    const served = await serve(answer, carrier);
    const fast: WebSocketContext[] = [];
    for (let count = 0; count < FAST; count++) fast.push(await served.connect());
    await measure(fast, 2, []);
    const without: number[] = [];
    const beside: number[] = [];
    // In turns, so that what else the machine does is seen by both.
    for (let round = 0; round < ROUNDS; round++) {
      const seconds = (minutes * 15) / ROUNDS;
      await measure(fast, seconds, without);
      const reader = await served.connect({ receiveBufferLimit: 0 });
      reader.writeFragment(BULK.subarray(0, 1), true, false, true, () => {});
      await measure(fast, seconds, beside);
      reader.cleanupStoredContext();
    }
    for (const context of fast) context.cleanupStoredContext();
    await served.stop();
    for (const delays of [without, beside]) delays.sort((one, other) => one - other);
    yield `${carrier}, without a slow reader: ${show(without)}`;
    yield `${carrier}, beside a slow reader: ${show(beside)}`;
    assert.ok(quantile(beside, 0.99) < quantile(without, 0.99) * 2, 'it does not double the delay of the others');
  }
}
