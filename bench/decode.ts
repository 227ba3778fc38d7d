/**
 * How long does a frame take, in chunks as a socket reads them? Masked text frames of one size fill the chunk, which is
 * copied in each time, for it is unmasked where it lies, from another alignment to another. Most rows walk the table of
 * fragments as the context does, reading numbers; the public decoder makes an object and a view of every fragment.
 */
import { FLAG_FINAL, FRAGMENT_SIZE, NEXT, OP_TEXT, RECORDS, ROLE_SERVER, WINDOW } from '../assembly/abi.ts';
import type { Decoder } from '../src/codec/index.ts';
import { decode as decodeNaively } from '../src/page/naive.ts';
import { codec, FIRST_WORD, type Kernels, kernels } from './kernels.ts';
import { measure, type Row } from './measure.ts';
import { lay, ROOM, SCRIPTS, textOf } from './sizes.ts';
import { printTable } from './table.ts';

const CHUNK = 65_536;
const PAYLOADS = [20, 60, 125, 1000, 16_000];
/** Cuts a stream where no frame ends: headers and characters fall apart. */
const AWKWARD = 1009;

/** As many whole frames as a chunk has room for, each with a key of its own. */
function framesOf(sample: string, payload: number): { stream: Buffer; count: number } {
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

/** A row that finds the stream elsewhere each turn; `run` counts its messages. */
function onStream(
  name: string,
  { stream, count }: { stream: Buffer; count: number },
  run: (chunk: Uint8Array, turn: number) => number,
): Row {
  const room = new Uint8Array(ROOM);
  let chunk: Uint8Array = stream;
  let turned = 0;
  return {
    name,
    lay(turn) {
      const [place] = lay(room, 64, stream, turn);
      chunk = room.subarray(place, place! + stream.length);
      turned = turn;
    },
    run(calls) {
      let messages = 0;
      for (let call = 0; call < calls; call++) messages += run(chunk, turned);
      if (messages !== calls * count) throw new Error(`${messages} messages of ${count}`);
    },
  };
}

/** Walks the stream in pieces of `most` bytes; returns the messages in it. */
function walk({ exports, bytes, words }: Kernels, stream: Uint8Array, most: number, turn: number): number {
  const start = WINDOW + ((turn * 5) & 15);
  let messages = 0;
  let length = 0;
  for (let from = 0; from < stream.length; from += most) {
    const piece = most < stream.length ? stream.subarray(from, from + most) : stream;
    bytes.set(piece, start);
    const end = start + piece.length;
    for (let ptr = start; ptr < end; ptr = words[NEXT >> 2]!) {
      const fragments = exports.decode(RECORDS, ptr, end);
      if (fragments < 0) throw new Error(`fault ${-fragments}`);
      const last = FIRST_WORD + fragments * (FRAGMENT_SIZE >> 2);
      for (let word = FIRST_WORD; word < last; word += FRAGMENT_SIZE >> 2) {
        length += words[word + 1]!;
        if (words[word + 2]! & FLAG_FINAL) messages++;
      }
    }
  }
  if (length > stream.length) throw new Error(`${length} bytes of payload in ${stream.length}`);
  return messages;
}

/** Iterates as a user does; returns the messages in the stream. */
function iterate(decoder: Decoder, stream: Uint8Array): number {
  let messages = 0;
  for (const { final } of decoder.decode(stream)) if (final) messages++;
  return messages;
}

export function benchDecode(): void {
  const decoder = codec.decoder({ role: 'server' });
  for (const { exports } of kernels) exports.openDecoder(RECORDS, ROLE_SERVER, true, 0);
  for (const script of ['ASCII', 'CJK', 'mixed']) {
    const names: string[] = [];
    const columns = PAYLOADS.map(payload => {
      const given = framesOf(SCRIPTS[script]!, payload);
      const bytes = given.count * payload;
      const rows = [
        onStream('naive JavaScript', given, stream => (decodeNaively(stream) / bytes) * given.count),
        ...[CHUNK, AWKWARD].flatMap(most =>
          kernels.map(one => {
            const name = `ours, ${one.build}${most < CHUNK ? `, in chunks of ${most}` : ''}`;
            return onStream(name, given, (stream, turn) => walk(one, stream, most, turn));
          }),
        ),
        onStream('ours, Codec.decoder', given, stream => iterate(decoder, stream)),
      ];
      names.splice(0, names.length, ...rows.map(({ name }) => name));
      return measure(rows, CHUNK).map(ns => ns / given.count);
    });
    printTable(`decode 64 KiB of masked text frames: ${script}`, 'ns per frame', names, PAYLOADS, columns);
  }
}
