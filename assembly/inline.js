/** Turns each compiled module into a JavaScript module that carries it as base64, so that no second file is fetched. */
import { readFileSync, writeFileSync } from 'node:fs';

for (const name of ['baseline', 'relaxed']) {
  const file = new URL(`../dist/assembly/${name}`, import.meta.url).pathname;
  const wasm = readFileSync(`${file}.wasm`).toString('base64');
  writeFileSync(`${file}.js`, `export const wasm = '${wasm}';\n`);
  writeFileSync(`${file}.d.ts`, 'export declare const wasm: string;\n');
}
