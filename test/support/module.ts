/**
 * Drives `decode` of a built module as assembly/decode.ts documents it, and nothing between: bytes are copied to where
 * the test wants them, fragments are read from their table. What a fragment may be is checked at every one.
 */
import { isAscii } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import * as assert from 'uvu/assert';
import * as abi from '../../assembly/abi.ts';
import type { Exports } from '../../src/codec/module.ts';
import type { Log, Options, Piece } from '../reference/decoder.ts';
import type { Feed } from './feed.ts';

export const BUILDS = ['baseline', 'relaxed'] as const;
export type Build = (typeof BUILDS)[number];

/** Where a chunk is put: at the window's first byte, up to its last, or up to the last byte of memory. */
export const PLACES = ['window start', 'window end', 'memory end'] as const;
export type Place = (typeof PLACES)[number];

const FAULTS = new Map(
  Object.entries(abi)
    .filter(([name]) => name.startsWith('FAULT_'))
    .map(([name, rule]) => [rule, name]),
);

/** Compiles a build; where this platform does not know relaxed SIMD yet, that is switched on first. */
export function compile(build: Build): WebAssembly.Module {
  const wasm = readFileSync(new URL(`../../assembly/${build}.wasm`, import.meta.url));
  if (!WebAssembly.validate(wasm)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return new WebAssembly.Module(wasm);
}

export class Engine {
  readonly build: Build;
  readonly exports: Exports;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Uint32Array;

  constructor(build: Build) {
    this.build = build;
    this.exports = new WebAssembly.Instance(compile(build)).exports as unknown as Exports;
    this.bytes = new Uint8Array(this.exports.memory.buffer as ArrayBuffer);
    this.#words = new Uint32Array(this.bytes.buffer);
  }

  /** Opens the record numbered `index` and returns what decodes one stream. */
  open({ role, maxMessageSize = 0, validateUtf8 = true }: Options, place: Place = 'window start', index = 0): Feed {
    const record = abi.RECORDS + index * abi.RECORD_SIZE;
    const side = role === 'server' ? abi.ROLE_SERVER : abi.ROLE_CLIENT;
    this.exports.openDecoder(record, side, validateUtf8, maxMessageSize);
    let fed = 0;
    return chunk => {
      const end = this.#endOf(place, chunk.length);
      const start = end - chunk.length;
      this.bytes.set(chunk, start);
      const log: Log = { pieces: [], fault: undefined };
      let ptr = start;
      do {
        const count = this.exports.decode(record, ptr, end);
        ptr = this.#words[abi.NEXT >> 2]!;
        assert.ok(ptr <= end, 'decode does not go on behind the end');
        if (count < 0) log.fault = { name: FAULTS.get(-count) ?? `fault ${-count}`, offset: fed + ptr - start };
        else for (let i = 0; i < count; i++) log.pieces.push(this.#pieceAt(i, start, end));
      } while (ptr < end && !log.fault);
      fed += chunk.length;
      return log;
    };
  }

  /** How many fragments one call answers for a chunk at the window's start, before going on at NEXT. */
  decodeOnce(chunk: Uint8Array): number {
    this.bytes.set(chunk, abi.WINDOW);
    return this.exports.decode(abi.RECORDS, abi.WINDOW, abi.WINDOW + chunk.length);
  }

  /** The flags of a fragment in the table. */
  flags(index: number): number {
    return this.#words[((abi.FRAGMENTS + index * abi.FRAGMENT_SIZE) >> 2) + 2]!;
  }

  #endOf(place: Place, length: number): number {
    if (place === 'window start') return abi.WINDOW + length;
    return place === 'window end' ? abi.WINDOW + abi.WINDOW_SIZE : this.bytes.length;
  }

  #pieceAt(index: number, start: number, end: number): Piece {
    assert.ok(index < abi.FRAGMENTS_MOST, 'the table holds FRAGMENTS_MOST');
    const row = (abi.FRAGMENTS + index * abi.FRAGMENT_SIZE) >> 2;
    const address = this.#words[row]!;
    const length = this.#words[row + 1]!;
    const flags = this.#words[row + 2]!;
    const opcode = flags & abi.FLAG_OPCODE;
    const carried = opcode & abi.FLAG_CONTROL ? abi.WINDOW_ROOM : 0;
    assert.ok(address >= start - carried && address + length <= end, 'a fragment lies within what was given');
    const data = this.bytes.slice(address, address + length);
    if (flags & abi.FLAG_ASCII) {
      assert.ok(opcode === abi.OP_TEXT && isAscii(data), 'FLAG_ASCII says text, all below 0x80');
    }
    return { opcode, final: (flags & abi.FLAG_FINAL) !== 0, data };
  }
}
