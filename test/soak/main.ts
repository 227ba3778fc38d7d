/**
 * What takes minutes. `npm run soak` runs every part and prints what it measured; parts and carriers may be named, and
 * sizes given: `npm run soak -- echo held tcp minutes=10 connections=10000 gigabytes=100 programs=100000`.
 *
 *   model      random programs for two contexts, held against the model
 *   fuzz       spoilt streams, requests and answers, to our code and to ws's, for so many minutes each
 *   echo       gigabytes through one process, compared byte by byte
 *   slow       the delay of a thousand fast readers, with and without one who does not read
 *   strangers  handshakes that begin and stop
 *   held       connections that stay open with pings for so many minutes, one in a hundred of them talking
 */
import fc from 'fast-check';
import { answers, compareAnswer, compareRequest, requests } from '../fuzz/handshakes.ts';
import { trials } from '../fuzz/streams.ts';
import { compare } from '../fuzz/ws.ts';
import { perform, programs } from '../model/program.ts';
import { Engine } from '../support/module.ts';
import type { Carrier } from '../support/serve.ts';
import { echo } from './echo.ts';
import { held } from './held.ts';
import { slow } from './slow.ts';
import { strangers } from './strangers.ts';

const CARRIERS: readonly Carrier[] = ['tcp', 'tcp copied', 'tls', 'tls copied'];

const sizes = {
  minutes: 2,
  connections: 10_000,
  programs: 100_000,
  gigabytes: 20,
  seed: Date.now() % 2 ** 31,
  carriers: CARRIERS,
};
export type Sizes = typeof sizes;
/** Yields what it measured, a line at a time; throws where something is wrong. */
export type Part = AsyncGenerator<string>;

const named: string[] = [];
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split('=') as [string, string | undefined];
  if (value === undefined) named.push(name);
  else Object.assign(sizes, { [name]: Number(value) });
}

async function* model({ programs: numRuns, seed }: Sizes): Part {
  await fc.assert(fc.asyncProperty(programs, perform), { seed, numRuns, includeErrorInReport: true });
  yield `${numRuns} programs`;
}

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

async function* fuzz(sizes: Sizes): Part {
  const engine = new Engine('baseline');
  yield* repeat('streams', sizes, trials, trial => compare(engine, trial).row);
  yield* repeat('requests', sizes, requests, compareRequest);
  yield* repeat('answers', sizes, answers, compareAnswer);
}

const PARTS: Readonly<Record<string, (sizes: Sizes) => Part>> = {
  model,
  fuzz,
  echo,
  slow,
  strangers,
  held,
};

const carriers = CARRIERS.filter(carrier => named.includes(carrier.replace(' ', '-')));
if (carriers.length) sizes.carriers = carriers;
const parts = named.filter(name => name in PARTS);

console.log(`Node ${process.version}, seed ${sizes.seed}, ${sizes.minutes} minutes`);
for (const [name, part] of Object.entries(PARTS)) {
  if (parts.length && !parts.includes(name)) continue;
  const started = performance.now();
  console.log(name);
  for await (const line of part(sizes)) console.log(`  ${line}`);
  console.log(`  ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
process.exit();
