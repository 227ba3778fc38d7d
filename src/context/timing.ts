/** Time in the life of one connection: when it pings, how long its peer may be silent, how long it may take to close. */
import { type Deadline, type Deadlines, now, type Timed } from './deadlines.ts';
import { WebSocketError } from './error.ts';
import { E_CONNECTION_INVALID, E_NETNAME_DELETED, E_OPERATION_ABORTED, type HResult } from './hresult.ts';
import { Keepalive } from './keepalive.ts';
import type { Limits } from './options.ts';
import { EMPTY } from './result.ts';

export interface TimingOwner {
  /** Whether the socket is not read, so that the peer cannot be heard. */
  readonly deaf: boolean;
  /** Whether a PING waits for the end of a frame, or for room. */
  readonly pingOwed: boolean;
  /** Bytes of data frames that have gone out, since the connection began. */
  readonly moved: number;
  /** How much of what was received has been read; only that it grows counts. */
  readonly taken: number;
  /** Sends a PING; says whether that could be. */
  sendPing(payload: Uint8Array): boolean;
  /** Time is up: what is left is told `hr`. */
  cut(hr: HResult): void;
}

export class Timing implements Timed {
  deadline: Deadline | null = null;
  readonly #owner: TimingOwner;
  readonly #deadlines: Deadlines;
  readonly #limits: Limits;
  #keepalive: Keepalive | null = null;
  /** When the closing connection is cut. Null while it is not closing: a number would cost each connection a box. */
  #cutAt: number | null = null;
  /** Bytes that had gone out when they were counted last. */
  #moved = 0;
  /** What had been read when the closing connection was last given its time. */
  #taken = 0;
  /** Whether the PING that counts was owed when it was last looked at, and what had gone out by then. */
  #pingOwed = false;
  #movedThen = 0;
  #over = false;

  constructor(owner: TimingOwner, deadlines: Deadlines, limits: Limits) {
    this.#owner = owner;
    this.#deadlines = deadlines;
    this.#limits = limits;
    if (limits.pingInterval) {
      this.#keepalive = new Keepalive(limits, now());
      this.#wake();
    }
  }

  /** Whether closeTimeout runs. */
  get closing(): boolean {
    return this.#cutAt !== null;
  }

  /** Starts the time that a closing connection has, or starts it again. */
  close(): void {
    this.#cutAt = now() + this.#limits.closeTimeout;
    this.#taken = this.#owner.taken;
    this.#wake();
  }

  /** So many bytes of data frames have gone out: if more than before, the closing connection has its time again. */
  moved(bytes: number): void {
    if (bytes <= this.#moved) return;
    this.#moved = bytes;
    this.close();
  }

  /** Anything at all was received. */
  heard(): void {
    this.#keepalive?.heard();
  }

  /** The socket is read again. */
  resumed(): void {
    // What the peer said meanwhile is still on its way.
    this.#keepalive?.countAgain(now());
  }

  /** Sends a caller's PING. Resolves with the milliseconds until its PONG; throws where none can be sent any more. */
  ping(payload: Uint8Array): Promise<number> {
    if (!this.#owner.sendPing(payload)) {
      throw new WebSocketError('ERR_STATE', 'a PING can be sent only before CLOSE', E_CONNECTION_INVALID);
    }
    const time = now();
    this.#keepalive ??= new Keepalive(this.#limits, time);
    const answer = this.#keepalive.expect(payload, time);
    this.#pinged(this.#keepalive, time);
    this.#wake();
    return answer;
  }

  /** A PONG was received. */
  answered(payload: Uint8Array): void {
    this.#keepalive?.answered(payload, now());
  }

  /** The connection is lost: no PONG will come. */
  lost(hr: HResult): void {
    this.#keepalive?.ended(hr);
    this.#keepalive = null;
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#over = true;
    this.#deadlines.forget(this);
    this.lost(E_OPERATION_ABORTED);
  }

  expired(time: number): number {
    if (this.#cutAt !== null && time >= this.#cutAt) {
      // A write that is under way is told of when it ends, but may have moved; and who reads what is left is there.
      this.moved(this.#owner.moved);
      if (this.#owner.taken > this.#taken) this.close();
      if (time >= this.#cutAt) {
        this.#owner.cut(E_OPERATION_ABORTED);
        return 0;
      }
    }
    const keepalive = this.#keepalive;
    if (keepalive && this.#cutAt === null) {
      if (keepalive.silent(time)) {
        if (!this.#owner.deaf && !this.#heldUp()) {
          this.#owner.cut(E_NETNAME_DELETED);
          return 0;
        }
        keepalive.countAgain(time);
      }
      if (keepalive.pingDue(time) && this.#owner.sendPing(EMPTY)) this.#pinged(keepalive, time);
    }
    return this.#due;
  }

  #pinged(keepalive: Keepalive, time: number): void {
    if (!keepalive.counts) this.#heldUp();
    keepalive.sent(time);
  }

  /** Whether the PING waited, and the peer took what stands before it: he is there, and has not been asked. */
  #heldUp(): boolean {
    const { pingOwed, moved } = this.#owner;
    const held = this.#pingOwed && moved > this.#movedThen;
    this.#pingOwed = pingOwed;
    this.#movedThen = moved;
    return held;
  }

  /** The next moment at which there is something to do, 0 for none. */
  get #due(): number {
    return this.#over ? 0 : (this.#cutAt ?? this.#keepalive?.due ?? 0);
  }

  /** Sees to it that `expired` is called in time; a later moment than the one asked for needs no asking. */
  #wake(): void {
    const at = this.#due;
    if (at && (!this.deadline || this.deadline.at > at)) this.#deadlines.ask(this, at);
  }
}
