/**
 * A conversation of the promise layer, cancelled at every point at which somebody may wait: in each turn of the event loop
 * and in the microtasks between. Receives lose nothing, sends go out whole or not at all, an iteration beside a cancelled
 * send goes on, and a close that has begun ends; what is aborted instead ends for both, and nothing waits for ever.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketConnection } from '../../src/index.ts';
import { leaveNothing, openPair, turn } from '../support/pair.ts';

const test = suite('faults/cancel');

const SIZES = [3, 200, 16_400, 1, 70_000, 5, 40_000, 126];
/** Microtasks that are looked into between two turns. */
const TICKS = 6;

/** The message of this number: its number again and again. */
function messageOf(index: number): Uint8Array {
  return new Uint8Array(SIZES[index]!).fill(index);
}

/** Calls that their signals cancelled, in all tests. */
const cancelled = { sends: 0, receives: 0 };

/** Counts an error that says so; throws any other. */
function count(error: unknown, kind: keyof typeof cancelled): void {
  if ((error as { code?: string }).code !== 'ERR_CANCELLED') throw error;
  cancelled[kind]++;
}

class Side {
  readonly connection: WebSocketConnection;
  #controller = new AbortController();
  /** Messages whose send was cancelled. */
  readonly doubtful = new Set<number>();
  readonly heard: number[] = [];

  constructor(connection: WebSocketConnection) {
    this.connection = connection;
  }

  /** Cancels whatever was given the signal until now. */
  cancel(): void {
    this.#controller.abort();
    this.#controller = new AbortController();
  }

  async send(message: Uint8Array): Promise<void> {
    try {
      await this.connection.send(message, { signal: this.#controller.signal });
    } catch (error) {
      count(error, 'sends');
      this.doubtful.add(message[0]!);
    }
  }

  /** Sends back each message, then answers CLOSE. */
  async echo(): Promise<void> {
    for await (const message of this.connection) await this.send(this.#hear(message as Uint8Array));
  }

  /** Receives fragment by fragment, again where that was cancelled, until CLOSE. */
  async receive(): Promise<void> {
    let pieces: Uint8Array[] = [];
    for (;;) {
      try {
        const { data, final, close } = await this.connection.receive({ signal: this.#controller.signal });
        if (close) return;
        pieces.push(data);
        if (!final) continue;
        this.#hear(Buffer.concat(pieces));
        pieces = [];
      } catch (error) {
        count(error, 'receives');
      }
    }
  }

  #hear(message: Uint8Array): Uint8Array {
    const index = message[0]!;
    assert.equal([message.length, message.every(byte => byte === index)], [SIZES[index], true], 'a message is whole');
    assert.ok(index > (this.heard.at(-1) ?? -1), 'messages come in order, each once');
    this.heard.push(index);
    return message;
  }
}

/** Holds the conversation and acts at one point of it. Answers whether it was over before; rejects as the talks do. */
async function converse(point: number, act: (server: Side, client: Side) => void): Promise<boolean> {
  const pair = openPair({ sendBufferLimit: 1000, receiveBufferLimit: 5000 });
  const server = new Side(new WebSocketConnection(pair.server));
  const client = new Side(new WebSocketConnection(pair.client));
  const speak = async () => {
    for (const index of SIZES.keys()) await client.send(messageOf(index));
    await client.connection.close(1000, 'done');
  };
  let over = false;
  const talks = Promise.allSettled([server.echo(), client.receive(), speak()]).then(talks => {
    over = true;
    return talks;
  });
  let passed = 0;
  for (; passed < point && !over; passed++) {
    if (passed % TICKS === 0) await turn();
    else await null;
  }
  const before = over;
  act(server, client);
  const failed = (await talks).flatMap(talk => (talk.status === 'rejected' ? [talk.reason] : []));
  await leaveNothing();
  if (failed.length) throw failed[0];
  const missing = [...SIZES.keys()].filter(index => !client.heard.includes(index));
  const doubtful = new Set([...client.doubtful, ...server.doubtful]);
  assert.ok(
    missing.every(index => doubtful.has(index)),
    'only what was cancelled may be missing',
  );
  assert.equal(client.connection.closeStatus, { code: 1000, reason: 'done' });
  assert.equal([client.connection.state, server.connection.state], ['closed', 'closed']);
  return before;
}

const CANCELS: Record<string, (server: Side, client: Side) => void> = {
  'the server': server => server.cancel(),
  'the client': (_server, client) => client.cancel(),
  both: (server, client) => {
    client.cancel();
    server.cancel();
  },
};

for (const [name, cancel] of Object.entries(CANCELS)) {
  test(`cancelled by ${name} at every point, it goes on to its end`, async () => {
    const before = { ...cancelled };
    let points = 0;
    while (!(await converse(points, cancel))) points++;
    assert.ok(points > 60, `${points} points`);
    const sends = cancelled.sends - before.sends;
    const receives = cancelled.receives - before.receives;
    assert.ok(sends > 10, `${sends} sends were cancelled`);
    // The server iterates.
    if (name !== 'the server') assert.ok(receives > 40, `${receives} receives were cancelled`);
  });
}

const ABORTS: Record<string, (server: Side, client: Side) => void> = {
  'abort() of the server': server => server.connection.abort(),
  'abort() of the client': (_server, client) => client.connection.abort(),
  "cleanup of the server's context": server => server.connection.context.cleanupStoredContext(),
  "cleanup of the client's context": (_server, client) => client.connection.context.cleanupStoredContext(),
};

for (const [name, abort] of Object.entries(ABORTS)) {
  test(`ended by ${name} at every point, everybody is told`, async () => {
    let points = 0;
    let told = 0;
    for (let over = false; !over; points++) {
      over = await converse(points, abort).catch(error => {
        assert.match(error.code, /^ERR_(ABORTED|LOST|STATE)$/, String(error));
        told++;
        return false;
      });
    }
    assert.ok(told > 60, `${told} of ${points}`);
  });
}

test.run();
