/**
 * A walk of the window waits for who reads by promises: what he asks for in the microtasks of the turn is given to him
 * where it lies, and what he answers goes out from there; everything else is copied before it is lost. On a kernel that
 * the test has in its hands: each of its reads overwrites the one before.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReceivedFragment, WebSocketConnection, type WebSocketError } from '../../src/index.ts';
import { type Frame, type Kernel, masked, openOnKernel } from '../support/kernel.ts';
import { linkPair } from '../support/link.ts';
import { engine, leaveNothing, openOn, turn, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { failureOf } from '../support/promise.ts';
import { Random } from '../support/random.ts';
import { leaveNobody, MODES, serve } from '../support/served.ts';

const test = suite('connection: turn');
test.after.each(leaveNothing);

const LENT = { lend: true } as const;
const LIMIT = { sendBufferLimit: 1_000_000 };
const BYTES = pattern(140_000);
const PROGRAMS = 150;

function open(options = LIMIT) {
  const { context, kernel } = openOnKernel(options);
  return { context, kernel, connection: new WebSocketConnection(context.context) };
}

/** Overwrites the window. */
function overwrite(): void {
  open().kernel.read(masked(2, BYTES));
}

function texts({ frames }: Kernel): string[] {
  return frames.map(({ opcode, data }) => (opcode === 8 ? 'close' : Buffer.from(data).toString()));
}

const MANY = Array.from({ length: 60 }, (_, index) => `message ${index} `.repeat(1 + (index % 7) * 40));

/** Waits for so many microtasks. */
async function hop(times: number): Promise<void> {
  while (times--) await null;
}

for (const hops of [0, 1, 2, 20]) {
  test(`who comes back ${hops} microtasks later is lent all of a chunk, and his answers leave in one stretch`, async () => {
    const { connection, kernel } = open();
    const echo = async () => {
      for (;;) {
        const fragment = await connection.receive(LENT);
        if (fragment.close) return;
        await hop(hops);
        await connection.send(fragment);
      }
    };
    const echoed = echo();
    kernel.read(...MANY.map(text => masked(1, text)));
    await turn();
    assert.equal(texts(kernel), MANY);
    assert.is(kernel.offered.length, 1);
    assert.equal(kernel.written, []);
    kernel.read(masked(8, Uint8Array.of(3, 232)));
    await echoed;
  });
}

test('what comes byte by byte, a turn each, is echoed piece by piece', async () => {
  const { connection, kernel } = open();
  const echo = async () => {
    for (;;) {
      const fragment = await connection.receive(LENT);
      if (fragment.close) return;
      await hop(1);
      await connection.send(fragment);
    }
  };
  const echoed = echo();
  const bytes = Buffer.concat([...MANY.slice(0, 9).map(text => masked(1, text)), masked(8, Uint8Array.of(3, 232))]);
  for (const byte of bytes) {
    kernel.read(Uint8Array.of(byte));
    await turn();
  }
  await echoed;
  const sent = kernel.frames.filter(({ opcode }) => opcode !== 8);
  assert.is(Buffer.concat(sent.map(({ data }) => data)).toString(), MANY.slice(0, 9).join(''));
});

test('a chunk that fills the window to its last byte is lent and answered like any other', async () => {
  const { connection, kernel } = open();
  const room = engine.intake.window.length;
  const sizes = [70_000, 125, 70_000, 0, 100_000];
  const frames = sizes.map((size, index) => masked(2, BYTES.subarray(index, index + size)));
  const rest = room - frames.reduce((sum, frame) => sum + frame.length, 0);
  frames.push(masked(2, BYTES.subarray(0, rest - 8)));
  const read = async () => {
    for (let count = 0; count < frames.length; count++) {
      const fragment = await connection.receive(LENT);
      await hop(2);
      await connection.send(fragment);
    }
  };
  const reading = read();
  kernel.read(...frames);
  await turn();
  await reading;
  const received = kernel.frames.map(({ data }) => Buffer.from(data));
  assert.equal(
    received.map(({ length }) => length),
    [...sizes, rest - 8],
  );
  received.forEach((data, index) => {
    const start = index < sizes.length ? index : 0;
    assert.ok(data.equals(BYTES.subarray(start, start + data.length)), `${index}`);
  });
});

