/**
 * The messages of an iteration: gathered from pieces, first from those that are parked. While the connection closes, what
 * comes between two of its steps is parked for it, up to the length of the longest message.
 */
import { WebSocketError } from '../context/error.ts';
import { S_OK } from '../context/hresult.ts';
import { Gathering, keep, type Message } from './message.ts';
import type { Parked } from './parked.ts';

export class Iteration {
  readonly gathering: Gathering;
  /** It has asked for a message, and may ask for another. */
  underWay = false;
  readonly #parked: Parked;
  /** What may be parked while the connection closes, at the most; 0 for no limit. */
  readonly #limit: number;
  /** More came than that. */
  #overflow: WebSocketError | undefined;

  constructor(parked: Parked, limit: number, tooLarge: () => WebSocketError) {
    this.#parked = parked;
    this.#limit = limit;
    this.gathering = new Gathering(limit, tooLarge);
  }

  /** Takes the next message of what is parked; undefined where that makes none. Throws where more came than is parked. */
  take(): Message | undefined {
    while (this.#parked.any) {
      const { data, text, final } = this.#parked.take(null);
      const message = this.gathering.piece(data, 0, data.length, text, final, false, false);
      if (message !== undefined) return message;
    }
    if (this.#overflow) throw this.#overflow;
    return undefined;
  }

  /** Parks what comes while the connection closes if it is for the iteration, else discards it. */
  offer(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean, reused: boolean): void {
    if (!this.underWay) {
      this.gathering.torn = !final;
    } else if (!this.#limit || this.#parked.cost + length <= this.#limit) {
      if (!this.#overflow) this.#parked.park(keep(bytes, at, length, reused), text, final);
    } else {
      const message = `more than ${this.#limit} bytes came while the connection closed, and the iteration did not read`;
      this.#overflow ??= new WebSocketError('ERR_TOO_LARGE', message, S_OK);
    }
  }

  /** Discards what is parked, as nobody will ask for it. */
  discard(): void {
    if (this.#parked.any) this.gathering.torn = !this.#parked.drop();
  }
}
