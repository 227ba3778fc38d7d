/** A thousand connections ask and are answered in turn; what does one more cost them that is written to and never reads? */
import * as assert from 'node:assert/strict';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED } from '../../src/context/hresult.ts';
import { type Carrier, serve } from '../support/serve.ts';
import type { Sizes } from './main.ts';

const FAST = 1000;
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

function quantile(delays: readonly number[], share: number): string {
  return delays[Math.floor(delays.length * share)]!.toFixed(1);
}

export async function slow({ minutes, carriers }: Sizes): Promise<string[]> {
  const lines: string[] = [];
  for (const carrier of carriers) lines.push(...(await measureSlow(carrier, minutes)));
  return lines;
}

async function measureSlow(carrier: Carrier, minutes: number): Promise<string[]> {
  const served = await serve(answer, carrier);
  const fast: WebSocketContext[] = [];
  for (let count = 0; count < FAST; count++) fast.push(await served.connect());
  const lines: string[] = [];
  const measure = async (name: string, seconds: number): Promise<number> => {
    const delays: number[] = [];
    const end = performance.now() + seconds * 1000;
    await Promise.all(fast.map(context => ask(context, end, delays)));
    delays.sort((one, other) => one - other);
    lines.push(
      `${carrier}, ${name}: ${delays.length} answers, p50 ${quantile(delays, 0.5)} ms, p99 ${quantile(delays, 0.99)} ms, ` +
        `most ${delays.at(-1)!.toFixed(1)} ms`,
    );
    return Number(quantile(delays, 0.99));
  };
  await measure('unmeasured', 2);
  lines.pop();
  const without = await measure('without a slow reader', minutes * 15);
  const reader = await served.connect({ receiveBufferLimit: 0 });
  reader.writeFragment(BULK.subarray(0, 1), true, false, true, () => {});
  const beside = await measure('beside a slow reader', minutes * 15);
  reader.cleanupStoredContext();
  for (const context of fast) context.cleanupStoredContext();
  await served.stop();
  assert.ok(beside < without * 2, 'a slow reader does not double the delay of the others');
  return lines;
}
