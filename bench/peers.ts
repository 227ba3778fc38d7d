/** What others offer for the same work, where it is installed: `npm install --prefix bench`. */
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(import.meta.dirname, '../../bench/package.json'));

function load<T>(name: string): T | undefined {
  try {
    return require(name);
  } catch {
    console.log(`${name} is not installed and is left out: npm install --prefix bench\n`);
    return undefined;
  }
}

export interface BufferUtil {
  unmask(buffer: Uint8Array, mask: Uint8Array): void;
}

export const bufferutil = load<BufferUtil>('bufferutil');
export const isValidUtf8 = load<(buffer: Uint8Array) => boolean>('utf-8-validate');
/** Node's own, in versions that have it. */
export const websocketMask = (http as { websocketMask?: BufferUtil }).websocketMask;
