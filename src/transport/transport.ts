/** What gives and takes bytes and can be closed, as the context sees it. */

/**
 * Who is told what happens to a transport. No call is made from inside a method: each from a callback of Node's, or, to go
 * on, from a microtask or tick after one.
 */
export interface TransportOwner {
  /** `length` bytes lie in the window. Returns whether they have been seen to: else `goOn` follows. */
  received(length: number): boolean;
  /** Goes on with what `received` has begun, and returns the same. With `waits`, who was given something may still ask for more. */
  goOn(waits: boolean): boolean;
  /** The write that was not taken at once has completed, or never will. */
  written(): void;
  /** The peer has ended its side. */
  ended(): void;
  /** Nothing moves any more. `error` where the network ended it. */
  closed(error: Error | undefined): void;
}

export interface Transport {
  readonly remoteAddress: string | undefined;
  /** Largest stretch of uncopied bytes worth giving to one write. */
  readonly stretch: number;
  /** Whether what a turn leaves unsent waits until Node has read from every socket. */
  readonly patient: boolean;
  /** Fewest bytes that are worth a `take`. */
  readonly takeLeast: number;
  /**
   * Gives bytes to the peer, in order, one write at a time. True when all were taken at once and the memory is free
   * again; otherwise `written` follows, and until then neither may another write begin nor the bytes change.
   */
  write(chunk: Uint8Array): boolean;
  /** The same for several chunks. */
  writev(chunks: readonly Uint8Array[]): boolean;
  /**
   * Gives what can be taken at once of `length` bytes from `at` on, and holds on to nothing. Returns how many that was: 0
   * too where a transport cannot do this. No write may be under way.
   */
  take(bytes: Uint8Array, at: number, length: number): number;
  /** Bytes of the write under way that the operating system has not taken yet; undefined where that cannot be told. */
  readonly untaken: number | undefined;
  /** Ends the sending side; no write may be under way. */
  end(): void;
  destroy(): void;
  /** Stops reading; what is already on its way may still be received. */
  pause(): void;
  resume(): void;
}
