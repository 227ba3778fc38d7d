/**
 * A conversation cut at every byte: by a reset, by the end of one side's process, by an orderly end of TCP. Each time
 * both contexts end, every call that was started is told, and record and pages are back.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { join } from '../model/program.ts';
import type { Echo, Side } from '../model/side.ts';
import { leaveNothing, turn } from '../support/pair.ts';

const test = suite('faults/cut');

/** Bytes that move at a time: one by one, but in long strides through the payload of the large frame. */
function stride(step: number): number {
  return step < 260 ? 1 : 997;
}

/** Goes on reading and echoing until nothing more comes. */
function echo(side: Side, what: Echo): void {
  const again = (): void => {
    while (side.reads && side.read(0, 'either', again, what));
  };
  again();
}

const CUTS: Readonly<Record<string, (sides: readonly [Side, Side]) => void>> = {
  'a reset': ([one]) => one.reset(),
  'the end of the server': ([server]) => server.cleanup(),
  'the end of the client': ([, client]) => client.cleanup(),
  'FIN of the server': ([server]) => server.closeTcp(),
  'FIN of the client': ([, client]) => client.closeTcp(),
};

/** Holds the conversation for so many steps, then cuts it. Answers whether it was over before. */
async function converse(steps: number, cut: (sides: readonly [Side, Side]) => void): Promise<boolean> {
  const options = {
    room: 100,
    stretch: 9000,
    patient: false,
    takeLeast: 0,
    lasting: false,
    receiveBufferLimit: 50,
    sendBufferLimit: 100,
  };
  const sides = join(options);
  const [server, client] = sides;
  echo(server, 'result');
  echo(client, 'none');
  client.write(5, true, true, 'completion', () =>
    client.write(40, false, false, 'completion', () =>
      client.write(20_000, false, true, 'completion', () => client.close(1000, 'done', 'completion', () => {})),
    ),
  );
  client.ping();
  let quiet = 0;
  for (let step = 0; step < steps && quiet < 4; step++) {
    const before = server.context.completed + client.context.completed;
    for (const { wire } of sides) {
      wire.drain(stride(step));
      wire.deliver(stride(step));
    }
    if (step % 4 === 0) await turn();
    quiet =
      sides.every(({ wire }) => wire.quiet) && before === server.context.completed + client.context.completed
        ? quiet + 1
        : 0;
  }
  cut(sides);
  for (let round = 0; round < 3; round++) {
    for (const { wire } of sides) {
      wire.drain(100_000);
      wire.deliver(100_000);
      wire.close();
    }
    await turn();
  }
  for (const side of sides) {
    side.wire.destroy();
    side.wire.close();
  }
  await turn();
  for (const { context } of sides) context.cleanupStoredContext();
  await leaveNothing();
  return quiet === 4;
}

for (const [name, cut] of Object.entries(CUTS)) {
  test(`cut by ${name} after every byte`, async () => {
    let steps = 0;
    while (!(await converse(steps, cut))) steps++;
    assert.ok(steps > 280, `${steps} places`);
  });
}

test.run();
