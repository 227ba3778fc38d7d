/** The caller who waits for a read: for what, with what, and how he is told. One at a time. */
import { cancelled } from './failure.ts';

export type Want = 'nothing' | 'fragment' | 'message';

export class Waiting {
  want: Want = 'nothing';
  /** Where he reads to. */
  buffer: Uint8Array | null = null;
  /** Whether the fragment may be lent to him. */
  lend = false;
  #resolve: ((value: never) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  begin<T>(want: Want): Promise<T> {
    this.want = want;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve as (value: never) => void;
      this.#reject = reject;
    });
  }

  /** Lets him go when `signal` says so, and has `then` done. */
  watch(signal: AbortSignal, then: () => void): void {
    this.#signal = signal;
    this.#onAbort = () => {
      this.fail(cancelled(signal));
      then();
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
    // From inside a stream's write it may have been, since it was looked at.
    if (signal.aborted) this.#onAbort();
  }

  settle(value: unknown): void {
    const resolve = this.#resolve!;
    this.#end();
    resolve(value as never);
  }

  fail(error: unknown): void {
    const reject = this.#reject!;
    this.#end();
    reject(error);
  }

  #end(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort!);
    this.#signal = this.#onAbort = undefined;
    this.want = 'nothing';
    this.buffer = null;
    this.lend = false;
  }
}
