/**
 * The way into the window. All connections of a thread share it, so one walk of it ends before the next begins: bytes
 * that turn up meanwhile wait here, and are fed when the walk is done. A stream of an application's own may deliver from
 * inside a write of ours, which is inside a call of somebody's: what it brings then is fed in a tick of its own.
 */
import type { TransportOwner } from './transport.ts';

interface Waiting {
  readonly owner: TransportOwner;
  readonly chunk: Uint8Array;
}

export class Intake {
  readonly window: Uint8Array<ArrayBuffer>;
  #walking = false;
  /** True inside a write. */
  #held = false;
  readonly #waiting: Waiting[] = [];

  constructor(window: Uint8Array<ArrayBuffer>) {
    this.window = window;
  }

  /** Hands over `length` bytes that the kernel has put into the window. */
  receive(owner: TransportOwner, length: number): void {
    this.#walking = true;
    try {
      owner.received(length);
    } finally {
      this.#walking = false;
    }
    if (this.#waiting.length) this.#drain();
  }

  /** Copies bytes that came another way into the window, a window at a time. */
  feed(owner: TransportOwner, chunk: Uint8Array): void {
    const first = this.#waiting.push({ owner, chunk }) === 1;
    if (!this.#held) {
      if (!this.#walking) this.#drain();
    } else if (first && !this.#walking) process.nextTick(() => this.#drain());
  }

  /** Does `work`, which may bring bytes, and feeds none of them before it is done. */
  hold(work: () => void): void {
    const before = this.#held;
    this.#held = true;
    try {
      work();
    } finally {
      this.#held = before;
    }
  }

  /** Feeds what waits in the order in which it came, and what comes meanwhile behind it. */
  #drain(): void {
    const { window } = this;
    this.#walking = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        const { owner, chunk } = next;
        for (let offset = 0; offset < chunk.length; offset += window.length) {
          const piece = chunk.subarray(offset, offset + window.length);
          window.set(piece);
          owner.received(piece.length);
        }
      }
    } finally {
      this.#walking = false;
    }
  }
}
