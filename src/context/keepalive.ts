/** Pings of one connection (RFC 6455 §5.5.2): the engine's own at an interval, and the caller's, which have an answer. */
import { CONTROL_MOST } from '../../assembly/abi.ts';
import { WebSocketError } from './error.ts';
import { E_OPERATION_ABORTED, type HResult } from './hresult.ts';
import type { Limits } from './options.ts';

let pingsSent = 0;

/** A copy of what a caller's PING is to carry; without it, what no other PING of this thread has. */
export function pingPayload(payload: Uint8Array | undefined): Uint8Array {
  if (payload !== undefined && !(payload instanceof Uint8Array)) throw new TypeError('a ping payload is a Uint8Array');
  if (payload && payload.length > CONTROL_MOST) throw new RangeError('a ping payload has at most 125 bytes (§5.5)');
  return new Uint8Array(payload ?? new Float64Array([++pingsSent]).buffer);
}

interface Ping {
  readonly payload: Uint8Array;
  readonly sentAt: number;
  resolve(milliseconds: number): void;
  reject(error: WebSocketError): void;
}

export class Keepalive {
  readonly #limits: Limits;
  readonly #pings: Ping[] = [];
  #pingAt: number;
  #silentAt = 0;

  constructor(limits: Limits, now: number) {
    this.#limits = limits;
    this.#pingAt = limits.pingInterval ? now + limits.pingInterval : 0;
  }

  /** The next moment at which there is something to do, 0 for none. */
  get due(): number {
    if (!this.#silentAt) return this.#pingAt;
    return this.#pingAt ? Math.min(this.#pingAt, this.#silentAt) : this.#silentAt;
  }

  /** Whether it is time for a ping of the engine's own; if it is, the next is due an interval later. */
  pingDue(now: number): boolean {
    if (!this.#pingAt || now < this.#pingAt) return false;
    this.#pingAt = now + this.#limits.pingInterval;
    return true;
  }

  /** Whether a silence is being counted. */
  get counts(): boolean {
    return this.#silentAt !== 0;
  }

  /** Whether the peer has been silent too long. */
  silent(now: number): boolean {
    return this.#silentAt !== 0 && now >= this.#silentAt;
  }

  /** The silence is counted from now on, if one is: the peer could not be heard, or could not hear. */
  countAgain(now: number): void {
    if (this.#silentAt) this.#silentAt = now + this.#limits.pongTimeout;
  }

  /** A ping has been given to the sender: the silence is counted from the first that nothing followed. */
  sent(now: number): void {
    if (this.#limits.pongTimeout && !this.#silentAt) this.#silentAt = now + this.#limits.pongTimeout;
  }

  /** Anything at all was received. */
  heard(): void {
    this.#silentAt = 0;
  }

  expect(payload: Uint8Array, now: number): Promise<number> {
    return new Promise((resolve, reject) => this.#pings.push({ payload, sentAt: now, resolve, reject }));
  }

  /**
   * §5.5.3: a PONG answers the PING whose payload it carries, and those before it that it stands for. Of several that are
   * alike, it may be the only one to come.
   */
  answered(payload: Uint8Array, now: number): void {
    const index = this.#pings.findLastIndex(ping => same(ping.payload, payload));
    for (const ping of this.#pings.splice(0, index + 1)) ping.resolve(now - ping.sentAt);
  }

  ended(hr: HResult): void {
    const code = hr === E_OPERATION_ABORTED ? 'ERR_ABORTED' : 'ERR_LOST';
    for (const ping of this.#pings.splice(0)) {
      ping.reject(new WebSocketError(code, 'the connection ended before the PONG arrived', hr));
    }
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
