/**
 * Programs for two contexts joined by a network in memory: calls, network events and turns in any order. A program runs
 * step by step; at its end the network delivers everything, both sides read to the end, and nothing may be left behind.
 */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Context } from '../../src/context/context.ts';
import { limitsOf } from '../../src/context/options.ts';
import { engine, leaveNothing, turn, watch } from '../support/pair.ts';
import { Wire, type WireOptions } from './network.ts';
import { ECHOES, type Echo, Side, WAYS, type Way } from './side.ts';

/** What a completion does before it returns. */
const THENS = [
  'nothing',
  'nothing',
  'nothing',
  'read',
  'write',
  'echo',
  'cancel',
  'close',
  'closeTcp',
  'cleanup',
  'throw',
] as const;
type Then = (typeof THENS)[number];

export type Step =
  | { do: 'write'; at: 0 | 1; length: number; utf8: boolean; final: boolean; way: Way; next: Then }
  | { do: 'read'; at: 0 | 1; capacity: number; way: Way; next: Then; echo: Echo }
  | { do: 'close'; at: 0 | 1; code: number; reason: string; way: Way; next: Then }
  | { do: 'drain' | 'deliver' | 'carry'; at: 0 | 1; length: number }
  | { do: 'turn' }
  | { do: 'echo' | 'cancel' | 'ping' | 'shutDown' | 'closeTcp' | 'cleanup' | 'reset' | 'end'; at: 0 | 1 };

/** What the two contexts and the network between them are told at first. */
export interface Terms extends WireOptions {
  readonly receiveBufferLimit: number;
  readonly sendBufferLimit: number;
}

export interface Program extends Terms {
  /** The server writes back what comes, from the start. */
  readonly echoes: boolean;
  readonly steps: readonly Step[];
}

const at = fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>;
const way = fc.constantFrom(...WAYS);
const next = fc.constantFrom(...THENS);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.constantFrom(125, 126, 4000, 16_384) },
  { weight: 3, arbitrary: fc.constantFrom(16_385, 20_000, 65_530, 65_536, 100_000) },
);
const amount = fc.oneof(fc.nat(10), fc.nat(2000), fc.nat(30_000), fc.constantFrom(65_536, 1_000_000));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('write'), at, length, utf8: fc.boolean(), final: fc.boolean(), way, next }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read'),
      at,
      capacity: fc.constantFrom(0, 0, 1, 100, 70_000),
      way,
      next,
      echo: fc.constantFrom(...ECHOES),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constantFrom('drain', 'deliver', 'carry'), at, length: amount }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('turn') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('close'),
      at,
      code: fc.constantFrom(1000, 4999, 1005),
      reason: fc.constant(''),
      way,
      next,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('echo'), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('cancel', 'ping'), at }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('shutDown', 'closeTcp', 'cleanup', 'reset', 'end'), at }),
  },
) as fc.Arbitrary<Step>;

export const programs: fc.Arbitrary<Program> = fc.record({
  room: fc.constantFrom(0, 10, 5000, 1_000_000),
  stretch: fc.constantFrom(1000, 65_536, 262_144),
  patient: fc.boolean(),
  takeLeast: fc.constantFrom(0, 4096, Number.POSITIVE_INFINITY),
  lasting: fc.boolean(),
  receiveBufferLimit: fc.constantFrom(0, 100, 50_000, 4_194_304),
  sendBufferLimit: fc.constantFrom(0, 100, 65_536),
  echoes: fc.boolean(),
  steps: fc.array(step, { maxLength: 40, size: 'max' }),
});

/** What completions throw that are told to. */
const THROWN = new Error('thrown by a completion of the model');
/** What else they threw: assertions that failed. */
const thrown: unknown[] = [];
const onThrown = (error: unknown): unknown => error === THROWN || thrown.push(error);

