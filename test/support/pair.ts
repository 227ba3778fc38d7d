/**
 * Contexts for tests: one against a peer that the test plays, or two joined by memory. Every context made here is
 * watched, and `leaveNothing`, run after each test, holds the engine to account: no call pending, every decoder's record
 * given back, no stretch of a send page held.
 */
import type { Duplex } from 'node:stream';
import * as assert from 'uvu/assert';
import type { Role } from '../../src/codec/decoder.ts';
import { PendingWrite } from '../../src/context/call.ts';
import { Context } from '../../src/context/context.ts';
import type { WebSocketContext, WebSocketOptions } from '../../src/context/contract.ts';
import { threadEngine } from '../../src/context/engine.ts';
import { limitsOf } from '../../src/context/options.ts';
import type { Page } from '../../src/context/pages.ts';
import { Unread } from '../../src/context/unread.ts';
import { StreamTransport } from '../../src/transport/stream.ts';
import { type Link, linkPair } from './link.ts';
import { Peer } from './peer.ts';
import { Watched } from './watched.ts';

export type { Role };
export const ROLES: readonly Role[] = ['server', 'client'];

/** The page being filled, and those that stay warm. */
const PAGES_KEPT = 9;

export const engine = threadEngine();
const watched = new Set<Watched>();
const pages = new Set<Page>([engine.pages.current]);
const next = engine.pages.next.bind(engine.pages);
engine.pages.next = () => {
  next();
  // Those that nobody holds are not looked for, and a soak fills millions.
  if (pages.size > 100) for (const page of pages) if (!page.held) pages.delete(page);
  pages.add(engine.pages.current);
};

/** Puts a context under watch until the test's end. */
export function watch(context: WebSocketContext): Watched {
  const one = new Watched(context as Context);
  watched.add(one);
  return one;
}

/** Opens a context on one end of a stream; the bytes of `head` are the first that it decodes. */
export function openOn(stream: Duplex, role: Role, options: WebSocketOptions = {}, head = Buffer.alloc(0)): Watched {
  let transport!: StreamTransport;
  const context = new Context({
    engine,
    record: engine.memory.records.take(),
    role,
    protocol: '',
    limits: limitsOf(options),
    onCleanup: () => one.cleaned++,
    onFault: () => {},
    transport: owner => (transport = new StreamTransport(stream, engine.intake, owner)),
  });
  const one: Watched = watch(context);
  transport.start(head, true);
  return one;
}

export interface Wired {
  readonly context: Watched;
  readonly peer: Peer;
  /** The context's end, and the peer's. */
  readonly near: Link;
  readonly far: Link;
}

/** Opens a context of this role whose peer is the test. */
export function open(role: Role, options: WebSocketOptions = {}): Wired {
  const [near, far] = linkPair();
  const context = openOn(near, role, options);
  return { context, peer: new Peer(far, role === 'server' ? 'client' : 'server'), near, far };
}

export interface Pair {
  readonly server: Watched;
  readonly client: Watched;
}

/** Opens a server's and a client's context, joined. */
export function openPair(options: WebSocketOptions = {}, clientOptions = options): Pair {
  const [near, far] = linkPair();
  return { server: openOn(near, 'server', options), client: openOn(far, 'client', clientOptions) };
}

/** Records and moments that an earlier test is to blame for. */
let lost = 0;
let awaited = 0;

/**
 * Ends every context of the test and asserts that it left nothing behind. uvu calls it again where it throws, and would
 * end in silence if it threw twice: what was found once is not looked for again.
 */
export async function leaveNothing(): Promise<void> {
  const ended = [...watched];
  watched.clear();
  for (const one of ended) one.cleanupStoredContext();
  // Streams that were destroyed give back what they hold when they close.
  const held = () => Array.from(pages).filter(page => page.held);
  for (let turns = 0; held().length && turns < 100; turns++) await turn();
  const blamed = [lost, awaited];
  const stretches = held().length;
  lost = engine.memory.records.taken;
  awaited = engine.deadlines.size;
  for (const page of held()) pages.delete(page);
  for (const { started, inline, completed } of ended) {
    assert.is(started, inline + completed, 'calls started = finished inline + completions run');
  }
  assert.is(lost, blamed[0], 'every record has been given back');
  assert.is(awaited, blamed[1], 'no moment is waited for');
  assert.is(stretches, 0, 'no stretch of a send page is held');
  if (!engine.pages.current.held) assert.is(engine.pages.fill, 0, 'the page being filled is empty again');
  assert.ok(engine.memory.pages.taken <= PAGES_KEPT, 'pages that are not kept warm have been given back');
  const { waiting, aborted, due, payload, cbIO } = PendingWrite.none;
  assert.equal(
    [waiting, aborted, due, payload.inHands, payload.waits, cbIO],
    [false, false, false, false, false, 0],
    'no call of nobody',
  );
  assert.equal(
    [Unread.nothing.head, Unread.nothing.bytes, Unread.nothing.cost],
    [null, 0, 0],
    'nothing unread of nobody',
  );
}

/** Resolves in a later turn of the event loop, when what was due before has happened. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** Lets everything happen that needs no more than the streams in memory. */
export async function turns(count = 8): Promise<void> {
  for (let index = 0; index < count; index++) await turn();
}
