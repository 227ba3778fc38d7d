/** What others offer for the same work as our kernels, where it is installed and runs natively. */
import http from 'node:http';
import { requirePeer, runsNatively } from './installed.ts';

function load<T>(name: string): T | undefined {
  try {
    const peer = requirePeer<T>(name);
    if (runsNatively(name)) return peer;
    console.log(`${name} is left out: its compiled part does not load here\n`);
  } catch (error) {
    console.log(`${name} is left out: ${(error as Error).message}\n`);
  }
  return undefined;
}

export interface BufferUtil {
  unmask(buffer: Uint8Array, mask: Uint8Array): void;
}

export const bufferutil = load<BufferUtil>('bufferutil');
export const isValidUtf8 = load<(buffer: Uint8Array) => boolean>('utf-8-validate');
/** Node's own, in versions that have it. */
export const websocketMask = (http as { websocketMask?: BufferUtil }).websocketMask;
