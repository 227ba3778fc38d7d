/** What is measured: one row a table. Sizes are payload bytes; `depth` is how many messages a connection has in flight. */
import type { Script } from './messages.ts';

export interface Workload {
  readonly name: string;
  readonly mode: 'echo' | 'broadcast' | 'idle' | 'relay';
  readonly connections: number;
  readonly depth: number;
  readonly least: number;
  readonly most: number;
  readonly script: Script;
  readonly tls: boolean;
  /** Measured only where it is asked for, by its name or by 'all'. */
  readonly rare: boolean;
}

const KIB = 1024;
const MIB = 1024 * KIB;

function workload(
  name: string,
  connections: number,
  size: number | readonly [number, number],
  depth: number,
  {
    script = 'ascii',
    tls = false,
    mode = 'echo',
    rare = false,
  }: Partial<Pick<Workload, 'script' | 'tls' | 'mode' | 'rare'>> = {},
): Workload {
  const [least, most] = typeof size === 'number' ? [size, size] : size;
  return { name, mode, connections, depth, least, most, script, tls, rare };
}

export const workloads: readonly Workload[] = [
  workload('20x1', 50, [16, 24], 1),
  workload('20x64', 50, [16, 24], 64),
  workload('1k', 50, KIB, 16),
  workload('16k', 10, 16 * KIB, 8),
  workload('1m', 4, MIB, 2),
  workload('20x1-mixed', 50, [16, 24], 1, { script: 'mixed', rare: true }),
  workload('20x64-mixed', 50, [16, 24], 64, { script: 'mixed' }),
  workload('1k-mixed', 50, KIB, 16, { script: 'mixed' }),
  workload('16k-mixed', 10, 16 * KIB, 8, { script: 'mixed', rare: true }),
  workload('1m-mixed', 4, MIB, 2, { script: 'mixed' }),
  workload('20x1-binary', 50, [16, 24], 1, { script: 'binary', rare: true }),
  workload('20x64-binary', 50, [16, 24], 64, { script: 'binary', rare: true }),
  workload('1k-binary', 50, KIB, 16, { script: 'binary' }),
  workload('16k-binary', 10, 16 * KIB, 8, { script: 'binary', rare: true }),
  workload('1m-binary', 4, MIB, 2, { script: 'binary' }),
  workload('20x1-tls', 50, [16, 24], 1, { tls: true, rare: true }),
  workload('20x64-tls', 50, [16, 24], 64, { tls: true }),
  workload('1k-tls', 50, KIB, 16, { tls: true }),
  workload('16k-tls', 10, 16 * KIB, 8, { tls: true }),
  workload('1m-tls', 4, MIB, 2, { tls: true, rare: true }),
  workload('broadcast', 1000, 256, 1, { mode: 'broadcast' }),
  workload('relay', 10, 16 * KIB, 8, { mode: 'relay' }),
  workload('idle', 10_000, 0, 0, { mode: 'idle' }),
];

function sizeOf({ least, most }: Workload): string {
  if (least !== most) return `${least} to ${most} B`;
  if (most < KIB) return `${most} B`;
  return most < MIB ? `${most / KIB} KiB` : `${most / MIB} MiB`;
}

/** Returns what a table of this workload is headed with. */
export function titleOf(of: Workload): string {
  const connections = `${of.connections.toLocaleString('en')} connections`;
  if (of.mode === 'idle') return `${connections}, idle`;
  const content = of.script === 'binary' ? 'binary' : `text, ${of.script === 'ascii' ? 'ASCII' : 'mixed scripts'}`;
  const message = `${sizeOf(of)} of ${content}${of.tls ? ', over TLS' : ''}`;
  if (of.mode === 'broadcast') return `${message}, each message to ${connections}`;
  return `${message}, ${of.depth} in flight, ${connections}${of.mode === 'relay' ? ', through a relay' : ''}`;
}
