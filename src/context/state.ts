/**
 * The life of a connection, as one table (RFC 6455 §7.1). Everything that changes the state is here; the table does not
 * know whether this side is server or client, so both sides live by the same rules.
 *
 * CLOSE, fault and end count for sending when they are detected; what was received before them is still read.
 */

export type State = 'open' | 'closeSent' | 'closeReceived' | 'closed';
export type Event = 'sendClose' | 'receiveClose' | 'fail' | 'disconnect';

const NEXT: Record<State, Partial<Record<Event, State>>> = {
  // biome-ignore format: a hole in the table is seen as a hole
  open:          { sendClose: 'closeSent', receiveClose: 'closeReceived', fail: 'closed', disconnect: 'closed' },
  // biome-ignore format: a hole in the table is seen as a hole
  closeSent:     {                         receiveClose: 'closed',        fail: 'closed', disconnect: 'closed' },
  // biome-ignore format: a hole in the table is seen as a hole
  closeReceived: { sendClose: 'closed',                                   fail: 'closed', disconnect: 'closed' },
  // biome-ignore format: a hole in the table is seen as a hole
  closed:        {                                                                        disconnect: 'closed' },
};

/** Returns the state that follows; throws on a hole, whose name is the message. */
export function next(state: State, event: Event): State {
  const following = NEXT[state][event];
  if (following === undefined) throw new Error(`cannot ${event} while ${state}`);
  return following;
}

/** Whether data and CLOSE may still be sent. */
export function sends(state: State): boolean {
  return state === 'open' || state === 'closeReceived';
}
