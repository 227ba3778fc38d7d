/**
 * How fast is text validated, and unmasked and validated, in five scripts and in many mixed? Against plain JavaScript,
 * `buffer.isUtf8`, utf-8-validate, and bufferutil with either. The key is zero, so that text stays text however often it is
 * unmasked; no kernel asks.
 */
import { isUtf8 } from 'node:buffer';
import { unmask as unmaskNaively, validate as validateNaively } from '../src/page/naive.ts';
import { codec, FROM, fastest, kernels } from './kernels.ts';
import { measure, type Row } from './measure.ts';
import { bufferutil, isValidUtf8 } from './peers.ts';
import { lay, ROOM, SCRIPTS, SIZES, textOf } from './sizes.ts';
import { printTable } from './table.ts';

const NO_MASK = Buffer.alloc(4);

function onBuffers(name: string, data: Uint8Array, judge: (stretch: Uint8Array) => boolean): Row {
  const room = new Uint8Array(ROOM);
  let stretches: Uint8Array[] = [];
  return {
    name,
    lay(turn) {
      stretches = lay(room, 64, data, turn).map(place => Buffer.from(room.buffer, place, data.length));
    },
    run(calls) {
      let good = 0;
      for (let i = 0; i < calls; i++) if (judge(stretches[i % stretches.length]!)) good++;
      if (good !== calls) throw new Error(`${name} refuses the text`);
    },
  };
}

function onMemory(name: string, data: Uint8Array, bytes: Uint8Array, judge: (place: number) => number): Row {
  let places: number[] = [];
  return {
    name,
    lay(turn) {
      places = lay(bytes, FROM, data, turn);
    },
    run(calls) {
      let good = 0;
      for (let i = 0; i < calls; i++) if (judge(places[i % places.length]!) >= 0) good++;
      if (good !== calls) throw new Error(`${name} refuses the text`);
    },
  };
}

function validateRows(data: Uint8Array): Row[] {
  return [
    onBuffers('naive JavaScript', data, validateNaively),
    ...(isValidUtf8 ? [onBuffers('utf-8-validate', data, isValidUtf8)] : []),
    onBuffers('buffer.isUtf8', data, isUtf8),
    ...kernels.map(({ build, bytes, exports }) =>
      onMemory(`ours, ${build}`, data, bytes, place => exports.validate(place, data.length, 0)),
    ),
    onBuffers('ours, Codec.isValidUtf8', data, stretch => codec.isValidUtf8(stretch)),
  ];
}

function unmaskRows(data: Uint8Array): Row[] {
  const unmask = bufferutil?.unmask;
  const pair = (name: string, validate: typeof isValidUtf8) =>
    unmask && validate
      ? [
          onBuffers(name, data, stretch => {
            unmask(stretch, NO_MASK);
            return validate(stretch);
          }),
        ]
      : [];
  const { bytes, exports } = fastest;
  return [
    onBuffers('naive JavaScript', data, stretch => {
      unmaskNaively(stretch, NO_MASK);
      return validateNaively(stretch);
    }),
    ...pair('bufferutil, utf-8-validate', isValidUtf8),
    ...pair('bufferutil, buffer.isUtf8', isUtf8),
    ...kernels.map(({ build, bytes, exports }) =>
      onMemory(`ours, ${build}`, data, bytes, place => exports.unmaskText(place, place, data.length, 0, 0)),
    ),
    onMemory('ours, copied in first', data, bytes, place => {
      bytes.set(data, place);
      return exports.unmaskText(place, place, data.length, 0, 0);
    }),
  ];
}

export function benchUtf8(): void {
  for (const [title, rowsOf] of [
    ['validate', validateRows],
    ['unmask and validate', unmaskRows],
  ] as const)
    for (const [script, sample] of Object.entries(SCRIPTS)) {
      const names = rowsOf(textOf(sample, 16)).map(({ name }) => name);
      const ns = SIZES.map(size => measure(rowsOf(textOf(sample, size)), size));
      printTable(`${title}: ${script}`, 'ns per call', names, SIZES, ns);
    }
}
