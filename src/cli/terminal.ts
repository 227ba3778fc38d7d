/** What the commands share: how they end, and how they write to a terminal and to what is none. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** An exit code, or what is to be printed before ending well. */
export type Outcome = number | string;
export const FAILED = 1;
export const WRONG_USE = 2;

/** Seconds that can be waited for: a longer timer of Node's fires at once. */
export const SECONDS_MOST = 2_147_483;

export class UsageError extends Error {}

/** Turns what the engine refused before it did anything into wrong use: an option was at fault. */
export function blame(error: unknown): unknown {
  return error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error;
}

/** Lets the process end once what it has written is out. */
export function stop(outcome: Outcome): void {
  if (typeof outcome === 'string') process.stdout.write(outcome);
  process.exitCode = typeof outcome === 'string' ? 0 : outcome;
}

export function numberOf(name: string, text: string, most: number, whole = false): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`${name} must be a ${whole ? 'whole ' : ''}number from 0 to ${most}; got '${text}'`);
}

/** Colours text where `stream` is a terminal that has colours. */
export function styled(stream: NodeJS.WritableStream, format: Parameters<typeof styleText>[0], text: string): string {
  const terminal = stream as WriteStream;
  return terminal.isTTY && terminal.hasColors() ? styleText(format, text, { validateStream: false }) : text;
}

/** Shows control characters by their code, so that what a peer sends cannot move the cursor or worse. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Writes, and waits while the reader does not keep up. */
export async function write(stream: NodeJS.WritableStream, data: string | Uint8Array): Promise<void> {
  if (stream.write(data)) return;
  await new Promise<void>(resolve => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

const PROGRESS_EVERY = 100;

/** Says how far long work is, on a terminal only; the line is gone when it is done. */
export class Progress {
  readonly #stream: WriteStream;
  #next = performance.now() + PROGRESS_EVERY;
  #shown = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  show(text: () => string): void {
    if (!this.#stream.isTTY || performance.now() < this.#next) return;
    this.#next = performance.now() + PROGRESS_EVERY;
    this.#shown = true;
    this.#stream.write(`\r\u001b[K${text()}`);
  }

  done(): void {
    if (this.#shown) this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}
