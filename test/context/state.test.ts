/** The life of a connection: all sixteen cells of the table, holes included. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Event, next, type State, sends } from '../../src/context/state.ts';

const test = suite('context/state');

const EVENTS: readonly Event[] = ['sendClose', 'receiveClose', 'fail', 'disconnect'];
const ROWS: readonly (readonly [state: State, sends: boolean, ...following: (State | undefined)[]])[] = [
  ['open', true, 'closeSent', 'closeReceived', 'closed', 'closed'],
  ['closeSent', false, undefined, 'closed', 'closed', 'closed'],
  ['closeReceived', true, 'closed', undefined, 'closed', 'closed'],
  ['closed', false, undefined, undefined, undefined, 'closed'],
];

for (const [state, mayWrite, ...following] of ROWS) {
  for (const [index, event] of EVENTS.entries()) {
    const expected = following[index];
    test(`${event} while ${state} ${expected ? `leads to ${expected}` : 'is a hole, and says so'}`, () => {
      if (expected) assert.is(next(state, event), expected);
      else assert.throws(() => next(state, event), new RegExp(`^cannot ${event} while ${state}$`));
    });
  }
  test(`a side that is ${state} ${mayWrite ? 'may' : 'may not'} send`, () => assert.is(sends(state), mayWrite));
}

test.run();
