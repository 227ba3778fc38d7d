/** Peers of the benches: what lies in a folder above, as what this package is tested with, is none of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolvePeer, runsNatively } from '../../bench/installed.ts';

const test = suite('bench peers');

test('a package that is installed only further up is not taken, and the way to have it is said', () => {
  for (const name of ['uvu', 'uvu/assert', '@types/node/package.json'])
    assert.throws(() => resolvePeer(name), /^(uvu|@types\/node) is not installed: npm install --prefix bench$/);
});

test('what was not loaded does not run natively', () => {
  assert.is(runsNatively('uvu'), false);
  assert.is(runsNatively('bufferutil'), false);
});

test.run();
