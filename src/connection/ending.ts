/**
 * How reading ends: by the peer's CLOSE or by a failure; and who waits for that while the connection closes: all who ask are
 * told together.
 */
import type { WebSocketError } from '../context/error.ts';
import { over } from './failure.ts';

export class Ending {
  /** The peer's CLOSE has been read, and told to somebody. */
  closed = false;
  /** It has been read when nobody asked. */
  unheard = false;
  failure: WebSocketError | undefined;
  #drained: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: WebSocketError) => void) | undefined;

  /** Whether there is nothing more to read. */
  get reached(): boolean {
    return this.closed || this.failure !== undefined;
  }

  /** Whether somebody waits for it, or did. */
  get draining(): boolean {
    return this.#drained !== undefined;
  }

  drain(): Promise<void> {
    if (this.closed) return Promise.resolve();
    if (this.failure) return Promise.reject(over(this.failure));
    return (this.#drained ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }));
  }

  /** Tells who waits for it of an `error` after which he may ask again. */
  giveUp(error: WebSocketError): void {
    this.#reject?.(error);
    this.#drained = undefined;
  }

  /** Somebody is told of the peer's CLOSE. */
  close(): void {
    this.closed = true;
    this.unheard = false;
    this.#resolve?.();
  }

  /** Everything fails with `error` from now on, or with what it failed with before; returns which. */
  fail(error: WebSocketError): WebSocketError {
    this.unheard = false;
    this.failure ??= error;
    this.#reject?.(this.failure);
    return this.failure;
  }
}
