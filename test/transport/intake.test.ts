/** The way into the window: bytes that turn up while it is walked wait, and are fed in the order in which they came. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Intake } from '../../src/transport/intake.ts';
import type { TransportOwner } from '../../src/transport/transport.ts';

const test = suite('intake');

/** Notes what it is given as text, and on the way calls `meanwhile` with it. */
class Owner implements TransportOwner {
  readonly heard: string[] = [];
  readonly #intake: Intake;
  readonly #meanwhile: (text: string) => void;

  constructor(intake: Intake, meanwhile: (text: string) => void = () => {}) {
    this.#intake = intake;
    this.#meanwhile = meanwhile;
  }

  received(length: number): boolean {
    const text = Buffer.from(this.#intake.window.subarray(0, length)).toString();
    this.#meanwhile(text);
    const after = Buffer.from(this.#intake.window.subarray(0, length)).toString();
    assert.is(after, text, 'the window is the same from the beginning of a walk to its end');
    this.heard.push(text);
    return true;
  }

  goOn(): boolean {
    return true;
  }

  written(): void {}
  ended(): void {}
  closed(): void {}
}

test('a chunk longer than the window is fed a window at a time', () => {
  const intake = new Intake(new Uint8Array(4));
  const owner = new Owner(intake);
  intake.feed(owner, Buffer.from('abcdefghij'));
  assert.equal(owner.heard, ['abcd', 'efgh', 'ij']);
});

test('what comes during a walk waits for its end', () => {
  const intake = new Intake(new Uint8Array(8));
  const other = new Owner(intake);
  const owner = new Owner(intake, text => text === 'one' && intake.feed(other, Buffer.from('two')));
  intake.feed(owner, Buffer.from('one'));
  assert.equal(other.heard, ['two']);
  intake.window.set(Buffer.from('one'));
  intake.receive(owner, 3, false);
  assert.equal(other.heard, ['two', 'two']);
});

test('a chunk that comes between two windows of another stays behind it', () => {
  const intake = new Intake(new Uint8Array(4));
  const owner: Owner = new Owner(intake, text => text === 'abcd' && intake.feed(owner, Buffer.from('ij')));
  intake.feed(owner, Buffer.from('abcdefgh'));
  assert.equal(owner.heard, ['abcd', 'efgh', 'ij']);
});

test('chunks that come while waiting ones are fed stay behind them', () => {
  const intake = new Intake(new Uint8Array(4));
  const owner: Owner = new Owner(intake, text => {
    if (text === 'a') for (const next of ['b', 'c']) intake.feed(owner, Buffer.from(next));
    if (text === 'b') intake.feed(owner, Buffer.from('d'));
  });
  intake.feed(owner, Buffer.from('a'));
  assert.equal(owner.heard, ['a', 'b', 'c', 'd']);
});

test('what comes while it is held is fed in a tick of its own, in order, and before what comes later', async () => {
  const intake = new Intake(new Uint8Array(8));
  const owner = new Owner(intake);
  intake.hold(() => {
    intake.feed(owner, Buffer.from('one'));
    intake.hold(() => intake.feed(owner, Buffer.from('two')));
    intake.feed(owner, Buffer.from('three'));
  });
  assert.equal(owner.heard, []);
  await null;
  process.nextTick(() => intake.feed(owner, Buffer.from('four')));
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(owner.heard, ['one', 'two', 'three', 'four']);
});

test('where somebody throws who is fed, what waits behind is fed in a tick', async () => {
  const intake = new Intake(new Uint8Array(8));
  const other = new Owner(intake);
  const thrower = new Owner(intake, text => {
    if (text !== 'one') throw new Error('of its owner');
    intake.feed(thrower, Buffer.from('two'));
    intake.feed(other, Buffer.from('three'));
  });
  assert.throws(() => intake.feed(thrower, Buffer.from('one')), /of its owner/);
  assert.equal(other.heard, []);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(other.heard, ['three']);
});

test('a write that throws does not keep it held', () => {
  const intake = new Intake(new Uint8Array(8));
  const owner = new Owner(intake);
  assert.throws(() =>
    intake.hold(() => {
      throw new Error('of the stream');
    }),
  );
  intake.feed(owner, Buffer.from('one'));
  assert.equal(owner.heard, ['one']);
});

/** Is done with what it was given as soon as one of `answers` is true, and notes what it is asked. */
class Slow implements TransportOwner {
  readonly asked: (number | boolean)[] = [];
  readonly #answers: boolean[];

  constructor(...answers: boolean[]) {
    this.#answers = answers;
  }

  received(length: number): boolean {
    this.asked.push(length);
    return this.#answers.shift()!;
  }

  goOn(waits: boolean): boolean {
    this.asked.push(waits);
    return this.#answers.shift()!;
  }

  written(): void {}
  ended(): void {}
  closed(): void {}
}

test('a walk that is not over goes on behind a microtask, then behind them all, and again', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, false, false, true);
  const behind: unknown[][] = [];
  intake.receive(slow, 4, true);
  assert.ok(intake.unfinished);
  assert.equal(slow.asked, [4]);
  await null;
  behind.push([...slow.asked]);
  for (let hop = 0; hop < 50; hop++) await null;
  behind.push([...slow.asked]);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(behind, [
    [4, true],
    [4, true],
  ]);
  assert.equal(slow.asked, [4, true, false, true, false]);
  assert.not.ok(intake.unfinished);
});