test('an only fragment too is answered from where it lies, and nothing is copied for who keeps what he reads', async () => {
  const { context, connection, kernel } = open();
  const one = connection.receive(LENT).then(fragment => connection.send(fragment));
  kernel.read(masked(2, BYTES));
  await one;
  await turn();
  assert.equal([kernel.offered.length, kernel.written], [1, []]);
  const first = connection.receive();
  kernel.read(masked(1, 'one'), masked(1, 'two'));
  await first;
  assert.is(context.context.stats.receiveBuffered, 0);
  await turn();
  assert.is(context.context.stats.receiveBuffered, 3);
});

test('two connections over one context are each lent what is theirs until they ask again', async () => {
  const { context, connection, kernel } = open();
  const other = new WebSocketConnection(context.context);
  const first = connection.receive(LENT);
  kernel.read(masked(1, 'one'), masked(1, 'two'));
  const one = await first;
  const two = await other.receive(LENT);
  await turn();
  overwrite();
  assert.equal(
    [one, two].map(({ data }) => Buffer.from(data).toString()),
    ['one', 'two'],
  );
});

test('sendNow refuses a lent fragment behind its time, and any while a send is under way', async () => {
  const { connection, kernel } = open({ sendBufferLimit: 10 });
  const code = (act: () => unknown): string => {
    try {
      return `${act()}`;
    } catch (error) {
      return `${(error as WebSocketError).code} ${(error as Error).message}`;
    }
  };
  const first = connection.receive(LENT);
  kernel.read(masked(2, BYTES));
  const fragment = await first;
  const next = connection.receive(LENT);
  assert.match(
    code(() => connection.sendNow(fragment)),
    /^ERR_STATE a lent fragment/,
  );
  await turn();
  kernel.appetite = () => 0;
  const sending = connection.send(BYTES);
  kernel.read(masked(1, 'next'));
  const lent = await next;
  assert.match(
    code(() => connection.sendNow(lent)),
    /^ERR_BUSY a send is under way/,
  );
  for (kernel.appetite = all => all; kernel.holds; await turns(2)) kernel.release();
  await sending;
  assert.is(connection.sendNow(lent), true);
  await turns();
  assert.equal(
    kernel.frames.map(({ data }) => data.length),
    [BYTES.length, 4],
  );
});

test('a buffer is filled by a read that began for who was lent to, and was cancelled', async () => {
  const { connection, kernel } = open();
  const cancel = new AbortController();
  const cancelled = failureOf(connection.receive({ signal: cancel.signal, ...LENT }));
  cancel.abort();
  await cancelled;
  const buffer = new Uint8Array(2);
  const first = connection.receive({ buffer, ...LENT });
  kernel.read(masked(1, 'one'));
  assert.is(Buffer.from((await first).data).toString(), 'on');
  assert.is(Buffer.from(buffer).toString(), 'on');
  assert.is(Buffer.from((await connection.receive(LENT)).data).toString(), 'e');
});

for (const mode of MODES) {
  const lasts = mode.directReads && mode.kind !== 'tls';
  test(`what comes over ${mode.name}, ${lasts ? 'waits for the turn’s end' : 'is copied at once'}`, async () => {
    const served = await serve(mode);
    const { context, client } = await served.connect();
    const connection = new WebSocketConnection(context.context);
    const first = connection.receive(LENT);
    client.write(Buffer.concat([masked(1, 'one'), masked(1, 'two')]));
    assert.is(Buffer.from((await first).data).toString(), 'one');
    assert.is(engine.intake.unfinished, lasts);
    assert.is(Buffer.from((await connection.receive(LENT)).data).toString(), 'two');
    await leaveNobody();
  });
}

