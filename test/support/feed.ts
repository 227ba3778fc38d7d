/**
 * Feeds one stream to an implementation in every way that a network may cut it: at once, byte by byte, in two at every
 * place, and in random pieces. The pieces answered may differ in cut, so what they add up to is compared: the same
 * opcodes, bytes and ends, and the same fault at the same offset.
 */
import * as assert from 'uvu/assert';
import { type Log, normalize } from '../reference/decoder.ts';
import type { Random } from './random.ts';
import { show } from './wire.ts';

/** Takes the next chunk of a stream and answers what it completed. After a fault it is not called again. */
export type Feed = (chunk: Uint8Array) => Log;

/** So many bytes at either end of a stream are cut everywhere; a longer one's middle is all payload. */
const END = 200;
const RANDOM_CUTS = 12;

function same(one: Log, other: Log): boolean {
  return (
    one.fault?.name === other.fault?.name &&
    one.fault?.offset === other.fault?.offset &&
    one.pieces.length === other.pieces.length &&
    one.pieces.every(({ opcode, final, data }, i) => {
      const piece = other.pieces[i]!;
      return opcode === piece.opcode && final === piece.final && Buffer.compare(data, piece.data) === 0;
    })
  );
}

/** Feeds `stream` cut at `cuts`, in order, and returns what it adds up to. */
export function feed(take: Feed, stream: Uint8Array, cuts: readonly number[]): Log {
  const log: Log = { pieces: [], fault: undefined };
  let start = 0;
  for (const end of [...cuts, stream.length]) {
    const { pieces, fault } = take(stream.subarray(start, end));
    for (const piece of pieces) log.pieces.push(piece);
    start = end;
    if ((log.fault = fault)) break;
  }
  return { pieces: normalize(log.pieces), fault: log.fault };
}

/** Feeds as `feed` does and fails with `title` where the sum is not what is expected. */
export function expectCut(take: Feed, stream: Uint8Array, cuts: readonly number[], expected: Log, title: string): void {
  const actual = feed(take, stream, cuts);
  if (same(actual, expected)) return;
  const where = cuts.length > 20 ? `at ${cuts.length} places` : `at [${cuts}]`;
  assert.is(show(actual), show(expected), `${title}: ${stream.length} bytes cut ${where}`);
  assert.unreachable(`${title}: ${stream.length} bytes cut ${where}: the bytes of a piece differ`);
}

/** Some places at which to cut a stream of `length` bytes; the same place twice makes an empty chunk. */
export function randomCuts(length: number, random: Random): number[] {
  const cuts = Array.from({ length: 1 + random.below(RANDOM_CUTS) }, () => random.below(length + 1));
  return cuts.sort((a, b) => a - b);
}

/** Feeds `stream` every way, each to a decoder that `open` has just made. */
export function feedEveryWay(open: () => Feed, stream: Uint8Array, expected: Log, title: string, random: Random): void {
  const { length } = stream;
  const places = Array.from({ length: length + 1 }, (_, i) => i).filter(i => i <= END || i >= length - END);
  expectCut(open(), stream, [], expected, title);
  expectCut(open(), stream, places, expected, title);
  for (const cut of places) expectCut(open(), stream, [cut], expected, title);
  for (let i = 0; i < RANDOM_CUTS; i++) expectCut(open(), stream, randomCuts(length, random), expected, title);
}