test('what comes while a walk is not over waits for its end', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, true);
  const other = new Owner(intake);
  intake.receive(slow, 4, true);
  intake.feed(other, Buffer.from('one'));
  intake.hold(() => intake.feed(other, Buffer.from('two')));
  await null;
  assert.equal(other.heard, []);
  intake.finish();
  assert.equal(slow.asked, [4, true, false]);
  assert.equal(other.heard, ['one', 'two']);
  intake.finish();
  await new Promise(resolve => setImmediate(resolve));
  assert.is(slow.asked.length, 3, 'a tick that comes too late asks nobody');
});

test('a walk of bytes that do not last is over before the call is', () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, true, false, true);
  intake.receive(slow, 3, false);
  assert.equal(slow.asked, [3, false, false]);
  intake.feed(slow, Buffer.from('ab'));
  assert.equal(slow.asked.slice(3), [2, false]);
});

test('an exception ends a walk that is not over before anything else can happen', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, true);
  intake.receive(slow, 4, true);
  const caught = new Promise(resolve => process.once('uncaughtException', () => resolve([...slow.asked])));
  queueMicrotask(() => {
    throw new Error('of the application');
  });
  assert.equal(await caught, [4, true, false]);
});

test('an exception ends it for who has removed all listeners before, and in a tick that was asked for before the walk', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, true);
  process.removeAllListeners('uncaughtExceptionMonitor');
  const caught = new Promise(resolve => process.once('uncaughtException', () => resolve([...slow.asked])));
  setImmediate(() => {
    process.nextTick(() => {
      throw new Error('of the application');
    });
    intake.receive(slow, 4, true);
  });
  assert.equal((await caught) as unknown[], [4, false, false]);
});

test('ticks that a test puts in the place of Node’s are not waited for', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, false, true);
  const { nextTick } = process;
  process.nextTick = () => {};
  try {
    intake.receive(slow, 4, true);
    await null;
    await null;
  } finally {
    process.nextTick = nextTick;
  }
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(slow.asked, [4, true, false]);
});

test('nothing is delivered any more where the window was overwritten under a walk', async () => {
  const intake = new Intake(new Uint8Array(4));
  const slow = new Slow(false, true);
  const other = new Owner(intake);
  intake.receive(slow, 4, true);
  for (let times = 0; times < 2; times++) {
    assert.throws(() => intake.receive(other, 2, true), /an event loop inside the event loop/);
  }
  intake.feed(other, Buffer.from('ab'));
  await new Promise(resolve => setImmediate(resolve));
  assert.equal([slow.asked, other.heard], [[4], []]);
});

test('an owner that throws does not keep the window', () => {
  const intake = new Intake(new Uint8Array(4));
  const other = new Owner(intake);
  const owner = new Owner(intake, () => {
    throw new RangeError('of the owner');
  });
  assert.throws(() => intake.feed(owner, Buffer.from('a')), /of the owner/);
  intake.feed(other, Buffer.from('b'));
  assert.equal(other.heard, ['b']);
});

test.run();
