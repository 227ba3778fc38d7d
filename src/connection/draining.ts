/** Who waits for the peer's CLOSE while the connection closes: all who ask are told together. */
import type { WebSocketError } from '../context/error.ts';

export class Draining {
  #promise: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: WebSocketError) => void) | undefined;

  /** Whether somebody waits, or did. */
  get begun(): boolean {
    return this.#promise !== undefined;
  }

  begin(): Promise<void> {
    return (this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }));
  }

  done(): void {
    this.#resolve?.();
  }

  failed(error: WebSocketError): void {
    this.#reject?.(error);
  }

  /** Tells of an `error` after which it may be begun again. */
  giveUp(error: WebSocketError): void {
    this.failed(error);
    this.#promise = undefined;
  }
}
