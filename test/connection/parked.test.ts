/** What is parked for the next who asks: its order, and that a great many fragments cost no more each than a few. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Parked } from '../../src/connection/parked.ts';

const test = suite('connection: parked');
const FEW = 500;
const MANY = 64_000;
/** By moving all that is left at each step, many took some hundred times as long each. */
const WIDE = 40;

/** Parks `count` fragments and takes them; returns nanoseconds each. */
function timeOf(count: number): number {
  const parked = new Parked();
  const data = new Uint8Array(1);
  const start = performance.now();
  for (let index = 0; index < count; index++) parked.park(data, index % 2 === 0, true);
  let taken = 0;
  for (; parked.any; taken++) assert.is(parked.take(null).text, taken % 2 === 0);
  assert.equal([taken, parked.cost], [count, 0]);
  return ((performance.now() - start) * 1e6) / count;
}

test('many fragments that are parked cost no more each than a few', () => {
  const best = (count: number, times: number) => Math.min(...Array.from({ length: times }, () => timeOf(count)));
  const [few, many] = [best(FEW, 300), best(MANY, 7)];
  assert.ok(many < WIDE * few, `${many.toFixed(0)} ns each, and ${few.toFixed(0)} where they are few`);
});

test('the rest of what did not fit a buffer is in front, and ends the message where the whole did', () => {
  const parked = new Parked();
  for (const text of ['abcde', 'fg', 'h']) parked.park(Buffer.from(text), true, text !== 'fg');
  const told: string[] = [];
  while (parked.any) {
    const { data, final } = parked.take(new Uint8Array(2));
    told.push(`${Buffer.from(data)}${final ? '' : '+'}`);
  }
  assert.equal(told, ['ab+', 'cd+', 'e', 'fg+', 'h']);
  assert.is(parked.cost, 0);
});

test.run();
