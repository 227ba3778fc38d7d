/**
 * What takes minutes. `npm run soak` runs every part and prints what it measured; parts and carriers may be named, and
 * sizes given: `npm run soak -- echo held tcp minutes=10 connections=10000 gigabytes=100 programs=100000`.
 *
 *   echo       gigabytes through one process, compared byte by byte
 *   slow       the delay of a thousand fast readers, with and without one who does not read
 *   strangers  handshakes that begin and stop
 *   held       connections that stay open with pings for so many minutes, one in a hundred of them talking
 *   model      random programs for two contexts, held against the model
 *   fuzz       spoilt streams, requests and answers, to our code and to ws's, for so many minutes each
 */
import type { Carrier } from '../support/serve.ts';

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

/** Each is loaded when its turn has come, and those that hold much come last: it would be seen in the others' figures. */
const PARTS: Readonly<Record<string, () => Promise<(sizes: Sizes) => Part>>> = {
  echo: async () => (await import('./echo.ts')).echo,
  slow: async () => (await import('./slow.ts')).slow,
  strangers: async () => (await import('./strangers.ts')).strangers,
  held: async () => (await import('./held.ts')).held,
  model: async () => (await import('./model.ts')).model,
  fuzz: async () => (await import('./fuzz.ts')).fuzz,
};

const carriers = CARRIERS.filter(carrier => named.includes(carrier.replace(' ', '-')));
if (carriers.length) sizes.carriers = carriers;
const parts = named.filter(name => name in PARTS);

console.log(`Node ${process.version}, seed ${sizes.seed}, ${sizes.minutes} minutes`);
for (const [name, load] of Object.entries(PARTS)) {
  if (parts.length && !parts.includes(name)) continue;
  const started = performance.now();
  console.log(name);
  const part = await load();
  for await (const line of part(sizes)) console.log(`  ${line}`);
  console.log(`  ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
process.exit();
