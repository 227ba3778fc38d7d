/**
 * One engine a thread: the linear memory that its connections share, the way into it, and the turn.
 */
import { randomFillSync } from 'node:crypto';
import { LinearMemory } from '../codec/memory.ts';
import { compileSync } from '../codec/module.ts';
import { Intake } from '../transport/intake.ts';
import { Deadlines } from './deadlines.ts';
import { Pages } from './pages.ts';
import { Pieces } from './pieces.ts';
import { Turn } from './turn.ts';

const MEMORY = 64 * 1024 * 1024;
const RECORDS = 65_536;
const KEYS = 1024;

/** Something that has bytes to send which lie in the window. */
export interface Leaving {
  leave(): void;
}

export class Engine {
  readonly memory: LinearMemory;
  readonly intake: Intake;
  readonly turn: Turn;
  readonly pages: Pages;
  readonly deadlines = new Deadlines();
  /** The fragments of the window that is being walked. */
  readonly live: Pieces;
  /** Whose frames lie in the window. */
  resident: Leaving | null = null;

  readonly #keys = new Uint32Array(KEYS);
  #keysUsed = KEYS;

  constructor() {
    this.memory = new LinearMemory(compileSync(), MEMORY, RECORDS);
    this.intake = new Intake(this.memory.window);
    this.turn = new Turn(this.intake);
    this.pages = new Pages(this.memory);
    this.live = new Pieces(this.memory.words, this.memory.bytes);
  }

  /** A masking key from a cryptographic source (RFC 6455 §10.3), drawn in blocks. */
  key(): number {
    if (this.#keysUsed === KEYS) {
      randomFillSync(this.#keys);
      this.#keysUsed = 0;
    }
    return this.#keys[this.#keysUsed++]!;
  }
}

let engine: Engine | undefined;

/** The thread's engine, made on first use. Throws where there is no memory for it. */
export function threadEngine(): Engine {
  return (engine ??= new Engine());
}
