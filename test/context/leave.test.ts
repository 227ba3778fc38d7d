/**
 * What leaves the window from where it lies: the result of a lent read, written with a result, in the callback in which it
 * was read. One case after the other, on a kernel whose appetite the test knows; enclose.test.ts has the random ones.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_INVALID_PROTOCOL_OPERATION, E_IO_INCOMPLETE, S_OK } from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { type Held, type Kernel, masked, openOnKernel } from '../support/kernel.ts';
import { leaveNothing, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('context/leave');
test.after.each(leaveNothing);

const NOTHING = () => assert.unreachable('no completion was expected');
const LIMIT = 65_536;

/** Has `act` called with each piece that comes, as the result of a lent read. */
function onPieces(context: Watched, act: (piece: FragmentResult) => void): void {
  const read = (): void => {
    for (;;) {
      const piece = new FragmentResult();
      const told = (hr: number, _context: unknown, _cbIO: number, _utf8: boolean, _final: boolean, close: boolean) => {
        if (hr !== S_OK || close) return;
        act(piece);
        read();
      };
      if (context.readFragment(null, true, told, 0, piece) !== S_OK) return;
      if (piece.completionExpected || piece.connectionClose) return;
      act(piece);
    }
  };
  read();
}

function write(context: Watched, piece: FragmentResult | Uint8Array): number {
  return context.writeFragment(piece, true, false, true, NOTHING, 0, new FragmentResult());
}

const echo = ({ context }: Held) => onPieces(context, piece => assert.is(write(context, piece), S_OK));

function tell({ frames }: Kernel): string[] {
  return frames.map(({ opcode, data }) => {
    if (opcode === 8) return `close ${Buffer.from(data).readUInt16BE()}`;
    return opcode === 10 ? `pong ${Buffer.from(data)}` : data.length > 20 ? `${data.length}` : `${Buffer.from(data)}`;
  });
}

test('the answers to many frames of one chunk are one stretch, which the kernel is offered once', async () => {
  const held = openOnKernel({ sendBufferLimit: 1_000_000 });
  echo(held);
  const { kernel } = held;
  const lengths = [0, 1, 125, 126, 4000, 65_535, 2, 65_536, 127, 3];
  for (const [times, part] of [
    [1, 1],
    [2, 0.5],
  ] as const) {
    kernel.appetite = length => Math.floor(length * part);
    kernel.receive(...lengths.map(length => masked(2, pattern(length))));
    assert.is(kernel.offered.length, times);
    await turns(2);
    kernel.release();
  }
  assert.equal(
    kernel.frames.map(({ data }) => data.length),
    [...lengths, ...lengths],
  );
  assert.ok(kernel.frames.every(({ data }) => pattern(data.length).equals(data)));
});

test('stats count what leaves from where it lies like everything else', async () => {
  const held = openOnKernel();
  echo(held);
  held.kernel.receive(masked(2, pattern(5000)), masked(2, pattern(6000)));
  await turns(2);
  const { bytesSent, fragmentsSent, sendBuffered } = held.context.context.stats;
  assert.equal([held.kernel.offered.length, bytesSent, fragmentsSent, sendBuffered], [1, 11_000, 2, 0]);
});

test('a piece that is passed over ends the stretch, and the next one begins another', async () => {
  const { context, kernel } = openOnKernel();
  let count = 0;
  onPieces(context, piece => {
    if (++count % 2) write(context, piece);
  });
  kernel.receive(...[5000, 6000, 7000].map(length => masked(2, pattern(length))));
  assert.equal([kernel.offered, kernel.written], [[5004, 7004], []]);
});

test('a piece that is written when its walk is over, but not its time, is copied: others may come before it goes', async () => {
  const { context, kernel } = openOnKernel();
  const other = openOnKernel();
  onPieces(context, piece => queueMicrotask(() => assert.is(write(context, piece), S_OK)));
  kernel.receive(masked(2, 'one'), masked(2, 'two'));
  await Promise.resolve();
  other.kernel.receive(masked(2, Buffer.alloc(1000, 0xee)));
  await turns(2);
  assert.equal(tell(kernel), ['one', 'two']);
});