function open(role: 'server' | 'client', terms: Terms): Side {
  const { receiveBufferLimit, sendBufferLimit } = terms;
  let wire!: Wire;
  const context = new Context({
    engine,
    record: engine.memory.records.take(),
    role,
    protocol: '',
    limits: limitsOf({ receiveBufferLimit, sendBufferLimit }),
    onCleanup: () => {},
    onFault: () => {},
    transport: owner => (wire = new Wire(owner, engine.intake, terms)),
  });
  return new Side(watch(context), wire);
}

/** Opens a server's and a client's context, joined by a network. */
export function join(terms: Terms): readonly [server: Side, client: Side] {
  const sides = [open('server', terms), open('client', terms)] as const;
  const [one, other] = sides;
  one.other = other;
  other.other = one;
  one.wire.other = other.wire;
  other.wire.other = one.wire;
  return sides;
}

/** Writes back what has come and, where this is a server, what comes from now on. */
function echo(side: Side): void {
  const next = side.context.context.role === 'server' ? () => echo(side) : () => {};
  while (side.read(0, 'either', next, 'result'));
}

function follow(side: Side, what: Then): () => void {
  switch (what) {
    case 'read':
      return () => side.read(0, 'either', () => {}, 'none');
    case 'echo':
      return () => echo(side);
    case 'write':
      return () => side.write(20, true, true, 'either', () => {});
    case 'close':
      return () => side.close(1000, '', 'either', () => {});
    case 'cancel':
    case 'closeTcp':
    case 'cleanup':
      return () => side[what]();
    case 'throw':
      return () => {
        throw THROWN;
      };
    default:
      return () => {};
  }
}

function run(sides: readonly [Side, Side], step: Exclude<Step, { do: 'turn' }>): void {
  const side = sides[step.at];
  if (step.do === 'write') side.write(step.length, step.utf8, step.final, step.way, follow(side, step.next));
  else if (step.do === 'read') side.read(step.capacity, step.way, follow(side, step.next), step.echo);
  else if (step.do === 'close') side.close(step.code, step.reason, step.way, follow(side, step.next));
  else if (step.do === 'drain' || step.do === 'deliver') side.wire[step.do](step.length);
  else if (step.do === 'carry') {
    side.wire.drain(step.length);
    side.wire.deliver(step.length);
  } else if (step.do === 'echo') echo(side);
  else if (step.do === 'end') side.wire.close();
  else side[step.do]();
}

/** Runs a program and asserts what must be true of every one. */
export async function perform(program: Program): Promise<void> {
  const sides = join(program);
  thrown.length = 0;
  process.on('uncaughtException', onThrown);
  try {
    if (program.echoes) echo(sides[0]);
    for (const step of program.steps) {
      if (step.do === 'turn') await turn();
      else run(sides, step);
    }
    await finish(sides);
  } catch (error) {
    throw thrown[0] ?? error;
  } finally {
    for (const side of sides) {
      side.cleanup();
      side.wire.destroy();
      side.wire.close();
    }
    await turn();
    process.off('uncaughtException', onThrown);
  }
  await leaveNothing();
  if (thrown.length) throw thrown[0];
}

/** Lets the network run and both sides read until nothing moves any more. */
async function finish(sides: readonly [Side, Side]): Promise<void> {
  const look = () =>
    sides.map(({ context, wire }) => [context.context.stats, context.pending, wire.ended, wire.closed]);
  let before = '';
  for (let still = 0; still < 4; ) {
    for (const side of sides) {
      side.wire.drain(1_000_000);
      side.wire.deliver(1_000_000);
      side.wire.close();
      if (side.reads) side.read(0, 'completion', () => {}, 'none');
    }
    await turn();
    const now = JSON.stringify(look());
    still = now === before ? still + 1 : 0;
    before = now;
  }
  for (const side of sides) {
    assert.ok(side.wire.quiet, 'nothing is on its way');
    assert.ok(side.idle, 'no write waits where the network takes everything');
    assert.is(side.context.context.stats.sendBuffered, 0, 'nothing is unsent');
    assert.is(side.context.context.stats.receiveBuffered, 0, 'nothing is unread');
    if (!side.lossy) assert.ok(side.heard, 'all that was accepted has been read');
  }
}
