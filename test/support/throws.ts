/** Expects an error of one kind. uvu calls a class that it is given, which of the built-in ones none refuses. */
import * as assert from 'uvu/assert';

type Kind = abstract new (...rest: never[]) => Error;

/** Fails where `run` throws nothing, or an error that is not of `kind`. */
export function throwsA(kind: Kind, run: () => unknown, title?: string): void {
  assert.throws(run, (error: unknown) => error instanceof kind, title);
}
