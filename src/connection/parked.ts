/** What was received and is for the next who asks: it came when nobody waited, or did not fit the buffer of who did. */
import type { ReceivedFragment } from './fragment.ts';
import { keep } from './message.ts';

/** What a fragment that is kept takes beside its bytes, about. */
const FRAGMENT_COST = 160;

export class Parked {
  #first: ReceivedFragment | null = null;
  /** Behind the first, in order; up to `#taken` they have been taken. */
  #behind: ReceivedFragment[] | null = null;
  #taken = 0;
  /** Bytes that all of it takes. */
  cost = 0;

  get any(): boolean {
    return this.#first !== null;
  }

  park(data: Uint8Array, text: boolean, final: boolean): void {
    const fragment = { data, text, final, close: false };
    this.cost += data.length + FRAGMENT_COST;
    if (!this.#first) this.#first = fragment;
    else (this.#behind ??= []).push(fragment);
  }

  /** Forgets all. Returns whether the last of it ended its message. */
  drop(): boolean {
    const { final } = this.#behind?.at(-1) ?? this.#first ?? { final: true };
    this.#first = this.#behind = null;
    this.#taken = this.cost = 0;
    return final;
  }

  /** Takes the first that is parked; as much of it as `buffer` holds, where there is one. */
  take(buffer: Uint8Array | null): ReceivedFragment {
    const fragment = this.#first!;
    const { data, text, final } = fragment;
    this.#first = null;
    this.cost -= data.length + FRAGMENT_COST;
    const taken = buffer ? this.fill(buffer, data, 0, data.length, text, final, false) : fragment;
    if (!this.#first && this.#behind) {
      this.#first = this.#behind[this.#taken++]!;
      if (this.#taken === this.#behind.length) {
        this.#behind = null;
        this.#taken = 0;
      }
    }
    return taken;
  }

  /** Copies to the caller's `buffer` what it holds, and parks the rest, in front of all. */
  fill(
    buffer: Uint8Array,
    bytes: Uint8Array,
    at: number,
    length: number,
    text: boolean,
    final: boolean,
    reused: boolean,
  ): ReceivedFragment {
    const part = Math.min(length, buffer.length);
    buffer.set(bytes.subarray(at, at + part));
    const whole = part === length;
    if (!whole) this.park(keep(bytes, at + part, length - part, reused), text, final);
    return { data: buffer.subarray(0, part), text, final: final && whole, close: false };
  }
}
