/**
 * The way into the window. All connections of a thread share it, so one walk of it ends before the next begins: bytes
 * that turn up meanwhile wait here, and are fed when the walk is done.
 */
import type { TransportOwner } from './transport.ts';

interface Waiting {
  readonly owner: TransportOwner;
  readonly chunk: Uint8Array;
}

export class Intake {
  readonly window: Uint8Array<ArrayBuffer>;
  #walking = false;
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
    this.#waiting.push({ owner, chunk });
    if (!this.#walking) this.#drain();
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
