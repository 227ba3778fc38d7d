/** Lengths at the edges of what 32, 53 and 63 bits hold: judged by the header alone, and nothing is sized by a claim. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FLAG_FINAL, FRAGMENTS, NEXT, RECORDS, WINDOW, WINDOW_SIZE } from '../../assembly/abi.ts';
import { E_INVALID_PROTOCOL_FORMAT } from '../../src/context/hresult.ts';
import { held, MIB } from '../support/memory.ts';
import { Engine } from '../support/module.ts';
import { leaveNothing, open, ROLES, type Role, turns } from '../support/pair.ts';

const test = suite('hostile/lengths');
test.after.each(leaveNothing);

/** A binary frame's header with a length of 64 bits. */
function header(role: Role, length: bigint): Buffer {
  const bytes = Buffer.alloc(role === 'server' ? 14 : 10);
  bytes[0] = 0x82;
  bytes[1] = role === 'server' ? 0xff : 0x7f;
  bytes.writeBigUInt64BE(length, 2);
  return bytes;
}

const JUDGED: readonly (readonly [name: string, length: bigint, accepted: boolean])[] = [
  ['0', 0n, false],
  ['2^16 - 1, which 16 bits hold', 2n ** 16n - 1n, false],
  ['2^16', 2n ** 16n, true],
  ['2^31 - 1', 2n ** 31n - 1n, true],
  ['2^31', 2n ** 31n, true],
  ['2^32 - 1', 2n ** 32n - 1n, true],
  ['2^32', 2n ** 32n, true],
  ['2^32 + 1', 2n ** 32n + 1n, true],
  ['2^53 - 1', 2n ** 53n - 1n, true],
  ['2^53', 2n ** 53n, false],
  ['2^63 - 1', 2n ** 63n - 1n, false],
  ['2^63, whose highest bit must be 0', 2n ** 63n, false],
  ['2^64 - 1', 2n ** 64n - 1n, false],
];

for (const role of ROLES) {
  for (const [name, length, accepted] of JUDGED) {
    test(`${role}: a frame of ${name} bytes is ${accepted ? 'begun' : 'a fault'}`, async () => {
      const { context, peer } = open(role);
      peer.stream.write(Buffer.concat([header(role, length), Buffer.from('begun')]));
      await turns();
      const told = context.readNow();
      if (accepted) assert.equal([told.text, told.final], ['begun', false]);
      else {
        assert.is(told.hr, E_INVALID_PROTOCOL_FORMAT);
        assert.is(context.context.fault!.name, 'FAULT_LENGTH');
        assert.match(await peer.next(), /^close 1002/);
      }
    });
  }

  test(`${role}: a limit refuses a claim of 2^53 - 1 bytes before one of them has come`, async () => {
    const { context, peer } = open(role, { maxMessageSize: 2 ** 53 - 2 });
    peer.stream.write(header(role, 2n ** 53n - 1n));
    assert.match(await peer.next(), /^close 1009/);
    assert.is(context.context.fault!.name, 'FAULT_TOO_BIG');
  });

  test(`${role}: claims over several fragments are summed without wrapping`, async () => {
    const { context, peer } = open(role, { maxMessageSize: 2 ** 32 });
    const first = header(role, 2n ** 16n);
    first[0] = 0x02;
    const second = header(role, 2n ** 32n - 1n);
    second[0] = 0x80;
    const reading = context.read(new Uint8Array(1));
    peer.stream.write(Buffer.concat([first, Buffer.alloc(2 ** 16), second]));
    await reading;
    assert.match(await peer.next(), /^close 1009/);
  });

  test(`${role}: a thousand connections that claim 2^53 - 1 bytes, or lack a byte of a header, cost no more for it`, async () => {
    const before = held();
    const lacking = header(role, 1n << 20n).subarray(0, -1);
    for (let count = 0; count < 500; count++) {
      open(role).peer.stream.write(header(role, 2n ** 53n - 1n));
      open(role).peer.stream.write(lacking);
    }
    await turns();
    // Two streams, a peer and a context each, all of them objects of the test but the last.
    assert.ok(held() - before < 20 * MIB, `${held() - before} bytes`);
  });

  test(`${role}: a frame of 2^32 + 3 bytes ends where its header says, and the next begins there`, () => {
    const engine = new Engine('baseline');
    const { exports } = engine;
    const words = new Uint32Array(exports.memory.buffer);
    const total = 2 ** 32 + 3;
    const lead = header(role, BigInt(total));
    let decoded = 0;
    let final = false;
    const decode = (length: number) => {
      const count = exports.decode(RECORDS, WINDOW, WINDOW + length);
      for (let row = FRAGMENTS >> 2; row < (FRAGMENTS >> 2) + 3 * count; row += 3) {
        assert.not.ok(final, 'nothing but the frame');
        decoded += words[row + 1]!;
        final = (words[row + 2]! & FLAG_FINAL) !== 0;
        if (final) assert.is(decoded, total);
      }
      return words[NEXT >> 2]! - WINDOW;
    };
    exports.openDecoder(RECORDS, role === 'server' ? 1 : 0, true, 0);
    engine.bytes.set(lead, WINDOW);
    decode(WINDOW_SIZE);
    for (let left = total - decoded; left; left = total - decoded) decode(Math.min(left, WINDOW_SIZE));
    assert.ok(final);
    final = false;
    decoded = total;
    engine.bytes.set(Buffer.from(role === 'server' ? '8280010203040000' : '82000000', 'hex'), WINDOW);
    assert.is(decode(role === 'server' ? 6 : 2), role === 'server' ? 6 : 2);
    assert.is(decoded, total);
    assert.ok(final, 'an empty frame follows');
  });
}

test.run();
