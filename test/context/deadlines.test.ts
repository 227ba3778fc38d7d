/** One timer for all: moments come in order, once, and only those that were asked for last. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Deadlines, type Timed } from '../../src/context/deadlines.ts';
import { Clock } from '../support/clock.ts';
import { Random } from '../support/random.ts';

const test = suite('context/deadlines');
const clock = new Clock();
test.before(() => clock.install());

/** Notes when its moments come, and asks for those that `following` names. */
class Waiter implements Timed {
  deadline: Timed['deadline'] = null;
  readonly came: number[] = [];
  readonly #following: number[];

  constructor(...following: number[]) {
    this.#following = following;
  }

  expired(now: number): number {
    this.came.push(now);
    return this.#following.shift() ?? 0;
  }
}

test('a moment comes once, when it was asked for', async () => {
  const deadlines = new Deadlines();
  const waiter = new Waiter();
  const at = clock.time + 100;
  deadlines.ask(waiter, at);
  await clock.pass(99);
  assert.equal(waiter.came, []);
  await clock.pass(1000);
  assert.equal(waiter.came, [at]);
  assert.is(waiter.deadline, null);
});

test('another moment takes the place of the one before, earlier or later', async () => {
  const deadlines = new Deadlines();
  const start = clock.time;
  const [sooner, later] = [new Waiter(), new Waiter()];
  deadlines.ask(sooner, start + 100);
  deadlines.ask(sooner, start + 10);
  deadlines.ask(later, start + 20);
  deadlines.ask(later, start + 200);
  await clock.pass(500);
  assert.equal([sooner.came, later.came], [[start + 10], [start + 200]]);
});

test('a moment that was forgotten does not come', async () => {
  const deadlines = new Deadlines();
  const waiter = new Waiter();
  deadlines.ask(waiter, clock.time + 10);
  deadlines.forget(waiter);
  deadlines.forget(waiter);
  await clock.pass(100);
  assert.equal(waiter.came, []);
});

test('what expired answers is the next moment', async () => {
  const deadlines = new Deadlines();
  const start = clock.time;
  const waiter = new Waiter(start + 30, start + 70);
  deadlines.ask(waiter, start + 10);
  await clock.pass(100);
  assert.equal(waiter.came, [start + 10, start + 30, start + 70]);
});

test('a waiter that throws is an uncaught exception, and keeps none from its moment', async () => {
  const deadlines = new Deadlines();
  const error = new Error('of a waiter');
  const at = clock.time + 10;
  const waiters = [new Waiter(), new Waiter(), new Waiter()];
  const expired = () => {
    throw error;
  };
  deadlines.ask({ deadline: null, expired }, at);
  for (const [index, waiter] of waiters.entries()) deadlines.ask(waiter, at + (index >> 1));
  const caught = new Promise(resolve => process.once('uncaughtException', resolve));
  await clock.pass(100);
  assert.is(await caught, error);
  assert.equal(
    waiters.map(({ came }) => came.length),
    [1, 1, 1],
  );
});

test('a moment further off than a timer can be set for comes all the same, and no sooner', async () => {
  const deadlines = new Deadlines();
  const waiter = new Waiter();
  const at = clock.time + 2 ** 33;
  deadlines.ask(waiter, at);
  await clock.pass(2 ** 33 - 1);
  assert.equal(waiter.came, []);
  await clock.pass(1);
  assert.equal(waiter.came, [at]);
});

test('thousands of waiters that change their minds are each told at their own moment, in order', async () => {
  const deadlines = new Deadlines();
  const random = new Random(20);
  const start = clock.time;
  const waiters = Array.from({ length: 3000 }, () => new Waiter());
  const asked = new Map<Waiter, number>();
  for (let change = 0; change < 20_000; change++) {
    const waiter = random.pick(waiters);
    const at = start + 1 + random.below(50);
    if (random.once(5)) {
      deadlines.forget(waiter);
      asked.delete(waiter);
    } else {
      deadlines.ask(waiter, at);
      asked.set(waiter, at);
    }
  }
  await clock.pass(60);
  for (const waiter of waiters) {
    const at = asked.get(waiter);
    assert.equal(waiter.came, at === undefined ? [] : [at]);
  }
});

test.run();
