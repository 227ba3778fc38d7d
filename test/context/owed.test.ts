/** What is owed to the peer: one frame of a kind, in the order of the last of each. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Owed } from '../../src/context/owed.ts';
import { EMPTY } from '../../src/context/result.ts';

const test = suite('context/owed');
const PING = 9;
const PONG = 10;

function owing(...frames: readonly (readonly [opcode: number, payload: string])[]): Owed {
  const owed = new Owed();
  for (const [opcode, payload] of frames) owed.add(opcode, Buffer.from(payload));
  return owed;
}

function told(owed: Owed): unknown[] {
  const frames: unknown[] = [];
  owed.pay({ control: (opcode, payload) => frames.push([opcode, Buffer.from(payload).toString()]) });
  return frames;
}

test('a later frame takes the place of one of its kind, and stands behind the others', () => {
  const owed = owing([PONG, 'one'], [PING, 'two'], [PONG, 'three']);
  assert.equal(told(owed), [
    [PING, 'two'],
    [PONG, 'three'],
  ]);
});

test("the engine's own PING takes the place of none, and a caller's that of the engine's", () => {
  const owed = owing([PING, 'asked'], [PONG, 'answer']);
  owed.add(PING, EMPTY);
  assert.equal(told(owed), [
    [PING, 'asked'],
    [PONG, 'answer'],
  ]);
  const own = new Owed();
  own.add(PING, EMPTY);
  own.add(PING, Buffer.from('asked'));
  assert.equal(told(own), [[PING, 'asked']]);
});

test('whether a PING is among them', () => {
  assert.not(owing([PONG, 'one']).ping);
  assert.ok(owing([PONG, 'one'], [PING, 'two']).ping);
});

test('a payload is kept as it was, whatever becomes of the bytes it was in', () => {
  const bytes = new TextEncoder().encode('before');
  const owed = new Owed();
  owed.add(PONG, bytes);
  bytes.fill(0);
  assert.equal(told(owed), [[PONG, 'before']]);
});

test.run();
