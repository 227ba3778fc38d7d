/**
 * How fast is this beside what one would pick instead? `npm run bench:echo -- [options]` starts each server on one core
 * and the load on another, takes turns between the servers so that the machine's moods meet all of them, and prints one
 * table a workload. README says how to read it.
 *
 *   --workloads a,b  --servers x,y   only these (names: workloads.ts, servers.ts); --workloads all: the rare ones too
 *   --rounds N  --seconds S          how often and how long each server is loaded; one message in flight: 9 rounds at least
 *   --node PATH                      the Node that runs the servers; uWebSockets.js stays on the one that runs this
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeers } from '../installed.ts';
import { chartOf, type Group } from './chart.ts';
import { writeMessages } from './messages.ts';
import { memoryOf, pinned } from './processes.ts';
import { compileGenerator, type Generator, idleRound, loadRound, messageFile } from './round.ts';
import { type Server, type Started, servers, start, stop } from './servers.ts';
import { type Measured, rowsOf, tableOf } from './table.ts';
import { titleOf, type Workload, workloads } from './workloads.ts';

/** Before anything counts, every server gets this long to be compiled. */
const FIRST_SECONDS = 0.7;
const NOISY_ROUNDS = 9;
const IDLE_ROUNDS = 3;
const chartFile = join(import.meta.dirname, 'ratios.svg');
const resultsFile = join(import.meta.dirname, 'results.json');

const { values: options } = parseArgs({
  options: {
    workloads: { type: 'string', default: '' },
    servers: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.5' },
    node: { type: 'string', default: process.execPath },
  },
});

function chosen<T extends { name: string }>(all: readonly T[], names: string): T[] {
  const wanted = names.split(',').filter(Boolean);
  for (const name of wanted) {
    if (!all.some(one => one.name === name))
      throw new Error(`${name} is none of ${all.map(one => one.name).join(' ')}`);
  }
  return all.filter(({ name }) => !wanted.length || wanted.includes(name));
}

function chosenWorkloads(names: string): readonly Workload[] {
  if (names === 'all') return workloads;
  return names ? chosen(workloads, names) : workloads.filter(({ rare }) => !rare);
}

/** In another order each round, so that no server always comes after the same one. */
function rotated<T>(all: Iterable<T>, round: number): T[] {
  const listed = [...all];
  const from = round % listed.length;
  return [...listed.slice(from), ...listed.slice(0, from)];
}

/** A certificate for 127.0.0.1, made once; says whether there is one. */
function haveCertificate(): boolean {
  const [key, certificate] = ['key.pem', 'certificate.pem'].map(file => join(import.meta.dirname, file)) as [
    string,
    string,
  ];
  if (existsSync(certificate)) return true;
  const command = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=127.0.0.1';
  return spawnSync('openssl', [...command.split(' '), '-keyout', key, '-out', certificate]).status === 0;
}

const leftOut = new Map<string, string>();

function leaveOut(server: Server, why: unknown): void {
  // A program that ends by an error prints the line of code first, and then what it is about.
  const { message } = why as Error;
  const reason = /^(?:\w*Error.*?: )(.+)$/m.exec(message)?.[1] ?? message.split('\n')[0]!;
  leftOut.set(server.name, reason);
  console.log(`  left out: ${server.title}: ${reason}`);
}

async function startAll(of: Workload): Promise<Map<Measured, Started>> {
  const started = new Map<Measured, Started>();
  for (const server of chosen(servers, options.servers)) {
    if (!server.modes.includes(of.mode) || leftOut.has(server.name) || (of.tls && server.name === 'bare')) continue;
    try {
      const at = await start(server, of, options.node);
      const title = [server.title, at.remark].filter(Boolean).join(', ');
      started.set({ server: { ...server, title }, values: [], rounds: [], peak: 0 }, at);
    } catch (error) {
      leaveOut(server, error);
    }
  }
  return started;
}

async function loadAll(of: Workload, by: Generator): Promise<Measured[]> {
  const started = await startAll(of);
  const rounds = of.depth === 1 ? Math.max(NOISY_ROUNDS, Number(options.rounds)) : Number(options.rounds);
  for (let round = 0; round <= rounds; round++) {
    for (const [measured, at] of rotated(started, round)) {
      const seconds = round ? Number(options.seconds) : FIRST_SECONDS;
      try {
        const result = await loadRound(by, of, measured.server, at, seconds);
        if (round) measured.rounds.push(result);
      } catch (error) {
        console.log(`  wrong: ${measured.server.title}: ${(error as Error).message}`);
        started.delete(measured);
        await stop(at);
      }
    }
  }
  for (const [measured, at] of started) {
    measured.values.push(...measured.rounds.map(({ messages, seconds }) => messages / seconds));
    measured.peak = memoryOf(at, 'VmHWM');
    await stop(at);
  }
  return [...started.keys()];
}

async function holdAll(of: Workload, by: Generator): Promise<Measured[]> {
  const all = new Map<string, Measured>();
  for (let round = 0; round < IDLE_ROUNDS; round++) {
    for (const [fresh, at] of rotated(await startAll(of), round)) {
      const measured = all.get(fresh.server.name) ?? fresh;
      all.set(fresh.server.name, measured);
      measured.values.push(await idleRound(by, of, at));
      measured.peak = memoryOf(at, 'VmHWM');
      await stop(at);
    }
  }
  return [...all.values()];
}

const failure = installPeers();
if (failure) console.log(failure);
const generator = compileGenerator();
const certificate = haveCertificate();
const version = spawnSync(options.node, ['--version'], { encoding: 'utf8' }).stdout.trim();
const heading = `Node ${version} on ${cpus()[0]?.model ?? 'an unknown processor'}`;
console.log(`${heading}; ${pinned}; load from ${generator.name}`);

const groups: Group[] = [];
const results: object[] = [];
for (const workload of chosenWorkloads(options.workloads)) {
  console.log(`\n${titleOf(workload)}`);
  if (workload.tls && !certificate) {
    console.log('  left out: openssl is not there to make a certificate');
    continue;
  }
  const idle = workload.mode === 'idle';
  writeMessages(messageFile, workload.script, workload.least, workload.most);
  const measured = idle ? await holdAll(workload, generator) : await loadAll(workload, generator);
  if (!measured.length) {
    const able = servers.filter(({ modes }) => modes.includes(workload.mode)).map(({ name }) => name);
    console.log(`  nothing was measured; the servers that do this are ${able.join(', ')}`);
    continue;
  }
  const rows = rowsOf(measured, idle);
  for (const line of tableOf(rows, measured, idle ? 'bytes each' : 'messages/s')) console.log(line);
  groups.push({ title: titleOf(workload), rows });
  results.push(
    ...rows.map((row, i) => ({
      workload: workload.name,
      ...row,
      server: row.server.name,
      title: row.server.title,
      values: measured[i]!.values,
    })),
  );
}
writeFileSync(chartFile, chartOf(`Ratio to the best peer: ${heading}`, groups));
writeFileSync(resultsFile, JSON.stringify({ heading, results }, null, 1));
console.log(`\nchart: ${chartFile}\nevery round's figures: ${resultsFile}`);
process.exit();
