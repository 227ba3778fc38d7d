/** Random programs for two contexts, held against the model. */
import fc from 'fast-check';
import { perform, programs } from '../model/program.ts';
import type { Part, Sizes } from './main.ts';

export async function* model({ programs: numRuns, seed }: Sizes): Part {
  await fc.assert(fc.asyncProperty(programs, perform), { seed, numRuns, includeErrorInReport: true });
  yield `${numRuns} programs`;
}
