/** Runs rows against each other with tinybench, in rounds that take turns, so that a noisy moment meets all of them. */
import { Bench } from 'tinybench';

export interface Row {
  readonly name: string;
  /** Makes ready what the next batch of calls works upon; not measured. */
  lay(turn: number): void;
  /** Calls what is measured, `calls` times. */
  run(calls: number): void;
}

const ROUNDS = 7;
const MILLISECONDS = 10;
/** A batch lasts some tens of microseconds, far above the clock's grain. */
const BATCH_BYTES = 400_000;
const BATCH_MOST = 2000;

/**
 * Returns nanoseconds a call, a number for each row: the median of each round, and of those the median. Not the least: a
 * plain loop such as bufferutil's runs at one of several speeds for a whole round, by what the processor makes of it.
 */
export function measure(rows: readonly Row[], size: number): number[] {
  const calls = Math.max(1, Math.min(BATCH_MOST, Math.floor(BATCH_BYTES / size)));
  const times: number[][] = rows.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const bench = new Bench({ time: MILLISECONDS, iterations: 8, warmup: round === 0, warmupTime: MILLISECONDS });
    let turn = round;
    for (const [i, row] of rows.entries()) {
      // tinybench tries a task once before any hook.
      row.lay(turn);
      bench.add(`${i}`, () => row.run(calls), { beforeEach: () => row.lay(turn++) });
    }
    for (const [i, { result }] of bench.runSync().entries()) {
      if (result.state !== 'completed') throw new Error(`${rows[i]!.name} failed`, { cause: result });
      times[i]!.push((result.latency.p50 * 1e6) / calls);
    }
  }
  return times.map(rounds => rounds.sort((a, b) => a - b)[ROUNDS >> 1]!);
}
