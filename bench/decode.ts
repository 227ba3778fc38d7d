/**
 * How long does a frame take, in chunks as a socket reads them? Masked text frames of one size fill the chunk, which is
 * copied in each time, for it is unmasked where it lies. The first rows walk the table of fragments as the context does,
 * reading numbers; the public decoder makes an object and a view of every fragment.
 */
import { FLAG_FINAL, FRAGMENT_SIZE, NEXT, OP_TEXT, RECORDS, ROLE_SERVER, WINDOW } from '../assembly/abi.ts';
import { Codec } from '../src/codec/index.ts';
import { FIRST_WORD, type Kernels, kernels } from './kernels.ts';
import { measure, type Row } from './measure.ts';
import { SCRIPTS, textOf } from './sizes.ts';
import { printTable } from './table.ts';

const CHUNK = 65_536;
const PAYLOADS = [20, 60, 125, 1000, 16_000];
/** Cuts a stream where no frame ends: headers and characters fall apart. */
const AWKWARD = 1009;

/** As many whole frames as a chunk has room for, each with a key of its own. */
function framesOf(codec: Codec, sample: string, payload: number): { stream: Buffer; count: number } {
  const data = textOf(sample, payload);
  const frames: Uint8Array[] = [];
  let room = CHUNK;
  for (let maskKey = 0x1e_a7_53_84; ; maskKey = (Math.imul(maskKey, 0x9e37_79b1) + 1) >>> 0) {
    const frame = codec.encodeFrame({ opcode: OP_TEXT, maskKey, data });
    if (frame.length > room) return { stream: Buffer.concat(frames), count: frames.length };
    room -= frame.length;
    frames.push(frame);
  }
}

function walked({ build, exports, bytes, words }: Kernels, stream: Uint8Array, chunk: number, count: number): Row {
  let messages = 0;
  let length = 0;
  return {
    name: `ours, ${build}`,
    lay() {
      exports.openDecoder(RECORDS, ROLE_SERVER, true, 0);
    },
    run(calls) {
      messages = 0;
      for (let call = 0; call < calls; call++) {
        for (let from = 0; from < stream.length; from += chunk) {
          const piece = chunk < stream.length ? stream.subarray(from, from + chunk) : stream;
          bytes.set(piece, WINDOW);
          const end = WINDOW + piece.length;
          for (let ptr = WINDOW; ptr < end; ptr = words[NEXT >> 2]!) {
            const fragments = exports.decode(RECORDS, ptr, end);
            if (fragments < 0) throw new Error(`fault ${-fragments}`);
            const last = FIRST_WORD + fragments * (FRAGMENT_SIZE >> 2);
            for (let word = FIRST_WORD; word < last; word += FRAGMENT_SIZE >> 2) {
              length += words[word + 1]!;
              if (words[word + 2]! & FLAG_FINAL) messages++;
            }
          }
        }
      }
      if (messages !== calls * count) throw new Error(`${messages} messages of ${count}, ${length} bytes`);
    },
  };
}

function yielded(codec: Codec, stream: Uint8Array, count: number): Row {
  const decoder = codec.decoder({ role: 'server' });
  return {
    name: 'ours, Codec.decoder',
    lay() {},
    run(calls) {
      let messages = 0;
      for (let call = 0; call < calls; call++) for (const { final } of decoder.decode(stream)) if (final) messages++;
      if (messages !== calls * count) throw new Error(`${messages} messages of ${count}`);
    },
  };
}

export function benchDecode(): void {
  const codec = Codec.loadSync();
  for (const script of ['ASCII', 'CJK']) {
    const names: string[] = [];
    const columns = PAYLOADS.map(payload => {
      const { stream, count } = framesOf(codec, SCRIPTS[script]!, payload);
      const rows = [
        ...kernels.map(one => walked(one, stream, CHUNK, count)),
        ...kernels.map(one => ({
          ...walked(one, stream, AWKWARD, count),
          name: `ours, ${one.build}, in chunks of ${AWKWARD}`,
        })),
        yielded(codec, stream, count),
      ];
      names.splice(0, names.length, ...rows.map(({ name }) => name));
      return measure(rows, CHUNK).map(ns => ns / count);
    });
    printTable(`decode 64 KiB of masked text frames: ${script}`, 'ns per frame', names, PAYLOADS, columns);
  }
}
