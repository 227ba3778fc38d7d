/**
 * What no read took before the window was lost: copied out of it once, a run of fragments at a time with the few header
 * bytes between them, to blocks that grow with what gathers.
 */
import { FLAG_CONTROL } from '../../assembly/abi.ts';
import { copy } from './copy.ts';
import { Pieces, WORDS } from './pieces.ts';

/** What a fragment costs beside its bytes, so that empty ones count too. */
export const FRAGMENT_COST = 32;
const BLOCK_LEAST = 256;
const BLOCK_MOST = 65_536;

export class Unread {
  /** Stands in for those who have left nothing unread. */
  static readonly nothing = new Unread();

  /** What is read next, null where nothing is here. */
  head: Pieces | null = null;
  #tail: Pieces | null = null;
  /** Payload bytes. */
  bytes = 0;
  /** What it all costs, in bytes. */
  cost = 0;

  /** Copies the data fragments that come next in the window, up to a control frame. Returns how many. */
  gather(live: Pieces): number {
    const { table, cursor: first, limit } = live;
    let last = first;
    let bytes = 0;
    while (last < limit && !(table[last + 2]! & FLAG_CONTROL)) {
      bytes += table[last + 1]!;
      last += WORDS;
    }
    const start = table[first]!;
    const span = table[last - WORDS]! + table[last - WORDS + 1]! - start;
    const count = (last - first) / WORDS;
    const pieces = this.#room(span, count);
    const moved = pieces.used - start;
    copy(pieces.bytes, pieces.used, live.bytes, start, span);
    for (let word = first; word < last; word += WORDS) {
      pieces.table[pieces.limit] = table[word]! + moved;
      pieces.table[pieces.limit + 1] = table[word + 1]!;
      pieces.table[pieces.limit + 2] = table[word + 2]!;
      pieces.limit += WORDS;
    }
    pieces.used += span;
    live.cursor = last;
    this.bytes += bytes;
    this.cost += bytes + count * FRAGMENT_COST;
    return count;
  }

  /** Counts what was taken of the first of it: the `whole` fragment, or a part. */
  taken(length: number, whole: boolean): void {
    const pieces = this.head!;
    this.bytes -= length;
    this.cost -= whole ? length + FRAGMENT_COST : length;
    if (!pieces.empty) return;
    this.head = pieces.next;
    if (!this.head) this.#tail = null;
    pieces.finish();
  }

  /** The last of the blocks, where they have room; else new ones, larger than the last. */
  #room(bytes: number, count: number): Pieces {
    const tail = this.#tail;
    if (tail && tail.used + bytes <= tail.bytes.length && tail.limit + count * WORDS <= tail.table.length) return tail;
    const size = tail ? Math.min(Math.max(BLOCK_LEAST, tail.bytes.length * 2), BLOCK_MOST) : 0;
    const pieces = Pieces.of(Math.max(bytes, size), Math.max(count, size / FRAGMENT_COST));
    if (tail) tail.next = pieces;
    else this.head = pieces;
    this.#tail = pieces;
    return pieces;
  }
}
