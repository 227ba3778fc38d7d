/**
 * One connection from its opening to its end: what its transport, its receiver and its clock tell, and what follows from
 * it. The caller's side of it is the context; which state follows which is in state.ts.
 */
import { OP_CLOSE, OP_PING, OP_PONG } from '../../assembly/abi.ts';
import type { Role } from '../codec/decoder.ts';
import { FAULTS, type Fault } from '../codec/faults.ts';
import type { Transport, TransportOwner } from '../transport/transport.ts';
import { type Close, closePayload, readClose } from './close.ts';
import type { Engine } from './engine.ts';
import {
  E_HANDLE_EOF,
  E_INVALID_PROTOCOL_FORMAT,
  E_NETNAME_DELETED,
  E_OPERATION_ABORTED,
  type HResult,
  S_OK,
} from './hresult.ts';
import type { Limits } from './options.ts';
import { Receiver, type ReceiverOwner } from './receiver.ts';
import { Sender } from './sender.ts';
import { next, type State, sends } from './state.ts';
import { Timing, type TimingOwner } from './timing.ts';
import type { Completing } from './turn.ts';

/** Milliseconds. */
const LEFT_AFTER = 1000;

export interface LifeInit<Context> {
  readonly engine: Engine;
  /** A decoder's record that is the connection's from now on. */
  readonly record: number;
  readonly role: Role;
  readonly limits: Limits;
  /** Called once, when the context's life has ended. */
  readonly onCleanup: (context: Context) => void;
  /** Called when TCP is gone and the application, told that nothing goes out any more, has read nothing for a second. */
  readonly onLeft?: (context: Context) => void;
  /** Called when the peer has broken a rule, in the middle of the walk. */
  readonly onFault: (context: Context) => void;
  /** Makes the transport, whose owner the connection is. */
  readonly transport: (owner: TransportOwner) => Transport;
}

export class Life<Context> implements TransportOwner, ReceiverOwner, TimingOwner, Completing {
  readonly engine: Engine;
  readonly transport: Transport;
  readonly receiver: Receiver;
  readonly sender: Sender;
  /** The rule that the peer broke. */
  fault: Fault | undefined = undefined;
  /** What the peer's CLOSE said. */
  close: Close | null = null;
  closeSent = false;

  readonly #context: Context;
  readonly #server: boolean;
  readonly #limits: Limits;
  readonly #onCleanup: (context: Context) => void;
  readonly #onLeft: ((context: Context) => void) | undefined;
  readonly #onFault: (context: Context) => void;
  #state: State = 'open';
  /** Null as long as the connection has not had to keep time. */
  #timing: Timing | null = null;
  /** What reads and writes are told when TCP goes down by this side's doing; null for E_OPERATION_ABORTED. */
  #downWith: HResult | null = null;
  /** The application has been told that nothing goes out any more. */
  #told = false;
  /** Runs while it is seen whether it reads on. */
  #leaving: NodeJS.Timeout | undefined;
  /** TCP is gone. */
  #gone = false;
  /** The context's life has ended. */
  #over = false;

  constructor(context: Context, init: LifeInit<Context>) {
    const { engine, limits, role } = init;
    this.engine = engine;
    this.#context = context;
    this.#server = role === 'server';
    this.#limits = limits;
    this.#onCleanup = init.onCleanup;
    this.#onLeft = init.onLeft;
    this.#onFault = init.onFault;
    this.receiver = new Receiver(this, engine, init.record, role, limits.receiveBufferLimit, limits.maxMessageSize);
    this.transport = init.transport(this);
    this.sender = new Sender(engine, this.transport, role, limits.sendBufferLimit);
    if (limits.pingInterval) this.clock();
  }

  // ── what the caller does ──

