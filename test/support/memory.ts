/** How much memory this process holds once garbage is gone: JavaScript's heap and what lies outside it, buffers included. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function held(): number {
  // What outside the heap belonged to garbage is freed behind the first collection, and is gone before the second ends.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Watches the most that is held above what was held at first. */
export class Peak {
  readonly #first = held();
  most = 0;

  /** Looks now. */
  look(): void {
    this.most = Math.max(this.most, held() - this.#first);
  }

  /** The figure for people: "1.3 MiB". */
  toString(): string {
    return `${(this.most / MIB).toFixed(1)} MiB`;
  }
}
