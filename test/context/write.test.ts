/** writeFragment: one frame a call, copied or sent from where it lies; what it answers inline and when it waits. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  E_CONNECTION_INVALID,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_INVALIDARG,
  E_IO_INCOMPLETE,
  E_NETNAME_DELETED,
  E_OPERATION_ABORTED,
  S_OK,
} from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { held } from '../support/memory.ts';
import { engine, leaveNothing, open, ROLES, type Role, turns } from '../support/pair.ts';
import { type Peer, pattern } from '../support/peer.ts';
import { shrunk, transferred } from '../support/transferred.ts';

const test = suite('context/write');
test.after.each(leaveNothing);

const NOTHING = () => assert.unreachable('a call that finished inline has no completion');
const LENGTHS = [
  0, 1, 2, 3, 125, 126, 127, 300, 16_383, 16_384, 16_385, 65_520, 65_535, 65_536, 65_537, 200_000, 600_000,
];

/** Fills the window with what another connection receives. */
async function overwriteWindow(role: Role): Promise<void> {
  const other = open(role);
  other.peer.binary(Buffer.alloc(262_000, 0xee));
  await other.context.read();
}

/** Returns the payload of the next message, of as many frames as it has. */
async function messageOf(peer: Peer): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let final = false; !final; ) {
    const received = (await peer.receive())!;
    parts.push(received.data);
    final = received.final;
  }
  return Buffer.concat(parts);
}

