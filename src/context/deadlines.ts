/**
 * One timer for all connections of a thread: a heap of moments, armed for the earliest. A connection stands in it once;
 * what it asked for before a change of mind is an empty entry that is skipped when it comes up.
 *
 * The clock is monotonic, so a jump of the wall clock moves nothing. The process may have been stopped, and timers come
 * before what has arrived meanwhile: so moments are judged after it, lest a peer be cut for a silence that was ours.
 */
import { forAll } from './turn.ts';

export interface Timed {
  /** The moment that counts; only Deadlines writes it. */
  deadline: Deadline | null;
  /** The moment has come. Returns the next one as `now()` would tell it, 0 for none. */
  expired(now: number): number;
}

export interface Deadline {
  readonly at: number;
  timed: Timed | null;
}

/** Milliseconds; a longer timer of Node's fires at once. */
export const LONGEST_TIMER = 0x7fff_ffff;
/** Empty entries are swept when there are this many, and more of them than others. */
const SWEEP_FROM = 1024;

/** Milliseconds on a clock that only goes forward. */
export function now(): number {
  return performance.now();
}

export class Deadlines {
  #heap: Deadline[] = [];
  #empty = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** Moments that are waited for. */
  get size(): number {
    return this.#heap.length - this.#empty;
  }

  /** Asks for `timed.expired` at `at`, instead of any other moment asked for before. */
  ask(timed: Timed, at: number): void {
    if (timed.deadline) this.forget(timed);
    timed.deadline = { at, timed };
    this.#push(timed.deadline);
    this.#arm();
  }

  forget(timed: Timed): void {
    if (!timed.deadline) return;
    timed.deadline.timed = null;
    timed.deadline = null;
    this.#empty++;
    if (this.#empty >= SWEEP_FROM && this.#empty * 2 > this.#heap.length) this.#sweep();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (!first || first.at >= this.#armedFor) return;
    clearTimeout(this.#timer);
    this.#armedFor = first.at;
    const wait = Math.min(Math.max(1, Math.ceil(first.at - now())), LONGEST_TIMER);
    this.#timer = setTimeout(() => setImmediate(forAll, this.#run), wait).unref();
  }

  readonly #run = (): void => {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const time = now();
    try {
      for (let first = this.#heap[0]; first && (first.at <= time || !first.timed); first = this.#heap[0]) {
        this.#pop();
        const { timed } = first;
        if (!timed) {
          this.#empty--;
          continue;
        }
        timed.deadline = null;
        const following = timed.expired(time);
        if (following) this.ask(timed, following);
      }
    } finally {
      // Where one threw, the rest are due at once.
      this.#arm();
    }
  };

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= deadline.at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const { length } = heap;
    if (!length) return;
    let index = 0;
    for (let child = 1; child < length; child = 2 * index + 1) {
      if (child + 1 < length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (last.at <= heap[child]!.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }

  /** A sorted array is a heap. */
  #sweep(): void {
    this.#heap = this.#heap.filter(deadline => deadline.timed).sort((a, b) => a.at - b.at);
    this.#empty = 0;
  }
}
