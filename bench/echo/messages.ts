/**
 * The messages of a workload, made from a seed: sizes, content and masking keys differ from message to message, so that
 * nothing lies at the same offset in every read and no two answers are alike. They are written to a file as the load
 * generators read it: a count, then for each message the lengths of its frame and its payload, then all frames (client
 * frames, RFC 6455 §5.2, masked), then all payloads. Lengths are 32-bit numbers, little-endian.
 */
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';

export type Script = 'ascii' | 'mixed' | 'binary';

const SEED = 20_111_213;
const CYCLE_BYTES = 1 << 20;
const CYCLE_MOST = 1024;
const CYCLE_LEAST = 4;

export const WORDS = {
  ascii: 'the quick brown fox jumps over 13 lazy dogs, {"id": "value"} and sleeps.'.split(' '),
  mixed: 'héllo Grüße κόσμε привет мир שלום مرحبا नमस्ते สวัสดี 你好世界 こんにちは 안녕 🦊🌍 ok'.split(' '),
};

/** Returns a function that answers numbers below its argument, always the same ones for a seed (xorshift32). */
export function seeded(state: number): (below: number) => number {
  return below => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function payload(script: Script, length: number, random: (below: number) => number): Buffer {
  const bytes = Buffer.alloc(length, '.');
  if (script === 'binary') return bytes.map(() => random(256)) as Buffer;
  const words = WORDS[script];
  let used = 0;
  for (;;) {
    const word = Buffer.from(`${words[random(words.length)]} `);
    if (used + word.length > length) return bytes;
    used += word.copy(bytes, used);
  }
}

function clientFrame(opcode: number, data: Buffer, key: Buffer): Buffer {
  const head = Buffer.alloc(data.length < 126 ? 2 : data.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (data.length < 126 ? data.length : data.length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(data.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(data.length), 2);
  return Buffer.concat([head, key, data.map((byte, i) => byte ^ key[i & 3]!)]);
}

/** Writes a cycle of messages whose sizes lie between `least` and `most` bytes. */
export function writeMessages(path: string, script: Script, least: number, most: number): void {
  const random = seeded(SEED);
  const count = Math.max(CYCLE_LEAST, Math.min(CYCLE_MOST, Math.floor(CYCLE_BYTES / most)));
  const payloads = Array.from({ length: count }, () => payload(script, least + random(most - least + 1), random));
  const frames = payloads.map(data => {
    const key = Buffer.from([random(256), random(256), random(256), random(256)]);
    return clientFrame(script === 'binary' ? 2 : 1, data, key);
  });
  const numbers = Uint32Array.of(count, ...frames.flatMap((frame, i) => [frame.length, payloads[i]!.length]));
  writeFileSync(path, Buffer.concat([Buffer.from(numbers.buffer), ...frames, ...payloads]));
}
