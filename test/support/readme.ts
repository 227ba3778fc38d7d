/** The README as data: its code blocks by heading, and its tables. */
import { readFileSync } from 'node:fs';

export const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

export interface Block {
  /** The heading above it, and its number below that: 'An echo 2'. */
  readonly name: string;
  readonly code: string;
}

/** Every block of JavaScript. */
export const blocks: readonly Block[] = README.split(/^## /m).flatMap(section => {
  const heading = section.slice(0, section.indexOf('\n'));
  const found = section.matchAll(/^```js\n(.*?)^```$/gms);
  return Array.from(found, ([, code], index) => ({ name: `${heading} ${index + 1}`, code: code! }));
});

export function blockOf(name: string): Block {
  const block = blocks.find(one => one.name === name);
  if (!block) throw new Error(`README has no block '${name}', only ${blocks.map(one => one.name).join(', ')}`);
  return block;
}

/** The rows of the tables below a heading, cell by cell, without their heads. */
export function rowsOf(heading: string): string[][] {
  const section = README.split(/^## /m).find(one => one.startsWith(`${heading}\n`)) ?? '';
  const tables = section.split(/\n\n/).filter(part => part.startsWith('|'));
  return tables.flatMap(table =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map(row =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map(cell => cell.trim()),
      ),
  );
}
