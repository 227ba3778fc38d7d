/** One round: a load generator against one server for a fixed time, or ten thousand connections that do nothing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, LOAD_CORE, memoryOf, processorTimeOf, run } from './processes.ts';
import type { Server, Started } from './servers.ts';
import type { Workload } from './workloads.ts';

const WARMUP_SECONDS = 0.2;
/** A young generation grows by what it has seen, and is no connection's: so many come and go first, so often. */
const WARMUP_CONNECTIONS = 500;
const WARMUPS = 10;
const SETTLED_BYTES = 64 * 1024;
const source = join(import.meta.dirname, '../../../bench/echo/load.c');
const compiled = join(import.meta.dirname, 'load');
export const messageFile = join(import.meta.dirname, 'messages.bin');

/** Node's generator stands in for the compiled one; `tls` says whether that one speaks TLS. */
export interface Generator {
  readonly name: string;
  readonly compiled: boolean;
  readonly tls: boolean;
}

/** Compiles the load generator, without TLS where OpenSSL's headers are missing. */
export function compileGenerator(): Generator {
  const compile = (...flags: string[]) =>
    process.platform === 'linux' && spawnSync('cc', ['-O3', source, '-o', compiled, ...flags]).status === 0;
  if (compile('-DWITH_TLS', '-lssl', '-lcrypto')) return { name: 'load.c', compiled: true, tls: true };
  if (compile()) return { name: 'load.c, for TLS load.ts (no OpenSSL headers)', compiled: true, tls: false };
  return {
    name: 'load.ts (no compiler, or not Linux): it may be the limit, see the load column',
    compiled: false,
    tls: false,
  };
}

export interface Round {
  readonly messages: number;
  readonly seconds: number;
  /** The generator's share of its core: near 1, it was the limit and not the server. */
  readonly busy: number;
  /** The server's share of its own. */
  readonly serverBusy: number;
  /** Microseconds; 0 with more than one message in flight. */
  readonly p50: number;
  readonly p99: number;
}

function generate(by: Generator, of: Workload, mode: string, connections: number, port: number, seconds: number) {
  const tls = of.tls ? 'TLS' : 'PLAIN';
  const args = [port, messageFile, mode, connections, of.depth, WARMUP_SECONDS, seconds, tls].map(String);
  const native = by.compiled && (by.tls || !of.tls);
  return native
    ? run(LOAD_CORE, compiled, args)
    : run(LOAD_CORE, process.execPath, [join(import.meta.dirname, 'load.js'), ...args]);
}

/** Loads one server; rejects with the generator's words where an answer was wrong or missing. */
export async function loadRound(by: Generator, of: Workload, on: Server, at: Started, seconds: number): Promise<Round> {
  const mode = on.name === 'bare' ? 'bare' : of.mode;
  const generator = generate(by, of, mode, of.connections, at.port, seconds);
  await generator.line();
  const before = processorTimeOf(at);
  const round = JSON.parse(await generator.line());
  const serverBusy = (processorTimeOf(at) - before) / round.seconds;
  await generator.closed;
  return { ...round, serverBusy };
}

async function settledMemory(at: Started): Promise<number> {
  let before = Number.NaN;
  for (;;) {
    at.child.kill('SIGUSR2');
    await sleep(700);
    const resident = memoryOf(at, 'VmRSS');
    if (Number.isNaN(resident) || Math.abs(resident - before) < SETTLED_BYTES) return resident;
    before = resident;
  }
}

async function hold<T>(
  by: Generator,
  of: Workload,
  connections: number,
  at: Started,
  meanwhile: () => Promise<T>,
): Promise<T> {
  const generator = generate(by, of, 'idle', connections, at.port, 0);
  await generator.line();
  try {
    return await meanwhile();
  } finally {
    await end(generator);
  }
}

/** Returns the bytes of resident memory that one idle connection costs a server that has seen connections before. */
export async function idleRound(by: Generator, of: Workload, at: Started): Promise<number> {
  for (let time = 0; time < WARMUPS; time++) await hold(by, of, WARMUP_CONNECTIONS, at, async () => {});
  const before = await settledMemory(at);
  const after = await hold(by, of, of.connections, at, () => settledMemory(at));
  return (after - before) / of.connections;
}
