/**
 * The way into the window. All connections of a thread share it, so one walk of it ends before the next begins: bytes
 * that turn up meanwhile wait here, and are fed when the walk is done. A stream of an application's own may deliver from
 * inside a write of ours, which is inside a call of somebody's: what it brings then is fed in a tick of its own.
 *
 * Who reads by promises asks for the next fragment some microtasks after he was given one, and a walk can wait for him:
 * after a socket's callback Node runs the microtasks, and the ticks that they ask for, before it reads again. Only an
 * exception puts those ticks off, and it is looked out for.
 */
import process from 'node:process';
import type { TransportOwner } from './transport.ts';

interface Waiting {
  readonly owner: TransportOwner;
  readonly chunk: Uint8Array;
}

const settled = Promise.resolve();
/** Node's own, whatever a test puts in its place. */
const { nextTick } = process;
const THROWN = 'uncaughtExceptionMonitor';

export class Intake {
  readonly window: Uint8Array<ArrayBuffer>;
  /** True from the beginning of a walk to its end, and for ever when the window was overwritten under one. */
  #walking = false;
  /** Whose walk waits for the turn's microtasks. */
  #unfinished: TransportOwner | null = null;
  /** True inside a write. */
  #held = false;
  readonly #waiting: Waiting[] = [];
  readonly #finish = () => this.finish();

  /** Goes on after the microtask in which the reader is likely to have read. If he has not finished, a tick does. */
  readonly #look = (): void => {
    const owner = this.#unfinished;
    if (!owner) return;
    if (this.#walk(owner, 0, true)) this.#drain();
    // One that a microtask asks for runs when there are no more of them.
    else nextTick(this.#goOn);
  };

  readonly #goOn = (): void => {
    const owner = this.#unfinished;
    if (!owner) return;
    if (this.#walk(owner, 0, false)) this.#drain();
    else this.#later();
  };

  constructor(window: Uint8Array<ArrayBuffer>) {
    this.window = window;
  }

  /** Whether a walk waits for the turn's microtasks. */
  get unfinished(): boolean {
    return this.#unfinished !== null;
  }

  /**
   * Hands over `length` bytes that the kernel has put into the window. `lasting` says that nothing else comes there before
   * the turn's microtasks have run. Throws, and delivers nothing any more, where something did.
   */
  receive(owner: TransportOwner, length: number, lasting: boolean): void {
    if (this.#walking) {
      this.#unfinished = null;
      throw new Error('an event loop inside the event loop has read into the window while it was walked');
    }
    if (this.#walk(owner, length, false)) this.#drain();
    else if (lasting) this.#later();
    else this.finish();
  }

  /** Copies bytes that came another way into the window, a window at a time. */
  feed(owner: TransportOwner, chunk: Uint8Array): void {
    const first = this.#waiting.push({ owner, chunk }) === 1;
    if (!this.#held) this.#drain();
    else if (first) nextTick(() => this.#drain());
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

  /** Ends the walk that waits for the turn's microtasks, and what waits for its end. */
  finish(): void {
    const owner = this.#unfinished;
    if (!owner) return;
    while (!this.#walk(owner, 0, false));
    if (!this.#held) this.#drain();
    else nextTick(() => this.#drain());
  }

  /** Begins a walk of `length` bytes, or with 0 goes on with one. Returns whether it is over. */
  #walk(owner: TransportOwner, length: number, waits: boolean): boolean {
    this.#walking = true;
    this.#unfinished = null;
    let over = true;
    try {
      over = length ? owner.received(length) : owner.goOn(waits);
    } finally {
      this.#walking = !over;
    }
    if (!over) this.#unfinished = owner;
    return over;
  }

  #later(): void {
    // Each time: an application may remove all listeners.
    if (!process.listenerCount(THROWN, this.#finish)) process.on(THROWN, this.#finish);
    settled.then(this.#look);
  }

  /** Feeds what waits in the order in which it came, and what comes meanwhile after it. */
  #drain(): void {
    if (this.#walking || !this.#waiting.length) return;
    const { window } = this;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        const { owner, chunk } = next;
        for (let offset = 0; offset < chunk.length; offset += window.length) {
          const piece = chunk.subarray(offset, offset + window.length);
          window.set(piece);
          if (!this.#walk(owner, piece.length, false)) while (!this.#walk(owner, 0, false));
        }
      }
    } finally {
      // Where one threw, the rest have a tick of their own.
      if (this.#waiting.length) nextTick(() => this.#drain());
    }
  }
}
