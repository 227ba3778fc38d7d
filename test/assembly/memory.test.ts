/** The map of linear memory: its stretches do not overlap, and the modules' own data keeps to its place. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as abi from '../../assembly/abi.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { writeFrame } from '../support/wire.ts';

const test = suite('memory');

test('cells, table, room, window and records lie one above the other', () => {
  assert.ok(abi.NEXT + 4 <= abi.FRAGMENTS);
  assert.ok(abi.FRAGMENTS + abi.FRAGMENTS_MOST * abi.FRAGMENT_SIZE <= abi.WINDOW - abi.WINDOW_ROOM);
  assert.ok(abi.WINDOW + abi.WINDOW_SIZE <= abi.RECORDS);
});

test('the window stands 2,048 off the pages, modulo 4,096', () => {
  assert.is(abi.WINDOW % 4096, 2048);
});

test('a module begins with all memory zero but its own tables, which end below the fragments', () => {
  for (const build of BUILDS) {
    const { bytes } = new Engine(build);
    assert.is(bytes.subarray(0, abi.FRAGMENTS).some(Boolean), true);
    assert.is(bytes.findLastIndex(Boolean) < abi.FRAGMENTS, true, build);
    assert.is(bytes.subarray(abi.NEXT, abi.NEXT + 4).some(Boolean), false, 'the cell is not part of the tables');
  }
});

test('a record has room for the longest carry, and its neighbours are not touched', () => {
  const frame = writeFrame({ opcode: 9, data: new Uint8Array(125).fill(0x70), key: Uint8Array.of(1, 2, 3, 4) });
  for (const build of BUILDS) {
    const engine = new Engine(build);
    const around = (index: number) =>
      engine.bytes.subarray(abi.RECORDS + index * abi.RECORD_SIZE).subarray(0, abi.RECORD_SIZE);
    for (const index of [0, 2]) around(index).fill(0xa5);
    const take = engine.open({ role: 'server' }, 'window start', 1);
    assert.equal(take(frame.subarray(0, -1)).pieces, []);
    for (const index of [0, 2])
      assert.ok(
        around(index).every(byte => byte === 0xa5),
        `record ${index}`,
      );
    const [ping] = take(frame.subarray(-1)).pieces;
    assert.is(Buffer.compare(ping!.data, new Uint8Array(125).fill(0x70)), 0);
  }
});

test.run();
