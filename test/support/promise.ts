/** What a promise rejected with, and whether it has settled yet. */
import * as assert from 'uvu/assert';

/** Resolves with what `promise` rejects with; fails the test where it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; hr?: number }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable('the promise resolved') as never;
}

/** Watches `promise`; the answer tells whether it has settled. */
export function settled(promise: Promise<unknown>): () => boolean {
  let done = false;
  const settle = () => {
    done = true;
  };
  promise.then(settle, settle);
  return () => done;
}
