/** The turn is many connections' own: nothing that belongs to one caller may reach, or stop, another. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_OPERATION_ABORTED, S_OK } from '../../src/context/hresult.ts';
import { leaveNothing, open, ROLES, turns } from '../support/pair.ts';

const test = suite('context/turn');
test.after.each(leaveNothing);

for (const role of ROLES) {
  test(`${role}: who fakes Node's timers while one connection asks for a turn stops no other`, async () => {
    const one = open(role).context;
    const { setImmediate } = globalThis;
    const { nextTick } = process;
    const other = open(role);
    process.nextTick = () => {};
    const writing = one.write('one');
    process.nextTick = nextTick;
    assert.is((await other.context.write('other')).hr, S_OK);
    assert.is(await other.peer.next(), 'text "other"');
    assert.is((await writing).hr, S_OK);

    const reading = one.read();
    globalThis.setImmediate = (() => {}) as never;
    one.cancelOutstandingIO();
    globalThis.setImmediate = setImmediate;
    const cancelled = other.context.read();
    other.context.cancelOutstandingIO();
    assert.is((await cancelled).hr, E_OPERATION_ABORTED);
    assert.is((await reading).hr, E_OPERATION_ABORTED);
  });

  test(`${role}: completions that bring about others without end let Node see to other things`, async () => {
    const { context } = open(role, { sendBufferLimit: 1 << 30 }).context;
    let looped = false;
    setImmediate(() => {
      looped = true;
    });
    await new Promise<void>(resolve => {
      let more = 100_000;
      const write = () => {
        if (looped || !more--) resolve();
        else context.writeFragment(new Uint8Array(0), true, false, true, write);
      };
      write();
    });
    assert.ok(looped);
  });

  test(`${role}: a completion does not run in the asynchronous context of another connection's caller`, async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const see = () => seen.push(storage.getStore());
    const callers = ['one', 'another'];
    const contexts = callers.map(() => open(role).context.context);
    const each = (call: (context: (typeof contexts)[number]) => void) =>
      callers.forEach((caller, index) => {
        storage.run(caller, () => call(contexts[index]!));
      });
    each(context => context.writeFragment(Buffer.from('x'), true, true, true, see));
    await turns();
    each(context => context.readFragment(null, true, see));
    each(context => context.cancelOutstandingIO());
    await turns();
    assert.equal(seen, [undefined, undefined, undefined, undefined]);
  });
}

test.run();
