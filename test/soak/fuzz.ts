/** Spoilt streams, requests and answers, to our code and to ws's, for so many minutes each. */
import fc from 'fast-check';
import { answers, compareAnswer, compareRequest, requests } from '../fuzz/handshakes.ts';
import { trials } from '../fuzz/streams.ts';
import { compare } from '../fuzz/ws.ts';
import { Engine } from '../support/module.ts';
import type { Part, Sizes } from './main.ts';

/** Judges trials for so many minutes, with seeds in a row; tells how many there were of each row of the table. */
async function* repeat<T>(
  name: string,
  { minutes, seed }: Sizes,
  made: fc.Arbitrary<T>,
  judge: (trial: T) => string | Promise<string>,
): Part {
  const rows = new Map<string, number>();
  const end = performance.now() + minutes * 60_000;
  let trials = 0;
  const property = fc.asyncProperty(made, async trial => {
    const row = await judge(trial);
    rows.set(row, (rows.get(row) ?? 0) + 1);
    trials++;
  });
  for (let at = seed; performance.now() < end; at++) {
    await fc.assert(property, { seed: at, numRuns: 2000, includeErrorInReport: true });
  }
  yield `${trials} ${name}`;
  for (const [row, count] of rows) yield `  ${count} ${row || 'judged alike'}`;
}

export async function* fuzz(sizes: Sizes): Part {
  const engine = new Engine('baseline');
  yield* repeat('streams', sizes, trials, trial => compare(engine, trial).row);
  yield* repeat('requests', sizes, requests, compareRequest);
  yield* repeat('answers', sizes, answers, compareAnswer);
}
