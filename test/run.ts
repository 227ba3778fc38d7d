/**
 * Runs every test file in a process of its own, one a core, and ends non-zero if anything failed, a file ran no test or
 * did not end. `node dist/test/run.js [part of a path ...]` runs only the files whose paths hold one of the parts.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';

const MINUTES_MOST = 10;
const root = import.meta.dirname;
const parts = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js') && (!parts.length || parts.some(part => file.includes(part))))
  .sort();

let passed = 0;
let failed = 0;

function run(file: string): Promise<void> {
  return new Promise(resolve => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--expose-gc', join(root, file)], { timeout: MINUTES_MOST * 60_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
    child.on('close', (code, signal) => {
      const total = Number(/Total:\s+(\d+)/.exec(output)?.[1] ?? 0);
      const good = Number(/Passed:\s+(\d+)/.exec(output)?.[1] ?? 0);
      const skipped = Number(/Skipped:\s+(\d+)/.exec(output)?.[1] ?? 0);
      const sound = code === 0 && total > 0 && good + skipped === total;
      passed += good;
      if (!sound) failed += Math.max(1, total - good - skipped);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${sound ? 'ok  ' : 'FAIL'} ${relative(root, join(root, file))}  ${good} of ${total}, ${seconds} s`);
      if (!sound) console.log(`${output}\nended with ${signal ?? code}`);
      else for (const line of output.match(/^(skipped|note): .*$/gm) ?? []) console.log(`     ${line}`);
      resolve();
    });
  });
}

const queue = files.values();
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const file of queue) await run(file);
  }),
);

if (!files.length) console.log('no test file was found');
console.log(`${passed} passed, ${failed} failed`);
if (failed || !passed) process.exitCode = 1;
