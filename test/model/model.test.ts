/**
 * Programs for two contexts, held against the model: first those that once found something, then random ones, whose
 * seed is printed and may be given as SEED. `npm run soak` runs a hundred thousand.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import { type Program, perform, programs, type Step } from './program.ts';

const test = suite('model');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const RUNS = 3000;

const ROOMY = {
  echoes: false,
  room: 0,
  stretch: 1000,
  patient: false,
  takeLeast: 0,
  lasting: false,
  receiveBufferLimit: 0,
  sendBufferLimit: 65_536,
};
const TIGHT = { ...ROOMY, sendBufferLimit: 0 };
const TURN: Step = { do: 'turn' };

function write(at: 0 | 1, length: number, way: 'completion' | 'inline' = 'completion'): Step {
  return { do: 'write', at, length, utf8: false, final: false, way, next: 'nothing' };
}

function read(at: 0 | 1, capacity: number, next: 'nothing' | 'close'): Step {
  return { do: 'read', at, capacity, way: 'completion', next, echo: 'none' };
}

const KNOWN: readonly (readonly [name: string, program: Program])[] = [
  [
    'a large write has not completed while its last stretch is in the hands of the kernel',
    { ...ROOMY, room: 10, steps: [write(0, 65_530), { do: 'drain', at: 0, length: 65_500 }, TURN] },
  ],
  [
    'a large write cancelled when all of it is in the hands of the kernel keeps its bytes there',
    { ...ROOMY, stretch: 262_144, steps: [write(0, 65_530), TURN, { do: 'cancel', at: 0 }, TURN, TURN] },
  ],
  [
    'a large write that waits for room goes on when what went before it is taken at once',
    { ...ROOMY, steps: [write(0, 20, 'inline'), TURN, write(0, 100_000, 'inline'), write(0, 20_000), TURN] },
  ],
  [
    'a write that waits for room completes when a CLOSE behind it is taken at once',
    { ...TIGHT, steps: [write(1, 16_385), { do: 'shutDown', at: 1 }] },
  ],
  [
    'a PING that waits behind a frame that closeTcpConnection cuts is not sent as its payload',
    { ...TIGHT, steps: [write(1, 16_385), { do: 'ping', at: 1 }, { do: 'closeTcp', at: 1 }] },
  ],
  [
    'a large write that is cancelled right after another was keeps its bytes while the kernel has them',
    {
      ...TIGHT,
      steps: [
        write(0, 125),
        write(0, 16_385),
        { do: 'cancel', at: 0 },
        { do: 'drain', at: 0, length: 65_536 },
        write(0, 65_536),
        { do: 'cancel', at: 0 },
        TURN,
      ],
    },
  ],
  [
    'a CLOSE that is sent when a walk that waited ends, because TCP has, is accepted and lost',
    {
      ...TIGHT,
      lasting: true,
      steps: [
        read(1, 1, 'nothing'),
        write(0, 16_385),
        { do: 'carry', at: 0, length: 6 },
        { do: 'reset', at: 0 },
        read(1, 0, 'close'),
        { do: 'end', at: 1 },
      ],
    },
  ],
];

for (const [name, program] of KNOWN) test(name, () => perform(program));

test(`${RUNS} random programs from seed ${seed}`, async () => {
  console.log(`note: seed ${seed}`);
  await fc.assert(fc.asyncProperty(programs, perform), { seed, numRuns: RUNS, includeErrorInReport: true });
});

test.run();
