/**
 * One engine a thread: the linear memory that its connections share, and the turn. A turn is one call from Node into the
 * engine with the ticks and microtasks that Node drains before it calls anyone again; what connections wrote in it goes
 * out when its work is done, in one write each.
 */
import { randomFillSync } from 'node:crypto';
import { LinearMemory } from '../codec/memory.ts';
import { compileSync } from '../codec/module.ts';
import { Intake } from '../transport/intake.ts';
import { Deadlines } from './deadlines.ts';
import { Pages } from './pages.ts';
import { Pieces } from './pieces.ts';

const MEMORY = 64 * 1024 * 1024;
const RECORDS = 65_536;
/** Completions that one turn runs before it lets Node see to other things. */
const COMPLETIONS_MOST = 4096;
const KEYS = 1024;

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

/** Something that has bytes to send which lie in the window. */
export interface Leaving {
  leave(): void;
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

export class Engine {
  readonly memory: LinearMemory;
  readonly intake: Intake;
  readonly pages: Pages;
  readonly deadlines = new Deadlines();
  /** The fragments of the window that is being walked. */
  readonly live: Pieces;
  /** Whose frames lie in the window. */
  resident: Leaving | null = null;

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
  readonly #keys = new Uint32Array(KEYS);
  #keysUsed = KEYS;
  readonly #settle = () => {
    this.#scheduled = false;
    this.settle();
  };

  constructor() {
    this.memory = new LinearMemory(compileSync(), MEMORY, RECORDS);
    this.intake = new Intake(this.memory.window);
    this.pages = new Pages(this.memory);
    this.live = new Pieces(this.memory.words, this.memory.bytes);
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
    if (this.#aborts.push(aborting) > 1) return;
    setImmediate(() => {
      const aborts = this.#aborts;
      this.#aborts = [];
      for (const aborting of aborts) aborting.abort();
      this.settle();
    });
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
      if (flushing.patient) this.#flushLater(flushing);
      else flush(flushing);
    }
    this.#dirtyCount = 0;
    this.#inside = this.#settling = false;
    if (this.#dueCount) setImmediate(this.#settle);
  }

  /** A masking key from a cryptographic source (RFC 6455 §10.3), drawn in blocks. */
  key(): number {
    if (this.#keysUsed === KEYS) {
      randomFillSync(this.#keys);
      this.#keysUsed = 0;
    }
    return this.#keys[this.#keysUsed++]!;
  }

  #flushLater(flushing: Flushing): void {
    if (this.#patient.push(flushing) > 1) return;
    setImmediate(() => {
      const patient = this.#patient;
      this.#patient = [];
      for (const flushing of patient) flush(flushing);
    });
  }

  #schedule(): void {
    if (this.#inside || this.#scheduled || this.intake.unfinished) return;
    this.#scheduled = true;
    process.nextTick(this.#settle);
  }
}

let engine: Engine | undefined;

/** The thread's engine, made on first use. Throws where there is no memory for it. */
export function threadEngine(): Engine {
  return (engine ??= new Engine());
}
