/**
 * Two ends of a connection in memory. What one end writes the other reads in a later turn, by setImmediate; the writer
 * waits while the reader's Readable is full, as a socket's writer does, and is told EPIPE where there is no reader any
 * more. `hold` stops what this end sends on its way.
 */
import { Duplex } from 'node:stream';

export class Link extends Duplex {
  other!: Link;
  /** What is on its way while the way is closed. */
  #held: (() => void)[] | undefined;
  #roomFor: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    const taken = this.#roomFor;
    this.#roomFor = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.#send(() => {
      const { other } = this;
      if (other.destroyed) this.#break();
      else if (other.push(Buffer.from(chunk))) taken();
      else other.#roomFor = taken;
    });
  }

  override _final(done: () => void): void {
    this.#send(() => {
      if (!this.other.destroyed) this.other.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    setImmediate(() => {
      if (this.other.destroyed) return;
      this.other.push(null);
      if (this.#roomFor) this.other.#break();
    });
    done(error);
  }

  /** Keeps what this end sends from arriving, until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const send of held) setImmediate(send);
  }

  /** Resets the connection: the other end hears of it as of a socket's. */
  reset(): void {
    this.other.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    this.destroy();
  }

  #break(): void {
    this.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }

  #send(send: () => void): void {
    if (this.#held) this.#held.push(send);
    else setImmediate(send);
  }
}

/** Returns two ends that are joined. */
export function linkPair(): [Link, Link] {
  const one = new Link();
  const other = new Link();
  one.other = other;
  other.other = one;
  return [one, other];
}