test('less than the transport takes is not offered, but goes with what else the turn wrote', async () => {
  const held = openOnKernel({}, 200);
  echo(held);
  for (const [length, offered] of [
    [90, 0],
    [91, 0],
    [98, 1],
  ] as const) {
    held.kernel.offered.length = held.kernel.written.length = 0;
    held.kernel.receive(masked(2, pattern(98)), masked(2, pattern(length)));
    assert.is(held.kernel.offered.length, offered, `${length}`);
    await turns(2);
    assert.is(held.kernel.written.length, 1 - offered, `${length}`);
  }
});

for (const least of [0, 4096, Number.POSITIVE_INFINITY]) {
  test(`takes ${least} or more: a PING between two frames is answered between their answers`, async () => {
    const held = openOnKernel({}, least);
    echo(held);
    const large = pattern(5000);
    held.kernel.receive(masked(2, 'one'), masked(9, 'a'), masked(2, large), masked(9, 'b'), masked(2, 'two'));
    await turns(2);
    assert.equal(tell(held.kernel), ['one', 'pong a', '5000', 'pong b', 'two']);
    assert.ok(large.equals(held.kernel.frames[2]!.data));
  });

  test(`takes ${least} or more: CLOSE stands where it was sent, and ends the writing`, async () => {
    const { context, kernel } = openOnKernel({}, least);
    const told: number[] = [];
    onPieces(context, piece => {
      told.push(write(context, piece));
      if (told.length === 2) context.closeNow(1000);
    });
    kernel.receive(...['one', 'two', 'three'].map(text => masked(2, text)));
    await turns(2);
    assert.equal(told, [S_OK, S_OK, E_INVALID_PROTOCOL_OPERATION]);
    assert.equal(tell(kernel), ['one', 'two', 'close 1000']);
  });

  test(`takes ${least} or more: what came in front of a fault is answered in front of the CLOSE`, async () => {
    const held = openOnKernel({}, least);
    echo(held);
    held.kernel.receive(masked(2, 'one'), masked(2, pattern(5000)), Uint8Array.of(0x83, 0x80, 0, 0, 0, 0));
    await turns(2);
    assert.equal(tell(held.kernel), ['one', '5000', 'close 1002']);
  });

  test(`takes ${least} or more: closeTcpConnection ends behind what was written, cleanupStoredContext in front of it`, async () => {
    for (const [way, expected] of [
      ['closeTcpConnection', ['one', '5000']],
      ['cleanupStoredContext', []],
    ] as const) {
      const { context, kernel } = openOnKernel({}, least);
      let written = 0;
      onPieces(context, piece => {
        write(context, piece);
        if (++written === 2) context[way]();
      });
      kernel.receive(masked(2, 'one'), masked(2, pattern(5000)), masked(2, 'never'));
      await turns(2);
      assert.ok(kernel.ended);
      assert.equal(tell(kernel), expected, way);
    }
  });

  test(`takes ${least} or more: pieces that are written in another order go out in that order`, async () => {
    const { context, kernel } = openOnKernel({}, least);
    const pieces: FragmentResult[] = [];
    onPieces(context, piece => {
      if (pieces.push(piece) < 4) return;
      for (const which of [3, 0, 1, 1, 2, 0]) assert.is(write(context, pieces[which]!), S_OK);
      write(context, Buffer.from('own'));
      write(context, pieces[2]!);
    });
    kernel.receive(...['zero', 'one', 'two', 'three'].map(text => masked(2, text)));
    await turns(2);
    assert.equal(tell(kernel), ['three', 'zero', 'one', 'one', 'two', 'zero', 'own', 'two']);
  });

  test(`takes ${least} or more: a piece goes to several connections, and of each as often as it is written`, async () => {
    const one = openOnKernel({}, least);
    const two = openOnKernel({}, least);
    onPieces(one.context, piece => {
      for (const { context } of [two, one, two]) write(context, piece);
    });
    one.kernel.receive(masked(2, 'a'), masked(2, pattern(5000)), masked(2, 'b'));
    await turns(2);
    assert.equal(tell(one.kernel), ['a', '5000', 'b']);
    assert.equal(tell(two.kernel), ['a', 'a', '5000', '5000', 'b', 'b']);
    assert.ok(two.kernel.frames.every(({ data }) => data.length < 2 || pattern(5000).equals(data)));
  });

  test(`takes ${least} or more: frames that lie in the window outlive the connection that brought them`, async () => {
    const from = openOnKernel({}, least);
    const to = openOnKernel({}, least);
    onPieces(from.context, piece => {
      write(to.context, piece);
      from.context.cleanupStoredContext();
    });
    from.kernel.receive(masked(2, pattern(5000)), masked(2, 'never'));
    openOnKernel().kernel.receive(masked(2, Buffer.alloc(20_000, 0xee)));
    await turns(2);
    assert.equal(tell(to.kernel), ['5000']);
    assert.ok(pattern(5000).equals(to.kernel.frames[0]!.data));
  });

  test(`takes ${least} or more: a part of a piece, by a result that was cut, leaves the whole as it was`, async () => {
    const { context, kernel } = openOnKernel({}, least);
    onPieces(context, piece => {
      piece.at += 10;
      piece.cbIO -= 10;
      assert.is(write(context, piece), S_OK);
      piece.at -= 10;
      piece.cbIO += 10;
      assert.is(write(context, piece), S_OK);
    });
    kernel.receive(masked(2, Buffer.from('0123456789abcdef')));
    await turns(2);
    assert.equal(tell(kernel), ['abcdef', '0123456789abcdef']);
  });

  test(`takes ${least} or more: one piece written without end waits for room like any other payload`, async () => {
    const { context, kernel } = openOnKernel({ sendBufferLimit: LIMIT }, least, () => 0);
    const LENGTH = 5000;
    let accepted = 0;
    onPieces(context, piece => {
      for (; accepted < 100; accepted++) {
        const hr = context.writeFragment(piece, true, false, true, null, 0, new FragmentResult());
        if (hr === E_IO_INCOMPLETE) break;
        assert.is(hr, S_OK);
        const { sendBuffered } = context.context.stats;
        assert.is(sendBuffered, (accepted + 1) * (LENGTH + 4), 'what lies in the window is unsent too');
      }
    });
    kernel.receive(masked(2, pattern(LENGTH)));
    assert.is(accepted, Math.ceil(LIMIT / (LENGTH + 4)) + 1, 'the last lies in the window and holds no memory yet');
    for (kernel.appetite = all => all; kernel.holds; await turns(2)) kernel.release();
    assert.is(kernel.frames.length, accepted);
  });

  test(`takes ${least} or more: what lies in the window holds no memory: of a kernel that takes nothing, one chunk is answered, the next is not`, async () => {
    const { context, kernel } = openOnKernel({ sendBufferLimit: LIMIT }, least, () => 0);
    const told: number[] = [];
    onPieces(context, piece => {
      told.push(context.writeFragment(piece, true, false, true, null, 0, new FragmentResult()));
    });
    const chunk = Array.from({ length: 40 }, () => masked(2, pattern(5000)));
    kernel.receive(...chunk);
    assert.equal(told.splice(0), Array(40).fill(S_OK));
    assert.is(context.context.stats.sendBuffered, 40 * 5004);
    kernel.receive(...chunk);
    assert.equal(told.splice(0), Array(40).fill(E_IO_INCOMPLETE));
    for (kernel.appetite = all => all; kernel.holds; await turns(2)) kernel.release();
    assert.is(kernel.frames.length, 40);
    kernel.receive(...chunk);
    assert.equal(told, Array(40).fill(S_OK));
  });
}

test('a large payload that the transport takes at once finishes inline, by result or by completion', async () => {
  const { context, kernel } = openOnKernel();
  const result = new FragmentResult();
  assert.is(context.writeFragment(pattern(600_000), true, false, true, NOTHING, 0, result), S_OK);
  const { completionExpected, cbIO, utf8Encoded, finalFragment, connectionClose } = result;
  assert.equal(
    [completionExpected, cbIO, utf8Encoded, finalFragment, connectionClose],
    [false, 600_000, false, true, false],
  );
  assert.is((await context.write(pattern(600_000))).cbIO, 600_000);
  assert.ok(kernel.frames.every(({ data }) => pattern(600_000).equals(data)));
});

test('a chunk of more than the limit is answered inline to its end, if the kernel takes everything', async () => {
  const held = openOnKernel({ sendBufferLimit: LIMIT });
  echo(held);
  held.kernel.receive(...Array.from({ length: 40 }, () => masked(2, pattern(5000))));
  assert.is(held.kernel.frames.length, 40);
  assert.equal([held.kernel.offered, held.kernel.written], [[40 * 5004], []], 'all of it from the window, at once');
});

test.run();
