/**
 * The messages of an iteration: gathered from pieces, first from those that are parked. While the connection closes, what
 * comes between two of its steps is parked for it, up to the length of the longest message.
 */
import { WebSocketError } from '../context/error.ts';
import { S_OK } from '../context/hresult.ts';
import { Gathering, keep, type Message } from './message.ts';
import type { Parked } from './parked.ts';

export class Iteration {
  /** It has asked for a message, and may ask for another. */
  mayAsk = false;
  readonly #gathering: Gathering;
  readonly #parked: Parked;
  /** What may be parked while the connection closes, at the most; 0 for no limit. */
  readonly #limit: number;
  /** More came than that. */
  #overflow: WebSocketError | undefined;

  constructor(parked: Parked, limit: number, tooLarge: () => WebSocketError) {
    this.#parked = parked;
    this.#limit = limit;
    this.#gathering = new Gathering(limit, tooLarge);
  }

  /** Adds a piece; returns the message where that was its last. Throws where it would be too long. */
  piece(
    bytes: Uint8Array,
    at: number,
    length: number,
    text: boolean,
    final: boolean,
    ascii: boolean,
    reused: boolean,
  ): Message | undefined {
    return this.#gathering.piece(bytes, at, length, text, final, ascii, reused);
  }

  /** A piece goes past it, to nobody or to who receives by fragments: what follows it is no message, or one again. */
  pass(final: boolean): void {
    this.#gathering.torn = !final;
  }

  /** Takes the next message of what is parked; undefined where that makes none. Throws where more came than is parked. */
  take(): Message | undefined {
    while (this.#parked.any) {
      const { data, text, final } = this.#parked.take(null);
      const message = this.piece(data, 0, data.length, text, final, false, false);
      if (message !== undefined) return message;
    }
    if (this.#overflow) throw this.#overflow;
    return undefined;
  }

  /** Parks what comes while the connection closes if it is for the iteration, else discards it. */
  offer(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean, reused: boolean): void {
    if (!this.mayAsk) {
      this.pass(final);
    } else if (!this.#limit || this.#parked.cost + length <= this.#limit) {
      if (!this.#overflow) this.#parked.park(keep(bytes, at, length, reused), text, final);
    } else {
      const message = `more than ${this.#limit} bytes came while the connection closed, and the iteration did not read`;
      this.#overflow ??= new WebSocketError('ERR_TOO_LARGE', message, S_OK);
    }
  }

  /** Discards what is parked, as nobody will ask for it. */
  discard(): void {
    if (this.#parked.any) this.pass(this.#parked.drop());
  }
}
