/** The servers that are measured, ours and the peers, and how each is started. */
import { join } from 'node:path';
import { resolvePeer } from '../installed.ts';
import { end, LOAD_CORE, type Running, run, SERVER_CORE } from './processes.ts';
import type { Workload } from './workloads.ts';

export interface Server {
  readonly name: string;
  readonly title: string;
  /** Ratios are to the best peer; a yardstick only stands beside. */
  readonly kind: 'ours' | 'peer' | 'yardstick';
  readonly file: string;
  readonly runtime: 'node' | 'same node' | 'bun';
  readonly modes: readonly Workload['mode'][];
}

export const servers: readonly Server[] = [
  server('lent', 'ours: callbacks, lent reads', 'ours', ['echo', 'idle']),
  server('buffer', 'ours: callbacks, own buffer', 'ours', ['echo']),
  server('promise', 'ours: promise a fragment', 'ours', ['echo']),
  server('iteration', 'ours: message iteration', 'ours', ['echo']),
  server('broadcast', 'ours', 'ours', ['broadcast']),
  server('relay', 'ours', 'ours', ['relay']),
  server('ws', 'ws', 'peer', ['echo', 'broadcast', 'idle']),
  server('uws', 'uWebSockets.js', 'peer', ['echo', 'broadcast', 'idle'], 'same node'),
  server('bun', 'Bun', 'peer', ['echo', 'broadcast', 'idle'], 'bun'),
  server('relay-ws', 'ws', 'peer', ['relay']),
  server('bare', 'bare sockets', 'yardstick', ['echo']),
  server('upgraded', 'http.Server, upgraded and left alone', 'yardstick', ['idle']),
];

function server(
  name: string,
  title: string,
  kind: Server['kind'],
  modes: Server['modes'],
  runtime: Server['runtime'] = 'node',
): Server {
  return { name, title, kind, modes, runtime, file: join(import.meta.dirname, `servers/${name}.js`) };
}

function bunBinary(): string {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  return resolvePeer(`@oven/bun-${process.platform}-${arch}/bin/bun`);
}

export interface Started extends Running {
  readonly port: number;
  /** What the server says of itself besides: 'without bufferutil'. */
  readonly remark: string;
  /** The server behind a relay. */
  readonly target: Started | undefined;
}

/** Starts a server for a workload and waits until it listens; rejects with its own words where it cannot. */
export async function start(of: Server, { mode, tls }: Workload, node: string, core = SERVER_CORE): Promise<Started> {
  const target = mode === 'relay' ? await start(servers[0]!, { mode: 'echo' } as Workload, node, LOAD_CORE) : undefined;
  const does = target ? `ws://127.0.0.1:${target.port}/` : mode === 'broadcast' ? 'broadcast' : 'echo';
  const args = [of.file, does, tls ? 'TLS' : 'PLAIN'];
  const started =
    of.runtime === 'bun'
      ? run(core, bunBinary(), ['run', ...args])
      : run(core, of.runtime === 'node' ? node : process.execPath, ['--expose-gc', ...args]);
  const [, port, remark = ''] = /^listening (\d+) ?(.*)$/.exec(await started.line()) ?? [];
  return { ...started, port: Number(port), remark, target };
}

export async function stop(started: Started): Promise<void> {
  await end(started);
  if (started.target) await stop(started.target);
}
