/**
 * A turn is one call from Node into the engine with the ticks and microtasks that Node drains before it calls anyone
 * again: completions that are due run in it, and what connections wrote goes out when its work is done, in one write each.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Intake } from '../transport/intake.ts';

/** Completions that one turn runs before it lets Node see to other things. */
const COMPLETIONS_MOST = 4096;

/** Node's own, whatever a test puts in their place: all connections of the thread wait for what they bring. */
const { setImmediate } = globalThis;
const { nextTick } = process;
/** Runs what many callers have asked for, in the asynchronous context of none of them. */
export const forAll = AsyncLocalStorage.snapshot();

/** Something that has a completion to run. */
export interface Completing {
  complete(): void;
}

/** Something whose call was cancelled. */
export interface Aborting {
  abort(): void;
}

/** Something that has bytes to send. */
export interface Flushing {
  /** Whether it may send when Node has read what there is to read now, from all sockets. */
  readonly patient: boolean;
  flush(): void;
}

/** Runs a caller's callback's error as an uncaught one, after the walk, which it must not disturb. */
export function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Flushes one connection; a stream of the application's that throws disturbs no other. */
function flush(flushing: Flushing): void {
  try {
    flushing.flush();
  } catch (error) {
    rethrow(error);
  }
}

export class Turn {
  readonly #intake: Intake;
  #due: (Completing | null)[] = [];
  #dueCount = 0;
  #running: (Completing | null)[] = [];
  readonly #dirty: (Flushing | null)[] = [];
  #dirtyCount = 0;
  #patient: Flushing[] = [];
  #aborts: Aborting[] = [];
  /** True between begin and settle: the turn's end is in sight and need not be asked for. */
  #inside = false;
  // A completion may accept a connection with bytes after its handshake: work begins inside work, and leaves what it made
  // due to the outer one.
  #completing = false;
  #settling = false;
  #scheduled = false;
  readonly #settle = () => {
    this.#scheduled = false;
    this.settle();
  };

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** Has `completing` run its completion in this turn, when the call that asks has returned. */
  due(completing: Completing): void {
    this.#due[this.#dueCount++] = completing;
    this.#schedule();
  }

  /** Has `flushing` send at the end of this turn, or of this round of reads. */
  dirty(flushing: Flushing): void {
    this.#dirty[this.#dirtyCount++] = flushing;
    this.#schedule();
  }

  /** Has `aborting` run its completion in a later turn. */
  later(aborting: Aborting): void {
    if (this.#aborts.push(aborting) === 1) setImmediate(forAll, this.#abort);
  }

  /** Begins work whose end will call settle. */
  begin(): void {
    this.#inside = true;
  }

  /** Runs the completions that are due now, whatever one of them throws; what becomes due meanwhile waits for the next time. */
  runDue(): void {
    const count = this.#dueCount;
    if (!count || this.#completing) return;
    this.#completing = true;
    const due = this.#due;
    this.#due = this.#running;
    this.#running = due;
    this.#dueCount = 0;
    for (let index = 0; index < count; index++) {
      const completing = due[index]!;
      due[index] = null;
      try {
        completing.complete();
      } catch (error) {
        rethrow(error);
      }
    }
    this.#completing = false;
  }

  /** Ends the turn's work: runs what is due, then sends what was written. */
  settle(): void {
    if (this.#settling || this.#completing) return;
    this.#inside = this.#settling = true;
    for (let budget = COMPLETIONS_MOST; this.#dueCount && budget > 0; ) {
      budget -= this.#dueCount;
      this.runDue();
    }
    const dirty = this.#dirty;
    for (let index = 0; index < this.#dirtyCount; index++) {
      const flushing = dirty[index]!;
      dirty[index] = null;
      if (!flushing.patient) flush(flushing);
      else if (this.#patient.push(flushing) === 1) setImmediate(forAll, this.#flushPatient);
    }
    this.#dirtyCount = 0;
    this.#inside = this.#settling = false;
    if (this.#dueCount) setImmediate(forAll, this.#settle);
  }

  readonly #abort = (): void => {
    const aborts = this.#aborts;
    this.#aborts = [];
    for (const aborting of aborts) aborting.abort();
    this.settle();
  };

  readonly #flushPatient = (): void => {
    const patient = this.#patient;
    this.#patient = [];
    for (const flushing of patient) flush(flushing);
  };

  #schedule(): void {
    if (this.#inside || this.#scheduled || this.#intake.unfinished) return;
    this.#scheduled = true;
    nextTick(forAll, this.#settle);
  }
}
