/**
 * A fall off a cliff is seen: decode against a frozen decoder in plain JavaScript, both in this process, by turns, each
 * at its best. How many times as fast it was seen to be stands in the table; half of that is asked for, and no time is.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAGMENT_SIZE, FRAGMENTS, NEXT, OP_TEXT, RECORDS, ROLE_SERVER, WINDOW } from '../../assembly/abi.ts';
import { Codec } from '../../src/codec/index.ts';
import { decodePlainly } from '../reference/plain.ts';
import { BUILDS, compile } from '../support/module.ts';

const CHUNK = 65_536;
const ROUNDS = 40;
/** Ours may be compiled late, or have no core for a while; what is slow so many times has fallen. */
const ROUNDS_MOST = 400;
const SEEN: readonly (readonly [name: string, sample: string, payload: number, times: number])[] = [
  ['20 bytes of ASCII', 'hello, socket', 20, 1.2],
  ['16,000 bytes of ASCII', 'hello, socket', 16_000, 22],
  ['16,000 bytes of CJK', '日本語の文字列', 16_000, 13],
];

const test = suite('codec/speed');
const codec = Codec.loadSync();

/** As many masked text frames as a chunk holds. */
function framesOf(sample: string, payload: number): { stream: Buffer; count: number } {
  const text = Buffer.from(sample.repeat(payload));
  let end = payload;
  while (text[end]! >> 6 === 2) end--;
  const frame = codec.encodeFrame({ opcode: OP_TEXT, maskKey: 0x1ea75384, data: text.subarray(0, end) });
  const count = Math.floor(CHUNK / frame.length);
  return { stream: Buffer.concat(Array.from({ length: count }, () => frame)), count };
}

for (const build of BUILDS) {
  for (const [name, sample, payload, times] of SEEN) {
    test(`${build}: ${name}, not half as fast as it was`, () => {
      const { exports } = new WebAssembly.Instance(compile(build)) as unknown as { exports: Record<string, never> };
      const { memory, openDecoder, decode } = exports as unknown as {
        memory: WebAssembly.Memory;
        openDecoder: (ptr: number, role: number, validates: boolean, limit: number) => void;
        decode: (ptr: number, from: number, end: number) => number;
      };
      const bytes = new Uint8Array(memory.buffer);
      const words = new Uint32Array(memory.buffer);
      const { stream, count } = framesOf(sample, payload);
      const scratch = new Uint8Array(stream.length);
      openDecoder(RECORDS, ROLE_SERVER, true, 0);

      function ours(): number {
        bytes.set(stream, WINDOW);
        const end = WINDOW + stream.length;
        let fragments = 0;
        let length = 0;
        for (let ptr = WINDOW; ptr < end; ptr = words[NEXT >> 2]!) {
          const here = decode(RECORDS, ptr, end);
          for (let row = 0; row < here; row++) length += words[(FRAGMENTS + row * FRAGMENT_SIZE + 4) >> 2]!;
          fragments += here;
        }
        return length ? fragments : 0;
      }
      function plain(): number {
        scratch.set(stream);
        return decodePlainly(scratch);
      }

      const best = [ours, plain].map(() => Number.POSITIVE_INFINITY);
      let seen = 0;
      for (let round = 0; round < ROUNDS || (round < ROUNDS_MOST && seen <= times / 2); round++) {
        for (const [index, decoder] of [ours, plain].entries()) {
          const begun = performance.now();
          for (let call = 0; call < (decoder === ours ? 10 : 1); call++) assert.is(decoder(), count);
          best[index] = Math.min(best[index]!, (performance.now() - begun) / (decoder === ours ? 10 : 1));
        }
        seen = best[1]! / best[0]!;
      }
      assert.ok(seen > times / 2, `${seen.toFixed(1)} times as fast as plain JavaScript; it was ${times}`);
    });
  }
}

test.run();
