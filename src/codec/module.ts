/**
 * Compiles the wasm module and gives it its memory. Two builds lie inlined in the package, with relaxed SIMD and without;
 * the platform's own validator chooses. Memory is brought to its size here, before the first view of it is made, and
 * never grows again: so no view ever detaches, and an address given to the kernel stays good.
 */
import { wasm as baseline } from '../../assembly/baseline.js';
import { wasm as relaxed } from '../../assembly/relaxed.js';

const PAGE = 65_536;

/** What assembly/index.ts exports; addresses and sizes in bytes. */
export interface Exports {
  readonly memory: WebAssembly.Memory;
  decode(record: number, ptr: number, end: number): number;
  encode(dest: number, first: number, src: number, length: number, masked: boolean, key: number): number;
  writeHeader(dest: number, first: number, length: number, masked: boolean, key: number): number;
  maskCopy(dest: number, src: number, length: number, key: number): void;
  unmask(ptr: number, length: number, key: number): void;
  unmaskText(dest: number, src: number, length: number, key: number, carry: number): number;
  openDecoder(record: number, role: number, validates: boolean, messageLimit: number): void;
  validate(ptr: number, length: number, carry: number): number;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), char => char.charCodeAt(0));
}

function choose(): Uint8Array<ArrayBuffer> {
  if (typeof WebAssembly === 'undefined')
    throw new Error('this platform has no WebAssembly, which websocket-context needs');
  for (const base64 of [relaxed, baseline]) {
    const bytes = bytesOf(base64);
    if (WebAssembly.validate(bytes)) return bytes;
  }
  throw new Error('this platform lacks WebAssembly SIMD (v128), which websocket-context needs; use a newer one');
}

let compiled: WebAssembly.Module | undefined;

/** Compiles the module once for this thread, at once. */
export function compileSync(): WebAssembly.Module {
  if (compiled) return compiled;
  const bytes = choose();
  return (compiled = new WebAssembly.Module(bytes));
}

/** Compiles the module once for this thread, without holding it up. */
export async function compile(): Promise<WebAssembly.Module> {
  if (compiled) return compiled;
  const bytes = choose();
  return (compiled = await WebAssembly.compile(bytes));
}

/** Instantiates with a memory of `size` bytes, a multiple of 65,536. */
export function instantiate(module: WebAssembly.Module, size: number): Exports {
  try {
    // Copied, for the instance's own exports are a frozen dictionary, and slow to look things up in.
    const exports = { ...new WebAssembly.Instance(module).exports } as unknown as Exports;
    const missing = size / PAGE - exports.memory.buffer.byteLength / PAGE;
    if (missing > 0) exports.memory.grow(missing);
    return exports;
  } catch (cause) {
    throw new Error(
      'no memory for the WebSocket engine: JavaScript engines reserve about 10 GiB of address space for a WebAssembly ' +
        'memory, whatever its size; raise the limit on virtual memory (ulimit -v)',
      { cause },
    );
  }
}
