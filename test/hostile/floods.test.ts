/**
 * Peers that send without end what costs them nothing: fragments of no or one byte, a message that never ends, control
 * frames whose answers they never read. Real sockets; after each flood the memory that was held at its height is what
 * the limits allow, whatever the length of the flood.
 */
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WINDOW_SIZE } from '../../assembly/abi.ts';
import type { WebSocketOptions } from '../../src/context/contract.ts';
import { E_IO_INCOMPLETE, FAILED } from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { MIB, Peak } from '../support/memory.ts';
import { leaveNothing, ROLES, type Role } from '../support/pair.ts';
import { FrameReader, type WireFrame } from '../support/raw.ts';
import { type Joined, pump, type Stand, stand } from '../support/socket.ts';
import { type Frame, writeFrame } from '../support/wire.ts';

const test = suite('hostile/floods');
const LIMIT = 4 * MIB;
/** What a test and its peer hold themselves: a block or two on their way, garbage of the runner. */
const SLACK = 2 * MIB;

let place: Stand;
test.after.each(async () => {
  await leaveNothing();
  await place.stop();
});

async function join(role: Role, options: WebSocketOptions = {}): Promise<Joined> {
  place = await stand(role, options);
  return place.join();
}

/** A frame as the peer of this role writes it. */
function frameTo(role: Role, frame: Frame): Uint8Array {
  return writeFrame(role === 'server' ? { key: Uint8Array.of(9, 8, 7, 6), ...frame } : frame);
}

/** About 64 KiB of one frame again and again. */
function blockOf(frame: Uint8Array): { block: Buffer; count: number } {
  const count = Math.ceil(65_536 / frame.length);
  return { block: Buffer.concat(Array.from({ length: count }, () => frame)), count };
}

/** Reads whatever comes, lent in place; resolves when so many fragments have come, or the connection is over. */
function readAll({ context }: Joined, fragments: number, peak: Peak): Promise<number> {
  const every = Math.ceil(fragments / 8);
  const result = new FragmentResult();
  let count = 0;
  return new Promise(resolve => {
    const took = () => {
      if (++count % every === 0) peak.look();
      if (count === fragments) resolve(count);
    };
    const told = (hr: number) => {
      if (FAILED(hr)) return resolve(count);
      took();
      read();
    };
    const read = () => {
      for (;;) {
        const hr = context.readFragment(null, true, told, undefined, result);
        if (FAILED(hr)) return resolve(count);
        if (result.completionExpected) return;
        took();
      }
    };
    read();
  });
}

/** Reads so many bytes of payload, lent in place; resolves with whether a piece was final. */
function readBytes({ context }: Joined, length: number): Promise<boolean> {
  return new Promise(resolve => {
    let bytes = 0;
    let ended = false;
    const told = (hr: number, _context: unknown, cbIO: number, _utf8: boolean, final: boolean) => {
      bytes += cbIO;
      ended ||= final || FAILED(hr);
      if (bytes < length && !FAILED(hr)) context.readFragment(null, true, told);
      else resolve(ended);
    };
    context.readFragment(null, true, told);
  });
}

/** Unpauses the peer and reads frames until one is like this. */
function readUntil({ far }: Joined, like: (frame: WireFrame) => boolean): Promise<WireFrame[]> {
  const reader = new FrameReader();
  const frames: WireFrame[] = [];
  return new Promise(resolve => {
    far.on('data', chunk => {
      for (const frame of reader.read(chunk)) {
        frames.push(frame);
        if (like(frame)) resolve(frames);
      }
    });
    far.resume();
  });
}

