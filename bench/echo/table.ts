/** Rounds to rows, rows to a table. */
import type { Round } from './round.ts';
import type { Server } from './servers.ts';

export interface Measured {
  readonly server: Server;
  /** What is compared, one a round: messages a second, or bytes a connection. */
  readonly values: number[];
  readonly rounds: Round[];
  /** Peak resident bytes. */
  peak: number;
}

export interface Row {
  readonly server: Server;
  readonly median: number;
  /** Half of what lies between the quartiles, as a share of the median. */
  readonly spread: number;
  /** To the best peer; above 1 is better, whether more is better or less. NaN without a peer. */
  readonly ratio: number;
}

/** Returns the value that `share` of the values do not exceed, between two of them where it falls there. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

const medianOf = (values: readonly number[]) => quantileOf(values, 0.5);

export function rowsOf(measured: readonly Measured[], lessIsBetter: boolean): Row[] {
  const better = (a: number, b: number) => (lessIsBetter ? b / a : a / b);
  const medians = measured.map(({ values }) => medianOf(values));
  const peers = medians.filter((_, i) => measured[i]!.server.kind === 'peer');
  const best = peers.reduce((a, b) => (better(b, a) > 1 ? b : a), peers[0] ?? Number.NaN);
  return measured.map(({ server, values }, i) => {
    const median = medians[i]!;
    const spread = (quantileOf(values, 0.75) - quantileOf(values, 0.25)) / 2 / median;
    return { server, median, spread, ratio: better(median, best) };
  });
}

const whole = (value: number) => Math.round(value).toLocaleString('en');
const share = (value: number) => `${(value * 100).toFixed(0)}%`;

/** Returns the table's lines. */
export function tableOf(rows: readonly Row[], measured: readonly Measured[], unit: string): string[] {
  const delays = measured.some(({ rounds }) => rounds.some(({ p50 }) => p50 > 0));
  const loads = measured.some(({ rounds }) => rounds.length > 0);
  const head = [
    '',
    unit,
    'spread',
    'ratio',
    ...(delays ? ['p50 µs', 'p99 µs'] : []),
    'peak MiB',
    ...(loads ? ['server', 'load'] : []),
  ];
  const cells = rows.map(({ server, median, spread, ratio }, i) => {
    const { rounds, peak } = measured[i]!;
    const of = (key: keyof Round) => medianOf(rounds.map(round => round[key]));
    return [
      server.title,
      whole(median),
      `±${share(spread)}`,
      Number.isNaN(ratio) ? '' : ratio.toFixed(2),
      ...(delays ? [of('p50').toFixed(0), of('p99').toFixed(0)] : []),
      whole(peak / 2 ** 20),
      ...(loads ? [share(of('serverBusy')), share(of('busy'))] : []),
    ];
  });
  const lines = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...lines.map(line => line[column]!.length)));
  return lines.map(line =>
    line.map((cell, i) => (i ? cell.padStart(widths[i]! + 2) : `  ${cell.padEnd(widths[i]!)}`)).join(''),
  );
}