  /** Whether data and CLOSE may still be sent. */
  get sends(): boolean {
    return sends(this.#state);
  }

  /** CLOSE has been accepted for sending. */
  sentClose(): void {
    this.closeSent = true;
    this.#state = next(this.#state, 'sendClose');
    this.hurry();
    this.#endIfClosed();
  }

  /** Sends CLOSE after a write that is under way; a no-op once CLOSE has been sent. */
  shutDown(payload: Uint8Array): void {
    if (!this.sends) return;
    this.sender.control(OP_CLOSE, payload);
    this.sentClose();
  }

  /** The application is told by `hr` that what it sends cannot go out. */
  refuse(hr: HResult): HResult {
    this.#told = true;
    this.#lookIfLeft();
    return hr;
  }

  /** Ends TCP without a CLOSE, and every call that waits. */
  disconnect(): void {
    if (this.#gone || this.#over) return;
    this.#state = next(this.#state, 'disconnect');
    this.receiver.cancel();
    this.receiver.discard();
    this.sender.cancel(false);
    this.sender.end();
    this.hurry();
  }

  /** Ends all that is left, now. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#state = next(this.#state, 'disconnect');
    this.#timing?.end();
    clearTimeout(this.#leaving);
    if (!this.#gone) this.transport.destroy();
    this.receiver.discard();
    this.sender.lost(E_OPERATION_ABORTED);
    this.receiver.abandon();
    this.sender.abandon();
    this.#onCleanup(this.#context);
  }

  /** What keeps time for this connection from now on. */
  clock(): Timing {
    return (this.#timing ??= new Timing(this, this.engine.deadlines, this.#limits));
  }

  // ── what the transport says ──

  received(length: number): boolean {
    this.#timing?.heard();
    this.receiver.received(length);
    return this.goOn(false);
  }

  goOn(waits: boolean): boolean {
    const { receiver } = this;
    const before = receiver.bytesReceived;
    this.engine.turn.begin();
    try {
      return receiver.goOn(waits);
    } finally {
      if (this.#timing?.closing && receiver.bytesReceived !== before) this.#timing.close();
      this.engine.turn.settle();
    }
  }

  written(): void {
    this.engine.turn.begin();
    try {
      this.sender.written();
    } finally {
      this.engine.turn.settle();
    }
  }

  ended(): void {
    this.engine.turn.begin();
    this.receiver.endWith(E_HANDLE_EOF);
    this.#state = next(this.#state, 'disconnect');
    this.sender.end();
    this.hurry();
    this.engine.turn.settle();
  }

  closed(error: Error | undefined): void {
    this.#gone = true;
    if (this.#over) return;
    this.engine.turn.begin();
    const hr = error ? E_NETNAME_DELETED : (this.#downWith ?? E_OPERATION_ABORTED);
    this.#state = next(this.#state, 'disconnect');
    this.receiver.endWith(hr);
    if (this.sender.waiting) this.#told = true;
    this.sender.lost(hr);
    // A peer that has ended its side will answer no PING either.
    this.#timing?.lost(this.receiver.end || hr);
    this.engine.turn.settle();
    if (this.receiver.drained) {
      this.end();
    } else {
      this.hurry();
      this.#lookIfLeft();
    }
  }

  // ── what the receiver says ──

  control(opcode: number, bytes: Uint8Array): void {
    if (opcode === OP_PING) {
      // §5.5.2: "an endpoint MUST send a Pong frame in response, unless it already received a Close frame".
      this.sender.makeRoom();
      this.sender.control(OP_PONG, bytes);
    } else if (opcode === OP_PONG) {
      this.#timing?.answered(bytes);
    } else {
      this.close = readClose(bytes);
      this.#state = next(this.#state, 'receiveClose');
      this.receiver.endWith(S_OK);
      this.#endIfClosed();
    }
  }

  /** §7.1.7: fails the connection, with a CLOSE that says why. */
  faulted(rule: number): void {
    this.fault = FAULTS.get(rule)!;
    if (this.sends) this.sender.control(OP_CLOSE, closePayload(this.fault.closeCode, this.fault.message)!);
    this.#state = next(this.#state, 'fail');
    this.receiver.endWith(E_INVALID_PROTOCOL_FORMAT);
    this.sender.end();
    this.hurry();
    this.#onFault(this.#context);
  }

  /** The caller has transferred what he was lent, and with it what he has not read: the connection ends. */
  robbed(): void {
    if (!this.#gone) this.transport.destroy();
  }

  delivered(): void {
    if (this.#gone && this.receiver.drained) this.engine.turn.due(this);
    else this.hurry();
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.#timing?.resumed();
    this.transport.resume();
  }

  /** All is delivered, and the call or completion that did it has returned. */
  complete(): void {
    this.end();
  }

  // ── what the clock says ──

  get deaf(): boolean {
    return this.receiver.paused;
  }

  get pingOwed(): boolean {
    return this.sender.pingOwed;
  }

  get moved(): number {
    return this.sender.moved;
  }

  get taken(): number {
    return this.receiver.taken;
  }

  sendPing(payload: Uint8Array): boolean {
    this.sender.makeRoom();
    if (!this.sends) return false;
    this.sender.control(OP_PING, payload);
    return true;
  }

  /** Ends TCP at once; `closed` follows. Where it has ended, nobody has come for what was received. */
  cut(hr: HResult): void {
    this.#downWith = hr;
    if (this.#gone) this.end();
    else this.transport.destroy();
  }

  /** Gives what is left of the connection closeTimeout from now on, and from each move of its payload. */
  hurry(): void {
    if (this.#over) return;
    const clock = this.clock();
    this.sender.tell(clock);
    clock.close();
  }

  /** Who waits for the connection's end need not wait for an application that does not come back for what was received. */
  #lookIfLeft(): void {
    const onLeft = this.#onLeft;
    if (!onLeft || !this.#gone || !this.#told || this.#leaving || this.#over) return;
    const { taken } = this.receiver;
    this.#leaving = setTimeout(() => {
      this.#leaving = undefined;
      const { receiver } = this;
      if (receiver.taken !== taken || receiver.waiting) this.#lookIfLeft();
      else onLeft(this.#context);
    }, LEFT_AFTER).unref();
  }

  /** §7.1.1: once both CLOSEs have passed, the server ends TCP first; the client waits for it. */
  #endIfClosed(): void {
    if (this.#state === 'closed' && this.#server) this.sender.end();
  }
}