for (const role of ROLES) {
  // ── what goes out ──

  test(`${role}: each call is one frame: the type first, continuations behind it, FIN as told`, async () => {
    const { context, peer } = open(role);
    context.writeNow('one', { final: false });
    context.writeNow('', { text: true, final: false });
    context.writeNow('three');
    context.writeNow(Buffer.from('four'), { final: false });
    context.writeNow(Buffer.alloc(0));
    context.writeNow('');
    const frames = [];
    for (let index = 0; index < 6; index++) frames.push(await peer.next());
    assert.equal(frames, ['text "one"+', 'more+', 'more "three"', 'binary "four"+', 'more', 'text']);
  });

  test(`${role}: frames are ${role === 'client' ? 'masked, each with a key of its own' : 'not masked'}`, async () => {
    const { context, peer } = open(role);
    const keys = new Set<string>();
    for (const _ of Array(20)) {
      context.writeNow(Buffer.alloc(8));
      await turns(3);
      const payload = peer.bytes.subarray(-8).toString('hex');
      keys.add(payload);
      const received = await peer.receive();
      assert.is(received!.masked, role === 'client');
    }
    assert.is(keys.size > 1, role === 'client');
  });

  for (const length of LENGTHS) {
    test(`${role}: ${length} bytes arrive as they were, in one frame`, async () => {
      const { context, peer } = open(role);
      const data = pattern(length);
      const { hr, cbIO } = await context.write(data);
      assert.equal([hr, cbIO], [S_OK, length]);
      const received = await peer.receive();
      assert.ok(received!.data.equals(data));
      assert.is(received!.opcode, 2);
    });
  }

  test(`${role}: outgoing text is not judged: a character may be cut anywhere`, async () => {
    const { context, peer } = open(role);
    const euro = Buffer.from('€');
    context.writeNow(euro.subarray(0, 1), { text: true, final: false });
    context.writeNow(euro.subarray(1), { text: true });
    const parts = [await peer.receive(), await peer.receive()];
    assert.is(Buffer.concat(parts.map(part => part!.data)).toString(), '€');
    assert.is(context.writeNow(Buffer.of(0xff), { text: true }).hr, S_OK);
  });

  test(`${role}: what is written in one turn leaves in one socket write`, async () => {
    const { context, near, peer } = open(role);
    const chunks: number[] = [];
    near.other.on('data', chunk => chunks.push(chunk.length));
    for (let at = 0; at < 50; at++) context.writeNow(String(at));
    for (let at = 0; at < 50; at++) assert.is(await peer.next(), `text "${at}"`);
    assert.is(chunks.length, 1);
  });

  test(`${role}: bytes of a call that finished inline are the caller's again at once`, async () => {
    const { context, peer } = open(role);
    for (const length of [5, 16_384, 60_000]) {
      const data = pattern(length);
      const result = new FragmentResult();
      assert.is(context.writeFragment(data, true, false, true, null, 0, result), S_OK);
      data.fill(0);
      assert.ok((await peer.receive())!.data.equals(pattern(length)));
    }
  });

  test(`${role}: connections that write in turns into shared pages mix nothing up`, async () => {
    const wired = Array.from({ length: 5 }, () => open(role, { sendBufferLimit: 1 << 22 }));
    const lengths = Array.from({ length: 60 }, (_, at) => (at * 977) % 9000);
    for (const [at, length] of lengths.entries()) {
      for (const [who, { context }] of wired.entries())
        context.writeNow(pattern(length).fill(at + who, 0, Math.min(length, 1)));
    }
    for (const [who, { peer }] of wired.entries()) {
      for (const [at, length] of lengths.entries()) {
        const { data } = (await peer.receive())!;
        assert.ok(
          data.equals(pattern(length).fill(at + who, 0, Math.min(length, 1))),
          `${length} bytes of connection ${who}`,
        );
      }
    }
  });

  test(`${role}: where linear memory has no page left, the heap lends them`, async () => {
    const { pages } = engine.memory;
    const taken: number[] = [];
    for (let ptr = pages.take(); ptr; ptr = pages.take()) taken.push(ptr);
    const wired = Array.from({ length: 3 }, () => open(role, { sendBufferLimit: 1 << 22 }));
    try {
      // More than the pages that lie ready.
      for (const { context } of wired) for (let at = 0; at < 20; at++) context.writeNow(pattern(16_001 + at));
      const source = open(role);
      source.peer.binary(pattern(100_000));
      await new Promise<void>(resolve => {
        source.context.readFragment(null, true, (_hr, _ctx, _cb, _utf8, _final, _close, data) => {
          for (const { context } of wired) context.writeNow(data);
          resolve();
        });
      });
    } finally {
      for (const ptr of taken) pages.give(ptr);
    }
    for (const { peer } of wired) {
      for (let at = 0; at < 20; at++)
        assert.ok((await peer.receive())!.data.equals(pattern(16_001 + at)), `frame ${at}`);
      assert.ok((await peer.receive())!.data.equals(pattern(100_000)), 'a lent view');
    }
  });

  // ── arguments, and the order in which they are judged ──

  test(`${role}: what is no Uint8Array is E_INVALIDARG, as is a call that could tell no one`, () => {
    const { context } = open(role);
    const result = new FragmentResult();
    for (const data of [null, undefined, 'text', [1], new ArrayBuffer(2), transferred(), shrunk()]) {
      assert.is(context.writeFragment(data as never, true, true, true, NOTHING, 0, result), E_INVALIDARG);
    }
    assert.is(context.writeFragment(Buffer.from('x'), true, true, true), E_INVALIDARG);
    assert.is(context.writeFragment(Buffer.from('x'), true, true, true, {} as never, 0, result), E_INVALIDARG);
  });

  test(`${role}: a second write, and a CLOSE, fail while the first waits, which is not disturbed`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    const waiting = context.write('waits');
    await turns();
    assert.is(context.writeNow('x').hr, E_ILLEGAL_METHOD_CALL);
    assert.is(context.closeNow().hr, E_ILLEGAL_METHOD_CALL);
    assert.is(context.writeNow(Buffer.from('x')).hr, E_ILLEGAL_METHOD_CALL, 'busy is judged before the type');
    assert.is(context.writeFragment(null as never, true, true, true, NOTHING), E_INVALIDARG, 'and behind arguments');
    near.release();
    assert.is((await waiting).hr, S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "fills what may be unsent"', 'text "waits"']);
  });

  test(`${role}: a call that waits only for its completion is under way too`, async () => {
    const { context } = open(role);
    const first = context.write('first');
    assert.is(context.writeNow('second').hr, E_ILLEGAL_METHOD_CALL);
    assert.is((await first).hr, S_OK);
    assert.is(context.writeNow('second').hr, S_OK);
  });

  test(`${role}: a message that changes its type midway is refused, and goes on with its own`, async () => {
    const { context, peer } = open(role);
    context.writeNow('text', { final: false });
    assert.is(context.writeNow(Buffer.from('binary')).hr, E_INVALID_PROTOCOL_OPERATION);
    assert.is(context.writeNow(' goes on').hr, S_OK);
    assert.is(context.writeNow(Buffer.from('binary'), { final: false }).hr, S_OK);
    assert.is(context.writeNow('text').hr, E_INVALID_PROTOCOL_OPERATION);
    assert.is(context.writeNow(Buffer.from('!')).hr, S_OK);
    const frames = [];
    for (let index = 0; index < 4; index++) frames.push(await peer.next());
    assert.equal(frames, ['text "text"+', 'more " goes on"', 'binary "binary"+', 'more "!"']);
  });

  test(`${role}: data after CLOSE is refused, also when the connection is gone`, async () => {
    const { context, far } = open(role);
    context.closeNow();
    assert.is(context.writeNow('x').hr, E_INVALID_PROTOCOL_OPERATION);
    far.reset();
    await turns();
    assert.is(context.writeNow('x').hr, E_INVALID_PROTOCOL_OPERATION);
  });

  test(`${role}: a type change is told before a connection that is gone`, async () => {
    const { context, far } = open(role);
    context.writeNow('text', { final: false });
    far.reset();
    await turns();
    assert.is(context.writeNow(Buffer.from('binary')).hr, E_INVALID_PROTOCOL_OPERATION);
    assert.is(context.writeNow('text').hr, E_CONNECTION_INVALID);
  });

  // ── inline or pending ──

  test(`${role}: with a result a write finishes inline, and says what a completion would`, () => {
    const { context } = open(role);
    for (const [utf8, final] of [
      [true, false],
      [true, true],
      [false, false],
      [false, true],
    ] as const) {
      const result = new FragmentResult();
      result.connectionClose = true;
      assert.is(context.writeFragment(Buffer.from('abc'), true, utf8, final, NOTHING, 0, result), S_OK);
      const { completionExpected, cbIO, utf8Encoded, finalFragment, connectionClose, data } = result;
      assert.equal([completionExpected, cbIO, utf8Encoded, finalFragment], [false, 3, utf8, final]);
      assert.equal([connectionClose, data.length], [false, 0]);
    }
  });

  test(`${role}: without a result the completion always comes, with the call's own type and end`, async () => {
    const { context } = open(role);
    for (const [text, final] of [
      [true, false],
      [true, true],
      [false, false],
      [false, true],
    ] as const) {
      const told = await context.write(Buffer.from('abc'), { text, final });
      const { hr, cbIO, utf8, close, data } = told;
      assert.equal([hr, cbIO, utf8, told.final, close, data.length], [S_OK, 3, text, final, false, 0]);
    }
  });

  test(`${role}: a completion is handed the context that the call was given`, async () => {
    const { context } = open(role);
    const mark = { mine: true };
    const handed = await new Promise(resolve => {
      context.writeFragment(Buffer.from('x'), true, true, true, (_hr, ctx) => resolve(ctx), mark);
    });
    assert.is(handed, mark);
  });

  test(`${role}: a synchronous write finishes now, of any length while there is room`, async () => {
    const { context, peer } = open(role);
    const data = pattern(300_000);
    assert.is(context.writeFragment(data, false, false, true), S_OK);
    data.fill(0);
    assert.ok((await peer.receive())!.data.equals(pattern(300_000)));
  });

  test(`${role}: a synchronous write of any length finishes now where it has a completion too`, async () => {
    for (const length of [5, 300_000]) {
      const { context, peer, near } = open(role);
      near.hold();
      assert.is(context.writeFragment(pattern(length), false, false, true, NOTHING), S_OK);
      assert.is(context.pending, 0);
      assert.is(context.writeNow('behind').hr, length === 5 ? S_OK : E_IO_INCOMPLETE, 'nothing is under way');
      near.release();
      assert.ok((await peer.receive())!.data.equals(pattern(length)));
    }
  });

  test(`${role}: beyond sendBufferLimit a write waits until less is unsent, and the order is kept`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 1000 });
    near.hold();
    let inline = 0;
    while (context.context.stats.sendBuffered < 1000) {
      assert.is(context.writeNow(pattern(300)).hr, S_OK);
      inline++;
    }
    assert.is(inline, 4);
    const waiting = context.write('waits');
    await turns();
    assert.is(context.pending, 1);
    near.release();
    assert.equal((await waiting).cbIO, 5);
    for (let at = 0; at < inline; at++) assert.is(await peer.next(), 'binary 300 bytes');
    assert.is(await peer.next(), 'text "waits"');
    await turns();
    assert.is(context.context.stats.sendBuffered, 0);
  });

  test(`${role}: beyond sendBufferLimit a call that may not wait fails, and nothing of it was sent`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const { bytesSent, fragmentsSent } = context.context.stats;
    assert.is(context.writeNow('lost', { final: false }).hr, E_IO_INCOMPLETE);
    assert.is(context.writeFragment(Buffer.from('lost'), false, true, false, NOTHING), E_IO_INCOMPLETE);
    assert.is(context.closeNow().hr, E_IO_INCOMPLETE);
    assert.equal([context.context.stats.bytesSent, context.context.stats.fragmentsSent], [bytesSent, fragmentsSent]);
    near.release();
    assert.is(await peer.next(), 'text "fills what may be unsent"');
    await turns();
    assert.is(context.writeNow(Buffer.from('whole')).hr, S_OK, 'the message that was refused was never begun');
    assert.is(await peer.next(), 'binary "whole"');
    assert.is(context.closeNow().hr, S_OK);
  });

  test(`${role}: a write that waits for room says completionExpected`, async () => {
    const { context, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const result = new FragmentResult();
    const told = new Promise<number>(resolve => {
      context.writeFragment(Buffer.from('abc'), true, true, true, (_hr, _ctx, cbIO) => resolve(cbIO), 0, result);
    });
    assert.is(result.completionExpected, true);
    near.release();
    assert.is(await told, 3);
  });

  test(`${role}: a sendBufferLimit of 0 lets one frame out at a time`, async () => {
    const { context, peer } = open(role, { sendBufferLimit: 0 });
    for (let at = 0; at < 5; at++) {
      const { hr } = await context.write(String(at));
      assert.is(hr, S_OK);
    }
    for (let at = 0; at < 5; at++) assert.is(await peer.next(), `text "${at}"`);
  });

  test(`${role}: a large payload is done when the socket has taken all of it, and not before`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const data = pattern(500_000);
    let done = false;
    const writing = context.write(data).then(told => {
      done = true;
      return told;
    });
    await turns();
    assert.not.ok(done);
    near.release();
    assert.is((await writing).cbIO, 500_000);
    data.fill(0);
    assert.ok((await peer.receive())!.data.equals(pattern(500_000)));
  });

  test(`${role}: of a large payload nothing is held when it has been sent`, async () => {
    const { context, peer } = open(role);
    const send = async () => {
      const data = pattern(500_000);
      await context.write(data);
      return new WeakRef(data.buffer);
    };
    const sent = await send();
    await peer.receive();
    await turns();
    held();
    assert.is(sent.deref(), undefined);
  });

  test(`${role}: a large payload waits for room behind what is unsent, then goes out whole`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const writing = context.write(pattern(100_000));
    await turns();
    near.release();
    assert.is((await writing).hr, S_OK);
    assert.is(await peer.next(), 'text "fills what may be unsent"');
    assert.ok((await peer.receive())!.data.equals(pattern(100_000)));
  });

  for (const begun of [true, false]) {
    for (const cancelled of begun ? [false, true] : [false]) {
      const name = `${begun ? 'under way' : 'waiting for room'}${cancelled ? ' and cancelled' : ''}`;
      test(`${role}: a large payload, ${name}, whose buffer was transferred ends the connection`, async () => {
        const { context, peer, near } = open(role, { sendBufferLimit: 8 });
        if (!begun) near.hold();
        context.writeNow('fills what may be unsent');
        await turns();
        near.hold();
        const data = new Uint8Array(pattern(500_000));
        const writing = context.write(data);
        await turns();
        structuredClone(data, { transfer: [data.buffer] });
        if (cancelled) context.cancelOutstandingIO();
        near.release();
        assert.is((await writing).hr, E_OPERATION_ABORTED);
        assert.equal(await peer.rest(), ['text "fills what may be unsent"'], 'no frame without its rest');
      });
    }
  }

  test(`${role}: stats count payload sent, and what is unsent with its headers`, async () => {
    const { context, near } = open(role);
    near.hold();
    context.writeNow('12345');
    context.writeNow('', { text: true });
    const header = role === 'client' ? 6 : 2;
    const { bytesSent, fragmentsSent, sendBuffered } = context.context.stats;
    assert.equal([bytesSent, fragmentsSent, sendBuffered], [5, 2, 5 + 2 * header]);
    near.release();
    await turns();
    assert.is(context.context.stats.sendBuffered, 0);
  });

  test(`${role}: stats count as unsent what of a large payload has not gone out, begun or not`, async () => {
    const { context, near, far } = open(role, { sendBufferLimit: 8 });
    const sendBuffered = () => context.context.stats.sendBuffered;
    const header = role === 'client' ? 14 : 10;
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const before = sendBuffered();
    const writing = context.write(pattern(1_000_000));
    assert.is(sendBuffered(), before + 1_000_000, 'a frame that has not begun has no header');
    far.pause();
    near.release();
    await turns();
    const rest = sendBuffered();
    assert.ok(rest > 0 && rest <= 1_000_000 + header);
    far.resume();
    assert.is((await writing).hr, S_OK);
    await turns();
    assert.is(sendBuffered(), 0);
    near.hold();
    const last = context.write(pattern(1_000_000));
    assert.is(sendBuffered(), 1_000_000 + header);
    await turns();
    assert.is(sendBuffered(), 1_000_000 + header);
    context.cancelOutstandingIO();
    near.release();
    assert.is((await last).hr, E_OPERATION_ABORTED);
    await turns();
    assert.is(sendBuffered(), 0);
  });

  test(`${role}: stats count what was accepted and cannot go out, but not a large frame that had not begun`, async () => {
    for (const [begun, length] of [
      [true, 5],
      [true, 1_000_000],
      [false, 1_000_000],
    ] as const) {
      const { context, near, far } = open(role, { sendBufferLimit: 8 });
      near.hold();
      if (!begun || length === 5) context.writeNow('fills what may be unsent');
      await turns();
      const { bytesSent, fragmentsSent } = context.context.stats;
      const writing = context.write(pattern(length));
      await turns();
      far.reset();
      assert.is((await writing).hr, E_NETNAME_DELETED);
      const { stats } = context.context;
      assert.equal([stats.bytesSent - bytesSent, stats.fragmentsSent - fragmentsSent], begun ? [length, 1] : [0, 0]);
    }
  });

  // ── results and lent views ──

  for (const [where, buffer] of [
    ['lent', null],
    ["in the caller's buffer", new Uint8Array(300_000)],
  ] as const) {
    for (const gathered of [false, true]) {
      const when = gathered ? 'late' : 'at once';
      test(`${role}: the result of a read ${when}, ${where}, may be written for its piece, whatever its length`, async () => {
        for (const length of [0, 1, 48, 49, 125, 126, 5000, 16_384, 16_385, 65_536, 250_000]) {
          const source = open(role);
          const target = open(role, { sendBufferLimit: 1 << 20 });
          const read = new FragmentResult();
          const takeAll = async () => {
            for (let final = false; !final; ) {
              if (source.context.readFragment(buffer, true, null, 0, read) === E_IO_INCOMPLETE) {
                await turns(1);
                continue;
              }
              final = read.finalFragment;
              const writing = new Promise<number>(resolve => {
                const hr = target.context.writeFragment(read, true, false, final, resolve);
                assert.is(hr, S_OK);
              });
              assert.is(read.cbIO, read.data.length);
              assert.is(await writing, S_OK);
            }
          };
          let taken: Promise<void> | undefined;
          if (!gathered) source.context.readFragment(new Uint8Array(8), true, () => (taken = takeAll()));
          // In one packet: what is read inside the completion lies in the window still.
          source.peer.send({ opcode: 1, data: Buffer.from('first') }, { opcode: 2, data: pattern(length) });
          await turns();
          if (gathered) {
            assert.is(source.context.readNow(new Uint8Array(8)).cbIO, 5);
            taken = takeAll();
          }
          await taken;
          await overwriteWindow(role);
          assert.ok((await messageOf(target.peer)).equals(pattern(length)), `${length} bytes`);
        }
      });
    }
  }

  test(`${role}: one result may serve the read and the write of its piece`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    peer.text('one');
    peer.text('two', false);
    await turns();
    for (const [text, final] of [
      ['one', true],
      ['two', false],
    ] as const) {
      assert.is(context.readFragment(null, true, NOTHING, 0, result), S_OK);
      assert.is(
        context.writeFragment(result, true, result.utf8Encoded, result.finalFragment, NOTHING, 0, result),
        S_OK,
      );
      assert.equal([result.completionExpected, result.cbIO, result.finalFragment], [false, 3, final]);
      assert.is(result.data.length, 0);
      assert.is(await peer.next(), `text "${text}"${final ? '' : '+'}`);
    }
  });

  test(`${role}: a result whose piece was lent and is gone is refused; one that stays is written, however late`, async () => {
    const { context, peer } = open(role);
    const other = open(role);
    const lent = new FragmentResult();
    const kept = new FragmentResult();
    context.readFragment(null, true, () => {
      assert.is(context.readFragment(null, true, NOTHING, 0, lent), S_OK);
    });
    peer.send(...['first', 'lent', 'kept'].map(text => ({ opcode: 1, data: Buffer.from(text) })));
    await turns();
    assert.is(context.readFragment(null, true, NOTHING, 0, kept), S_OK);
    assert.is(
      context.writeFragment(lent, true, true, true, NOTHING, 0, new FragmentResult()),
      S_OK,
      'nothing came since',
    );
    other.peer.text('another');
    await other.context.read();
    assert.is(context.writeFragment(lent, true, true, true, NOTHING, 0, new FragmentResult()), E_INVALIDARG);
    assert.is(context.writeFragment(kept, true, true, true, NOTHING, 0, new FragmentResult()), S_OK);
    assert.equal([await peer.next(), await peer.next()], ['text "lent"', 'text "kept"']);
  });

  test(`${role}: a result that was cut after its data was looked at is written as it was cut`, async () => {
    const { context, peer } = open(role);
    const kept = new FragmentResult();
    for (const length of [100, 30_000, 90_000]) {
      peer.binary(pattern(length));
      await turns();
      assert.is(context.readFragment(null, true, NOTHING, 0, kept), S_OK);
      assert.is(kept.data.length, length);
      kept.at += 7;
      kept.cbIO = length - 20;
      const done = new Promise<readonly number[]>(resolve => {
        const completion = (hr: number, _ctx: unknown, cbIO: number) => resolve([hr, cbIO]);
        assert.is(context.writeFragment(kept, true, false, true, completion), S_OK);
      });
      assert.equal(await done, [S_OK, length - 20]);
      assert.ok((await messageOf(peer)).equals(pattern(length).subarray(7, length - 13)), `${length} bytes`);
    }
  });

  test(`${role}: a result without a piece is as empty as its data, and one whose data was set is that`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    context.writeNow(result, { text: true });
    result.data = Buffer.from('set');
    context.writeNow(result, { text: true });
    const written = new FragmentResult();
    context.writeFragment(Buffer.from('written'), true, true, true, null, 0, written);
    assert.is(written.cbIO, 7);
    context.writeNow(written, { text: true });
    assert.equal(
      [await peer.next(), await peer.next(), await peer.next(), await peer.next()],
      ['text', 'text "set"', 'text "written"', 'text'],
    );
  });

  test(`${role}: while a read is pending its result stands for no piece, then for the one that its completion is told`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    peer.text('before');
    await turns();
    assert.is(context.readFragment(null, true, NOTHING, 0, result), S_OK);
    const told: unknown[] = [];
    context.readFragment(
      null,
      true,
      (_hr, _context, _cbIO, _utf8, _final, _close, data) => {
        const { completionExpected, cbIO, utf8Encoded, finalFragment, ascii } = result;
        told.push(completionExpected, cbIO, utf8Encoded, finalFragment, ascii, result.data === data);
        told.push(context.writeFragment(result, true, true, false, NOTHING, 0, new FragmentResult()));
      },
      0,
      result,
    );
    assert.is(context.writeFragment(result, true, true, true, NOTHING, 0, new FragmentResult()), E_INVALIDARG);
    peer.text('now', false);
    await turns();
    assert.equal(told, [false, 3, true, false, true, true, S_OK]);
    assert.is(await peer.next(), 'text "now"+');
  });

  test(`${role}: the result of a read that fails later is left as the call left it`, async () => {
    const { context } = open(role);
    const result = new FragmentResult();
    const read = new Promise<number>(resolve => context.readFragment(null, true, resolve, 0, result));
    context.cancelOutstandingIO();
    assert.is(await read, E_OPERATION_ABORTED);
    assert.is(result.completionExpected, true);
    assert.is(context.writeFragment(result, true, true, true, NOTHING, 0, new FragmentResult()), E_INVALIDARG);
  });

  test(`${role}: where the buffer of a piece was transferred, its result is refused, and its view`, async () => {
    for (const length of [10, 1000, 20_000]) {
      const { context, peer } = open(role);
      peer.binary(pattern(length));
      await turns();
      const result = new FragmentResult();
      const buffer = new Uint8Array(length + 1);
      assert.is(context.readFragment(buffer, true, NOTHING, 0, result), S_OK);
      const { data } = result;
      structuredClone(buffer, { transfer: [buffer.buffer] });
      assert.is(context.writeNow(result).hr, E_INVALIDARG);
      assert.is(context.writeNow(data).hr, E_INVALIDARG);
      context.writeNow('after');
      assert.is(await peer.next(), 'text "after"');
      assert.is(context.context.stats.bytesSent, 5);
    }
  });

  test(`${role}: an inline read tells where its piece lies, whether it is ASCII, and whether it stays`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    const told: unknown[] = [];
    const look = (buffer: Uint8Array | null) => {
      assert.is(context.readFragment(buffer, true, NOTHING, 0, result), S_OK);
      const { bytes, at, cbIO, ascii, reused, data } = result;
      assert.ok(Buffer.from(bytes!.buffer, bytes!.byteOffset + at, cbIO).equals(data));
      assert.is(result.data, data, 'one view is made');
      told.push(Buffer.from(data).toString(), ascii, reused);
    };
    context.readFragment(null, true, () => {
      look(null);
      look(new Uint8Array(9));
    });
    peer.send(...['first', 'lent', 'höher', 'late'].map(text => ({ opcode: 1, data: Buffer.from(text) })));
    await turns();
    look(null);
    assert.equal(told, ['lent', true, true, 'höher', false, false, 'late', true, false]);
  });

  test(`${role}: a lent view may be written to another connection, whatever its length`, async () => {
    for (const length of [1, 125, 126, 5000, 16_384, 16_385, 65_000, 65_536, 65_537, 250_000]) {
      const source = open(role);
      const target = open(role, { sendBufferLimit: 1 << 20 });
      const relayed = new Promise<void>(resolve => {
        const relay = (
          _hr: number,
          _ctx: unknown,
          _cb: number,
          utf8: boolean,
          final: boolean,
          _c: boolean,
          data: Uint8Array,
        ) => {
          const result = new FragmentResult();
          assert.is(target.context.writeFragment(data, true, utf8, final, NOTHING, 0, result), S_OK);
          if (final) resolve();
          else source.context.readFragment(null, true, relay);
        };
        source.context.readFragment(null, true, relay);
      });
      source.peer.binary(pattern(length));
      await relayed;
      await overwriteWindow(role);
      assert.ok((await messageOf(target.peer)).equals(pattern(length)), `${length} bytes`);
    }
  });

  test(`${role}: a part of a lent view may be written, and one that has to wait is kept`, async () => {
    const source = open(role);
    const target = open(role, { sendBufferLimit: 8 });
    target.near.hold();
    target.context.writeNow('fills what may be unsent');
    await turns();
    const done = new Promise<number>(resolve => {
      source.context.readFragment(null, true, (_hr, _ctx, _cb, _utf8, _final, _close, data) => {
        target.context.writeFragment(data.subarray(10, 90_010), true, false, true, hr => resolve(hr));
      });
    });
    source.peer.binary(pattern(200_000));
    await turns();
    const other = open(role);
    other.peer.binary(Buffer.alloc(262_000, 0xee));
    await other.context.read();
    target.near.release();
    assert.is(await done, S_OK);
    assert.is(await target.peer.next(), 'text "fills what may be unsent"');
    assert.ok((await target.peer.receive())!.data.equals(pattern(200_000).subarray(10, 90_010)));
  });
}

test.run();
