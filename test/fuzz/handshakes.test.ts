/** Spoilt requests and answers, to our ends and to ws's: each difference is one that a table explains, each row is met. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  answers,
  compareAnswer,
  compareRequest,
  DIFFERENCES_OF_CLIENTS,
  DIFFERENCES_OF_SERVERS,
  EXAMPLES,
  requests,
} from './handshakes.ts';

const test = suite('fuzz/handshakes');
const TRIALS = 3000;

test(`${TRIALS} spoilt requests let in the same clients, with the same subprotocols, as at ws's server`, async () => {
  const rows = new Map<string, number>();
  const property = fc.asyncProperty(requests, async request => {
    const row = await compareRequest(request);
    rows.set(row, (rows.get(row) ?? 0) + 1);
  });
  const examples = EXAMPLES.map((request): [string] => [request]);
  await fc.assert(property, { seed: 6455, numRuns: TRIALS, examples, includeErrorInReport: true });
  console.log(`note: ${Array.from(rows, ([row, count]) => `${count} ${row || 'alike'}`).join('; ')}`);
  for (const [name] of DIFFERENCES_OF_SERVERS) assert.ok(rows.has(name), `met: ${name}`);
});

test(`${TRIALS} spoilt answers open the same connections as ws's client`, async () => {
  const rows = new Map<string, number>();
  const property = fc.asyncProperty(answers, async answer => {
    const row = await compareAnswer(answer);
    rows.set(row, (rows.get(row) ?? 0) + 1);
  });
  await fc.assert(property, { seed: 6455, numRuns: TRIALS, includeErrorInReport: true });
  console.log(`note: ${Array.from(rows, ([row, count]) => `${count} ${row || 'alike'}`).join('; ')}`);
  for (const [name] of DIFFERENCES_OF_CLIENTS) assert.ok(rows.has(name), `met: ${name}`);
});

test.run();
