/**
 * What takes minutes. `npm run soak` runs every part for `minutes` each (default 2) and prints what it measured; parts
 * may be named, and sizes given: `npm run soak -- echo held minutes=10 connections=10000 programs=100000`.
 *
 *   model  random programs for two contexts, held against the model
 *   fuzz   spoilt streams to our decoder and to ws's
 *   echo   gigabytes through one process, compared byte by byte, by TCP and by TLS
 *   slow   the delay of a thousand fast readers, with and without one who does not read
 *   held   connections that stay open with pings, one in a hundred of them talking
 */
import fc from 'fast-check';
import { compare } from '../fuzz/ws.ts';
import { perform, programs } from '../model/program.ts';
import { Engine } from '../support/module.ts';
import { echo } from './echo.ts';
import { held } from './held.ts';
import { slow } from './slow.ts';

export interface Sizes {
  minutes: number;
  connections: number;
  programs: number;
  seed: number;
}

const sizes: Sizes = { minutes: 2, connections: 10_000, programs: 100_000, seed: Date.now() % 2 ** 31 };
const named = process.argv.slice(2).filter(word => !word.includes('='));
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split('=');
  if (value !== undefined) sizes[name as keyof Sizes] = Number(value);
}

async function model({ programs: numRuns, seed }: Sizes): Promise<string[]> {
  await fc.assert(fc.asyncProperty(programs, perform), { seed, numRuns, includeErrorInReport: true });
  return [`${numRuns} programs`];
}

async function fuzz({ minutes, seed }: Sizes): Promise<string[]> {
  const engine = new Engine('baseline');
  const counts = new Map<string, number>();
  const end = performance.now() + minutes * 60_000;
  let at = seed;
  for (; performance.now() < end; at++) {
    const row = compare(engine, at);
    counts.set(row, (counts.get(row) ?? 0) + 1);
    if (at % 1000 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  return [`${at - seed} streams`, ...Array.from(counts, ([row, count]) => `${count} ${row || 'judged alike'}`)];
}

const PARTS: Readonly<Record<string, (sizes: Sizes) => Promise<string[]>>> = { model, fuzz, echo, slow, held };

console.log(`Node ${process.version}, seed ${sizes.seed}, ${sizes.minutes} minutes a part`);
for (const [name, part] of Object.entries(PARTS)) {
  if (named.length && !named.includes(name)) continue;
  const started = performance.now();
  const lines = await part(sizes);
  console.log(`${name}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
  for (const line of lines) console.log(`  ${line}`);
}
process.exit();
