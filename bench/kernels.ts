/** Our modules as the benches call them, without anything between; and the codec as everyone does. */
import { readFileSync } from 'node:fs';
import { FRAGMENTS, WINDOW } from '../assembly/abi.ts';
import { Codec } from '../src/codec/index.ts';
import type { Exports } from '../src/codec/module.ts';
import { ROOM } from './sizes.ts';

export interface Kernels {
  readonly build: string;
  readonly exports: Exports;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
}

export const FROM = Math.ceil((WINDOW + ROOM) / 65_536) * 65_536;
/** A second stretch as far from the first as the window is from pages. */
export const TO = FROM + Math.ceil(ROOM / 65_536) * 65_536 + 2048;
const PAGES = Math.ceil((TO + ROOM) / 65_536);

function load(build: string): Kernels | undefined {
  const wasm = readFileSync(new URL(`../assembly/${build}.wasm`, import.meta.url));
  if (!WebAssembly.validate(wasm)) return undefined;
  const exports = { ...new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports } as unknown as Exports;
  exports.memory.grow(Math.max(0, PAGES - exports.memory.buffer.byteLength / 65_536));
  const buffer = exports.memory.buffer as ArrayBuffer;
  return { build, exports, bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
}

/** The builds that this platform takes. */
export const kernels: readonly Kernels[] = ['baseline', 'relaxed'].map(load).filter(one => one !== undefined);
export const fastest = kernels.at(-1)!;
export const codec = Codec.loadSync();
export const FIRST_WORD = FRAGMENTS >> 2;
