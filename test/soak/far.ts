/**
 * The other end of thousands of connections, in a process of its own: neither its memory nor its files are then counted
 * as the server's. It is started with the task as JSON; it says 'open' when all stand, and told to stop it reports.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { connectWebSocket } from '../../src/client.ts';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED } from '../../src/context/hresult.ts';
import { CERTIFICATE } from '../support/certificate.ts';
import { REQUEST } from '../support/socket.ts';

export interface Task {
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  /** How many of them talk, again and again; the others only answer pings. Undefined: none shakes hands to the end. */
  readonly talkers: number | undefined;
  readonly directReads: boolean;
}

export interface Report {
  readonly lost: number;
  readonly trips: number;
}

const BATCH = 100;
const EVERY = 100;
const MESSAGE = Buffer.from('still there?');

export class Far {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all connections stand. */
  static async open(task: Task): Promise<Far> {
    const child = fork(import.meta.filename, [JSON.stringify(task)]);
    const [word] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (word !== 'open') throw new Error(`the other end ended with ${word}`);
    return new Far(child);
  }

  /** Ends all connections; resolves with what became of them until then. */
  async stop(): Promise<Report> {
    const exit = once(this.#child, 'exit');
    this.#child.send('stop');
    const [report] = await once(this.#child, 'message');
    await exit;
    return report as Report;
  }
}

/** Opens `count` of something, a batch at a time. */
async function openAll(count: number, open: (index: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < count; first += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, count - first) }, (_, index) => open(first + index)));
  }
}

async function run({ url, port, connections, talkers, directReads }: Task): Promise<void> {
  let lost = 0;
  let trips = 0;
  let stopped = false;

  /** Sends and waits for the echo, and again a while later. */
  const talk = (context: WebSocketContext): void => {
    context.writeFragment(MESSAGE, true, true, true, () => {});
    context.readFragment(null, true, hr => {
      if (FAILED(hr)) return void (lost += Number(!stopped));
      trips++;
      setTimeout(() => talk(context), EVERY);
    });
  };
  const hold = async (index: number) => {
    const context = await connectWebSocket(url, { directReads, tls: { ca: CERTIFICATE } });
    if (index < talkers!) talk(context);
    else context.readFragment(null, true, () => (lost += Number(!stopped)));
  };
  const begin = (index: number) =>
    new Promise<void>(resolve => {
      const socket = connectSocket({ port, host: 'localhost' }).on('error', () => {});
      socket.on('close', () => lost++).resume();
      socket.write(REQUEST.slice(0, 1 + (index % (REQUEST.length - 1))), () => resolve());
    });

  process.on('message', () => {
    stopped = true;
    process.send!({ lost, trips } satisfies Report, () => process.exit());
  });
  process.on('disconnect', () => process.exit());
  await openAll(connections, talkers === undefined ? begin : hold);
  process.send!('open');
}

const task = process.argv[2];
if (process.argv[1] === import.meta.filename && task) await run(JSON.parse(task) as Task);