for (const role of ROLES) {
  for (const data of [Buffer.alloc(0), Buffer.of(7)]) {
    const name = data.length ? 'of one byte' : 'without a byte';

    test(`${role}: two million fragments ${name} reach a reader in flat memory`, async () => {
      const joined = await join(role);
      const { block, count } = blockOf(frameTo(role, { opcode: 0, final: false, data }));
      const blocks = Math.ceil(2_000_000 / count);
      const peak = new Peak();
      joined.far.write(frameTo(role, { opcode: 2, final: false }));
      const reading = readAll(joined, 1 + blocks * count, peak);
      await pump(joined.far, block, blocks);
      assert.is(await reading, 1 + blocks * count);
      assert.ok(peak.most < SLACK, `${peak} held`);
    });

    test(`${role}: fragments ${name} that nobody reads stop at receiveBufferLimit`, async () => {
      const joined = await join(role, { receiveBufferLimit: LIMIT });
      const { block } = blockOf(frameTo(role, { opcode: 0, final: false, data }));
      const peak = new Peak();
      joined.far.write(frameTo(role, { opcode: 2, final: false }));
      const flood = pump(joined.far, block, 1000);
      await once(joined.near, 'pause');
      peak.look();
      const { fragmentsReceived } = joined.context.context.stats;
      // One window may come on top of what was counted before it.
      assert.ok(fragmentsReceived >= LIMIT / 33 && fragmentsReceived < LIMIT / 32 + WINDOW_SIZE / 2);
      // A fragment of two bytes has a row of twelve.
      assert.ok(peak.most < LIMIT + 7 * WINDOW_SIZE + SLACK, `${peak} held`);
      joined.far.destroy();
      await flood;
    });
  }

  test(`${role}: a message that never ends reaches a reader in flat memory`, async () => {
    const joined = await join(role);
    const peak = new Peak();
    const block = Buffer.alloc(262_144, 'x');
    const endless = frameTo(role, { opcode: 2, final: false });
    // 2^53 - 1 bytes are to follow.
    const length = Buffer.from('001fffffffffffff', 'hex');
    const header = [Buffer.of(0x02, 127 | (endless[1]! & 128)), length, endless.subarray(2)];
    joined.far.write(Buffer.concat(header));
    const reading = readBytes(joined, 512 * block.length);
    for (let part = 0; part < 8; part++) {
      await pump(joined.far, block, 64);
      peak.look();
    }
    assert.not.ok(await reading, 'no piece is final');
    assert.ok(peak.most < SLACK, `${peak} held`);
  });

  test(`${role}: a message that never ends and nobody reads stops at receiveBufferLimit`, async () => {
    const joined = await join(role, { receiveBufferLimit: LIMIT });
    const peak = new Peak();
    joined.far.write(frameTo(role, { opcode: 2, final: false }));
    const flood = pump(joined.far, frameTo(role, { opcode: 0, final: false, data: Buffer.alloc(30_000) }), 2000);
    await once(joined.near, 'pause');
    peak.look();
    assert.ok(joined.context.context.stats.receiveBuffered < LIMIT + WINDOW_SIZE);
    assert.ok(peak.most < LIMIT + SLACK, `${peak} held`);
    joined.far.destroy();
    await flood;
  });

  test(`${role}: PINGs whose PONGs are never read cost sendBufferLimit, and the newest is answered at last`, async () => {
    const joined = await join(role);
    const { block, count } = blockOf(frameTo(role, { opcode: 9, data: Buffer.alloc(125, 'p') }));
    const peak = new Peak();
    const reading = joined.context.read();
    await pump(joined.far, block, Math.ceil(300_000 / count));
    peak.look();
    joined.far.write(
      Buffer.concat([frameTo(role, { opcode: 9, data: Buffer.from('newest') }), frameTo(role, { opcode: 2 })]),
    );
    assert.is((await reading).cbIO, 0);
    peak.look();
    assert.ok(joined.context.context.stats.sendBuffered <= 65_536 + 131, 'sendBufferLimit and one frame');
    assert.ok(peak.most < SLACK, `${peak} held`);
    const pongs = await readUntil(joined, ({ data }) => data.toString() === 'newest');
    assert.ok(pongs.length < 300_000, 'not all were answered');
    assert.ok(pongs.every(({ opcode, data }) => opcode === 10 && [125, 6].includes(data.length)));
  });

  test(`${role}: a million PONGs that answer nothing are swallowed, and do not pass for one that does`, async () => {
    const joined = await join(role);
    const { block, count } = blockOf(frameTo(role, { opcode: 10, data: Buffer.from('unasked') }));
    const peak = new Peak();
    const answer = joined.context.context.ping(Buffer.from('asked'));
    const reading = joined.context.read();
    await pump(joined.far, block, Math.ceil(1_000_000 / count));
    peak.look();
    joined.far.write(frameTo(role, { opcode: 1 }));
    await reading;
    assert.is(await Promise.race([answer, 'unanswered']), 'unanswered');
    joined.far.write(frameTo(role, { opcode: 10, data: Buffer.from('asked') }));
    assert.type(await answer, 'number');
    assert.ok(peak.most < SLACK, `${peak} held`);
  });

  test(`${role}: CLOSE upon CLOSE upon CLOSE: the first counts, the others do not buy time`, async () => {
    const joined = await join(role, { closeTimeout: 300 });
    const { block } = blockOf(frameTo(role, { opcode: 8, data: Buffer.of(3, 0xe8) }));
    const peak = new Peak();
    const reading = joined.context.read();
    const flood = pump(joined.far, block, Number.POSITIVE_INFINITY);
    assert.ok((await reading).close);
    assert.is(joined.context.status, '1000');
    joined.context.closeNow(1000);
    await flood;
    peak.look();
    assert.ok(peak.most < SLACK, `${peak} held`);
  });

  test(`${role}: a writer to a peer that never reads waits at sendBufferLimit`, async () => {
    const joined = await join(role);
    const peak = new Peak();
    const bytes = Buffer.alloc(16_000, 'w');
    let written = 0;
    for (; ; written++) {
      const { hr } = joined.context.writeNow(bytes);
      if (hr === E_IO_INCOMPLETE) break;
      await new Promise(resolve => setImmediate(resolve));
    }
    peak.look();
    assert.ok(written > 4, 'the kernel took some');
    assert.ok(joined.context.context.stats.sendBuffered < 65_536 + 16_014);
    assert.ok(peak.most < SLACK, `${peak} held`);
  });
}

test.run();