for (const event of ['end', 'close']) {
  test(`${event} of a stream, while the walk of another waits, stands behind all that it brought`, async () => {
    const { connection, kernel } = open();
    const first = connection.receive(LENT);
    const [near] = linkPair();
    const other = new WebSocketConnection(openOn(near, 'server').context);
    kernel.read(masked(1, 'one'), masked(1, 'two'));
    await first;
    assert.ok(engine.intake.unfinished);
    near.emit('data', masked(1, 'three'));
    assert.ok(engine.intake.unfinished);
    near.emit(event);
    assert.is(Buffer.from((await other.receive()).data).toString(), 'three');
    near.destroy();
  });
}

test('who does not come back in the turn finds what is left copied, and what he holds as it was', async () => {
  const { context, connection, kernel } = open();
  const first = connection.receive(LENT);
  kernel.read(masked(1, 'one'), masked(1, 'two'), masked(2, BYTES));
  const one = await first;
  await turn();
  assert.is(context.context.stats.receiveBuffered, 3 + BYTES.length);
  overwrite();
  assert.is(Buffer.from(one.data).toString(), 'one');
  const two = await connection.receive(LENT);
  await turn();
  overwrite();
  await connection.send(two);
  const three = await connection.receive();
  overwrite();
  assert.ok(BYTES.equals(three.data));
  await turns();
  assert.equal(texts(kernel), ['two']);
});

test('what was looked at in the turn stays as it was', async () => {
  const { connection, kernel } = open();
  const kept: Uint8Array[] = [];
  const reading = (async () => {
    for (let count = 0; count < MANY.length; count++) {
      const fragment = await connection.receive(count % 2 ? LENT : undefined);
      kept.push(fragment.data);
    }
  })();
  kernel.read(...MANY.map(text => masked(1, text)));
  await reading;
  await turn();
  overwrite();
  assert.equal(
    kept.map(data => Buffer.from(data).toString()),
    MANY,
  );
});

test('messages that are iterated come out whole over the ends of turns', async () => {
  const { connection, kernel } = open();
  const heard: unknown[] = [];
  const iterated = (async () => {
    for await (const message of connection) {
      heard.push(message);
      if (heard.length % 5 === 0) await turn();
    }
  })();
  const all = [...MANY, 'gwałtu, rety! '.repeat(3000)];
  const stream = Buffer.concat([...all.map(text => masked(1, text)), masked(8, Uint8Array.of(3, 232))]);
  for (let at = 0; at < stream.length; at += 20_011) {
    kernel.read(stream.subarray(at, at + 20_011));
    await turns();
  }
  await iterated;
  assert.equal(heard, all);
});

test('answers to what stood before a fault go out before the CLOSE that tells of it', async () => {
  const { connection, kernel } = open();
  const echo = async (): Promise<never> => {
    for (;;) await connection.send(await connection.receive(LENT));
  };
  const echoed = failureOf(echo());
  kernel.read(masked(1, 'one'), masked(1, 'two'), Uint8Array.of(0x83, 0x80, 0, 0, 0, 0));
  assert.is((await echoed).code, 'ERR_PROTOCOL');
  await turns();
  assert.equal(texts(kernel), ['one', 'two', 'close']);
});

test('what is left when the connection ends in the same turn is read all the same', async () => {
  const { connection, kernel } = open();
  const first = connection.receive(LENT);
  kernel.read(masked(1, 'one'), masked(1, 'two'));
  await first;
  assert.ok(engine.intake.unfinished);
  engine.intake.finish();
  kernel.owner.ended();
  overwrite();
  assert.is(Buffer.from((await connection.receive()).data).toString(), 'two');
  assert.is((await failureOf(connection.receive())).code, 'ERR_LOST');
});

for (const end of ['abort', 'cleanup'] as const) {
  test(`a connection may come to its ${end} in the middle of a walk that waits for it`, async () => {
    const { context, connection, kernel } = open();
    const first = connection.receive(LENT);
    kernel.read(masked(1, 'one'), masked(1, 'two'));
    const one = await first;
    assert.ok(engine.intake.unfinished);
    if (end === 'abort') connection.abort();
    else context.cleanupStoredContext();
    await turns();
    overwrite();
    assert.is(Buffer.from(one.data).toString(), 'one');
    await failureOf(connection.receive());
    assert.not.ok(engine.intake.unfinished);
  });
}

