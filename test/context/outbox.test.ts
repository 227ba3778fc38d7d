/** What an outbox counts: bytes of data frames that have gone out, to which control frames add nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Outbox } from '../../src/context/outbox.ts';
import { EMPTY } from '../../src/context/result.ts';
import { Kernel } from '../support/kernel.ts';
import { engine, leaveNothing, ROLES } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';

const test = suite('context/outbox');
test.after.each(leaveNothing);

const PING = 9;
const BINARY = 0x82;
const NOBODY = { received: () => false, goOn: () => true, written() {}, ended() {}, closed() {} };

for (const role of ROLES) {
  const mask = role === 'client' ? 4 : 0;

  test(`${role}: control frames move nothing, with and without payload, alone and between data`, () => {
    const kernel = new Kernel(NOBODY, 4096, length => length, false);
    const outbox = new Outbox(engine, kernel, role);
    for (const payload of [EMPTY, pattern(1), pattern(125)]) {
      outbox.control(PING, payload);
      outbox.send();
      assert.is(outbox.moved, 0);
    }
    outbox.frame(BINARY, pattern(20), 0, 20);
    outbox.control(PING, pattern(5));
    outbox.frame(BINARY, pattern(200), 0, 200);
    assert.is(outbox.unsent, 22 + 7 + 204 + 3 * mask);
    outbox.send();
    assert.equal([outbox.moved, outbox.unsent], [22 + 204 + 2 * mask, 0]);
    assert.equal(
      kernel.frames.map(({ opcode, data }) => [opcode, data.length]),
      [
        [9, 0],
        [9, 1],
        [9, 125],
        [2, 20],
        [9, 5],
        [2, 200],
      ],
    );
  });
}

test.run();
