/** What was received and is for the next who asks: it came when nobody waited, or did not fit the buffer of who did. */
import type { ReceivedFragment } from './fragment.ts';
import { keep } from './message.ts';

export class Parked {
  #first: ReceivedFragment | null = null;
  #behind: ReceivedFragment[] | null = null;
  bytes = 0;

  get any(): boolean {
    return this.#first !== null;
  }

  park(data: Uint8Array, text: boolean, final: boolean): void {
    const fragment = { data, text, final, close: false };
    this.bytes += data.length;
    if (!this.#first) this.#first = fragment;
    else (this.#behind ??= []).push(fragment);
  }

  drop(): void {
    this.#first = this.#behind = null;
    this.bytes = 0;
  }

  /** Takes the first that is parked; as much of it as `buffer` holds, where there is one. */
  take(buffer: Uint8Array | null): ReceivedFragment {
    const fragment = this.#first!;
    const { data, text, final } = fragment;
    this.#first = null;
    this.bytes -= data.length;
    const taken = buffer ? this.fill(buffer, data, 0, data.length, text, final, false) : fragment;
    this.#first ??= this.#behind?.shift() ?? null;
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
