/** Control frames that wait for the end of a frame, or for room: at most one of a kind, in the order of the last of each. */
import { OP_PING } from '../../assembly/abi.ts';
import type { Outbox } from './outbox.ts';
import { EMPTY } from './result.ts';

interface ControlFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export class Owed {
  readonly #frames: ControlFrame[] = [];

  /** Whether a PING is among them. */
  get ping(): boolean {
    return this.#frames.some(({ opcode }) => opcode === OP_PING);
  }

  /**
   * §5.5.3: a peer "MAY elect to send a Pong frame for only the most recently processed Ping frame". Nor is more than one
   * PING worth its bytes to a peer that takes none: its PONG answers those before it too. A caller waits for his, which does
   * what the engine's own, with EMPTY, is for. `payload` is copied.
   */
  add(opcode: number, payload: Uint8Array): void {
    const index = this.#frames.findIndex(frame => frame.opcode === opcode);
    if (index >= 0 && payload === EMPTY) return;
    if (index >= 0) this.#frames.splice(index, 1);
    this.#frames.push({ opcode, payload: payload.slice() });
  }

  /** Puts them all there. */
  pay(outbox: Pick<Outbox, 'control'>): void {
    for (const { opcode, payload } of this.#frames) outbox.control(opcode, payload);
  }
}