test('an exception in a tick of the turn costs nobody a byte', async () => {
  const { connection, kernel } = open();
  const heard: string[] = [];
  const reading = (async () => {
    for (let count = 0; count < 3; count++) {
      const fragment = await connection.receive(LENT);
      if (!count) {
        process.nextTick(() => {
          throw new Error('of the application');
        });
        await turn();
      }
      heard.push(Buffer.from(fragment.data).toString());
    }
  })();
  // Node puts the ticks that are left off until timers and other sockets have had their turn.
  process.once('uncaughtException', overwrite);
  kernel.read(masked(1, 'one'), masked(1, 'two'), masked(1, 'three'));
  await reading;
  assert.equal(heard, ['one', 'two', 'three']);
});

/** How a random reader goes about one fragment. */
const WAYS = ['lent', 'lent', 'now', 'kept', 'buffer', 'look', 'late', 'turn', 'skip'] as const;

/** Echoes as the dice fall; returns what was answered when the peer has closed. */
async function echo(connection: WebSocketConnection, random: Random): Promise<Frame[]> {
  const answered: Frame[] = [];
  for (;;) {
    const way = random.pick(WAYS);
    let fragment: ReceivedFragment;
    if (way === 'kept') fragment = await connection.receive();
    else if (way === 'buffer')
      fragment = await connection.receive({ buffer: new Uint8Array(1 + random.below(3000)), ...LENT });
    else fragment = connection.receiveNow(LENT) ?? (await connection.receive(LENT));
    if (fragment.close) return answered;
    if (way === 'late') await hop(random.below(9));
    else if (way === 'turn') await turn();
    if (way === 'skip') continue;
    const data = way === 'look' ? fragment.data.slice() : null;
    const { final } = fragment;
    if (way !== 'now' || !connection.sendNow(fragment)) await connection.send(fragment);
    answered.push({ opcode: 2, final, data: data ?? fragment.data.slice() });
  }
}

test(`${PROGRAMS} random crowds of readers answer with what they were sent`, async () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const random = new Random(seed);
    const crowd = Array.from({ length: 1 + random.below(4) }, () => {
      const { connection, kernel } = open({ sendBufferLimit: random.pick([0, 5000, 1_000_000]) });
      kernel.appetite = random.once(2) ? all => all : most => Math.min(most, random.below(40_000));
      const sent = Array.from({ length: random.below(50) }, () => {
        const start = random.below(BYTES.length);
        return BYTES.subarray(start, start + random.below(random.pick([130, 1000, 70_000])));
      });
      const stream = Buffer.concat([...sent.map(data => masked(2, data)), masked(8, Uint8Array.of(3, 232))]);
      return { kernel, stream, at: 0, echoed: echo(connection, random) };
    });
    const most = random.pick([900, 40_000, 200_000]);
    for (let left = crowd; left.length; left = left.filter(({ at, stream }) => at < stream.length)) {
      const one = random.pick(left);
      const length = 1 + random.below(most);
      one.kernel.read(one.stream.subarray(one.at, one.at + length));
      one.at += length;
      await turn();
      one.kernel.release();
    }
    for (const { kernel, echoed } of crowd) {
      let answered: Frame[] | undefined;
      for (echoed.then(frames => (answered = frames)); !answered; kernel.release()) await turn();
      for (let idle = 0; idle < 4; kernel.release(), idle++) await turn();
      assert.equal(
        kernel.frames.filter(({ opcode }) => opcode !== 8).map(({ data }) => Buffer.from(data).toString('latin1')),
        answered.map(({ data }) => Buffer.from(data).toString('latin1')),
        `seed ${seed}`,
      );
    }
    await leaveNothing();
  }
});

test.run();
