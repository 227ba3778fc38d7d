/** What was received and is for the next who asks: it came when nobody waited, or did not fit the buffer of who did. */
import type { ReceivedFragment } from './fragment.ts';
import { keep } from './message.ts';

export class Parked {
  #fragment: ReceivedFragment | null = null;

  get any(): boolean {
    return this.#fragment !== null;
  }

  park(data: Uint8Array, text: boolean, final: boolean): void {
    this.#fragment = { data, text, final, close: false };
  }

  drop(): void {
    this.#fragment = null;
  }

  /** Takes what is parked; as much of it as `buffer` holds, where there is one. */
  take(buffer: Uint8Array | null): ReceivedFragment {
    const fragment = this.#fragment!;
    this.#fragment = null;
    if (!buffer) return fragment;
    const { data, text, final } = fragment;
    return this.fill(buffer, data, 0, data.length, text, final, false);
  }

  /** Copies to the caller's `buffer` what it holds, and parks the rest. */
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
