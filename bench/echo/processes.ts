/**
 * Programs started for the bench: pinned to a core where `taskset` is there, ended with it, and measured from outside
 * (/proc), so that a program cannot flatter itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';

const pinning = availableParallelism() > 1 && spawnSync('taskset', ['-p', `${process.pid}`]).status === 0;

/** Linux's USER_HZ, as seen from outside the kernel. */
const TICKS_A_SECOND = 100;

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
export const pinned = pinning
  ? 'server and load pinned to a core each'
  : 'nothing pinned: no second core or no taskset';

export interface Running {
  readonly child: ChildProcess;
  /** The next line that the program prints; rejects with what it said on stderr where it ends instead. */
  line(): Promise<string>;
  readonly closed: Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function run(core: number, command: string, args: readonly string[]): Running {
  const [file, ...rest] = pinning ? ['taskset', '-c', `${core}`, command, ...args] : [command, ...args];
  const child = spawn(file!, rest, { stdio: 'pipe' });
  running.add(child);
  let complaint = '';
  child.stderr.on('data', chunk => (complaint += chunk));
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      reject(new Error(complaint.trim() || `ended with ${signal ?? code}`));
    });
  });
  const closed = ended.catch(() => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    closed,
    line: async () => {
      const { value, done } = await lines.next();
      return done ? ended : value;
    },
  };
}

export async function end({ child, closed }: Running): Promise<void> {
  child.kill('SIGKILL');
  await closed;
}

/** Returns the processor time that a program has used, in seconds, or NaN where there is no /proc. */
export function processorTimeOf({ child }: Running): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** Returns a field of /proc/PID/status in bytes, or NaN where there is no /proc. */
export function memoryOf({ child }: Running, field: 'VmHWM' | 'VmRSS'): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}
