/** Spoilt streams to our decoder and to ws's: each difference is one that the table explains, and each row is met. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FAULTS } from '../../src/codec/faults.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { type Trial, trials } from './streams.ts';
import { compare, DIFFERENCES } from './ws.ts';

const test = suite('fuzz/ws');
const TRIALS = 5_000;
/** Streams that end where the two look at different moments; chance makes few of them. */
const EXAMPLES = ['818b37fa', '888137fa213d'].map((hex): [Trial] => [
  { role: 'server', maxMessageSize: 10, stream: Buffer.from(hex, 'hex'), cuts: [] },
]);

for (const build of BUILDS) {
  test(`${build}: ${TRIALS} spoilt streams make the same messages and the same close code as in ws`, () => {
    const engine = new Engine(build);
    const rows = new Map<string, number>();
    const rules = new Map<string | undefined, number>();
    const seed = build === 'baseline' ? 1 : 2;
    const property = fc.property(trials, trial => {
      const { row, our } = compare(engine, trial);
      rows.set(row, (rows.get(row) ?? 0) + 1);
      rules.set(our.rule, (rules.get(our.rule) ?? 0) + 1);
    });
    fc.assert(property, { seed, numRuns: TRIALS, examples: EXAMPLES, includeErrorInReport: true });
    console.log(`note: ${build}: ${Array.from(rows, ([row, count]) => `${count} ${row || 'alike'}`).join('; ')}`);
    for (const [name] of DIFFERENCES) assert.ok(rows.has(name), `met: ${name}`);
    for (const { name } of FAULTS.values()) assert.ok(rules.get(name)! > 20, `met more than now and then: ${name}`);
    assert.ok(rows.get('')! > TRIALS / 2, 'most are judged alike');
  });
}

test.run();
