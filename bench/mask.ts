/** How fast are bytes unmasked, from a dozen to a million? Against bufferutil, which ws uses, and Node's own. */
import { unmask as unmaskNaively } from '../src/page/naive.ts';
import { codec, FROM, fastest, TO } from './kernels.ts';
import { measure, type Row } from './measure.ts';
import { type BufferUtil, bufferutil, websocketMask } from './peers.ts';
import { lay, ROOM, SIZES } from './sizes.ts';
import { printTable } from './table.ts';

const KEY = 0x84_53_a7_1e;
const MASK = Buffer.of(0x1e, 0xa7, 0x53, 0x84);

/** A row that works upon stretches of a buffer of its own. */
function onBuffers(name: string, data: Uint8Array, unmask: (stretch: Uint8Array) => void): Row {
  const room = new Uint8Array(ROOM);
  let stretches: Uint8Array[] = [];
  return {
    name,
    lay(turn) {
      stretches = lay(room, 64, data, turn).map(place => Buffer.from(room.buffer, place, data.length));
    },
    run(calls) {
      for (let i = 0; i < calls; i++) unmask(stretches[i % stretches.length]!);
    },
  };
}

function onAddon(name: string, data: Uint8Array, addon: BufferUtil | undefined): Row[] {
  return addon ? [onBuffers(name, data, stretch => addon.unmask(stretch, MASK))] : [];
}

/** A row that works upon stretches of linear memory. */
function onMemory(name: string, data: Uint8Array, unmask: (place: number, other: number) => void): Row {
  let places: number[] = [];
  return {
    name,
    lay(turn) {
      places = lay(fastest.bytes, FROM, data, turn);
    },
    run(calls) {
      for (let i = 0; i < calls; i++) {
        const place = places[i % places.length]!;
        unmask(place, TO + ((place * 5) & 15));
      }
    },
  };
}

function rowsOf(size: number): Row[] {
  const data = new Uint8Array(size).fill(0x2e);
  const { exports, bytes } = fastest;
  return [
    onBuffers('naive JavaScript', data, stretch => unmaskNaively(stretch, MASK)),
    ...onAddon('bufferutil', data, bufferutil),
    ...onAddon("Node's http.websocketMask", data, websocketMask),
    onMemory('ours in place', data, place => exports.unmask(place, size, KEY)),
    onBuffers('ours, Codec.unmask: in and out', data, stretch => codec.unmask(stretch, KEY)),
    onMemory('ours, copied in first', data, place => {
      bytes.set(data, place);
      exports.unmask(place, size, KEY);
    }),
    onMemory('ours, masked to elsewhere', data, (place, other) => exports.maskCopy(other, place, size, KEY)),
  ];
}

export function benchMask(): void {
  const names = rowsOf(1).map(({ name }) => name);
  const ns = SIZES.map(size => measure(rowsOf(size), size));
  printTable('unmask', 'ns per call', names, SIZES, ns);
}
