/** Prints what was measured, and where: Node, processor, commit. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

function commit(): string {
  try {
    const hash = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
    const changed = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8', stdio: 'pipe' }) !== '';
    return `${hash}${changed ? ' and changes' : ''}`;
  } catch {
    return 'no commit';
  }
}

export function printPlace(): void {
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${commit()}\n`);
}

function sizeName(size: number): string {
  if (size % 1024) return `${size.toLocaleString('en')} B`;
  return size < 1_048_576 ? `${size / 1024} KiB` : `${size / 1_048_576} MiB`;
}

function print(cells: readonly (readonly string[])[]): void {
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map(row => row[column]!.length)));
  for (const row of cells)
    console.log(`  ${row.map((cell, i) => (i ? cell.padStart(widths[i]! + 2) : cell.padEnd(widths[i]!))).join('')}`);
}

const three = (value: number) =>
  value >= 99.5 ? Math.round(value).toLocaleString('en') : value.toFixed(value < 9.95 ? 2 : 1);

/** Prints a row for each name with a figure for each size: nanoseconds a call or a frame, then gigabytes a second. */
export function printTable(
  title: string,
  unit: 'ns per call' | 'ns per frame',
  names: readonly string[],
  sizes: readonly number[],
  ns: readonly number[][],
): void {
  const head = sizes.map(sizeName);
  const rows = (figure: (time: number, size: number) => number) =>
    names.map((name, row) => [name, ...sizes.map((size, column) => three(figure(ns[column]![row]!, size)))]);
  console.log(title);
  print([[unit, ...head], ...rows(time => time), ['GB/s', ...head], ...rows((time, size) => size / time)]);
  console.log();
}
