/** readFragment: pieces as they come, in the caller's buffer or lent; what it answers inline and what it leaves pending. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  E_CONNECTION_INVALID,
  E_HANDLE_EOF,
  E_ILLEGAL_METHOD_CALL,
  E_INVALIDARG,
  E_IO_INCOMPLETE,
  E_NETNAME_DELETED,
  E_NOT_SET,
  E_OPERATION_ABORTED,
  FAILED,
  S_OK,
} from '../../src/context/hresult.ts';
import { FragmentResult, type WebSocketCompletion } from '../../src/context/result.ts';
import { leaveNothing, open, openPair, ROLES, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import type { Told } from '../support/watched.ts';

const test = suite('context/read');
test.after.each(leaveNothing);

/** What a read was told, in one line: T or B and its text, a plus where more of the message follows. */
const show = ({ hr, text, utf8, final, close }: Told) =>
  FAILED(hr) ? hr.toString(16) : close ? 'close' : `${utf8 ? 'T' : 'B'} ${text}${final ? '' : '+'}`;

const NOTHING = () => assert.unreachable('a call that finished inline has no completion');
const CONTINUATION = 0;

for (const role of ROLES) {
  // ── what one completion delivers ──

  test(`${role}: a waiting read is told bytes, type and end of the message that comes`, async () => {
    const { context, peer } = open(role);
    const buffer = new Uint8Array(64);
    const reading = context.read(buffer);
    peer.text('hello');
    const { hr, cbIO, utf8, final, close, text, inline } = await reading;
    const expected = { hr: S_OK, cbIO: 5, utf8: true, final: true, close: false, text: 'hello', inline: false };
    assert.equal({ hr, cbIO, utf8, final, close, text, inline }, expected);
    assert.is(Buffer.from(buffer.buffer, 0, 6).toString(), 'hello\0', 'nothing is written behind the piece');
  });

  test(`${role}: the type of a message stands on every piece of it, final on the last alone`, async () => {
    const { context, peer } = open(role);
    peer.binary(Buffer.from('one'), false);
    peer.send({ opcode: CONTINUATION, final: false, data: Buffer.from('two') });
    peer.send({ opcode: CONTINUATION, data: Buffer.from('three') });
    peer.text('four');
    const pieces = [];
    for (let index = 0; index < 4; index++) pieces.push(show(await context.read()));
    assert.equal(pieces, ['B one+', 'B two+', 'B three', 'T four']);
  });

  test(`${role}: pieces of two frames are never merged into one completion`, async () => {
    const { context, peer } = open(role);
    peer.send(
      { opcode: 2, final: false, data: Buffer.from('a') },
      { opcode: CONTINUATION, final: false, data: Buffer.from('b') },
      { opcode: CONTINUATION, data: Buffer.from('c') },
      { opcode: 2, data: Buffer.from('d') },
    );
    await turns();
    const buffer = new Uint8Array(64);
    const pieces = Array.from({ length: 5 }, () => show(context.readNow(buffer)));
    assert.equal(pieces, ['B a+', 'B b+', 'B c', 'B d', E_IO_INCOMPLETE.toString(16)]);
  });

  test(`${role}: a piece is delivered as soon as it is here, without the rest of its frame`, async () => {
    const { context, peer } = open(role);
    const frame = peer.frame({ opcode: 1, data: Buffer.from('one two') });
    peer.stream.write(frame.subarray(0, frame.length - 4));
    assert.is(show(await context.read(new Uint8Array(100))), 'T one+');
    const rest = context.read(new Uint8Array(100));
    peer.stream.write(frame.subarray(frame.length - 4));
    assert.is(show(await rest), 'T  two');
  });

  test(`${role}: a buffer smaller than the piece is filled, and the rest is served by the reads that follow`, async () => {
    const { context, peer } = open(role);
    const buffer = new Uint8Array(4);
    const reading = context.read(buffer);
    peer.text('0123456789');
    assert.is(show(await reading), 'T 0123+');
    assert.is(show(context.readNow(buffer)), 'T 4567+');
    assert.is(show(context.readNow(buffer)), 'T 89');
    assert.is(context.readNow(buffer).hr, E_IO_INCOMPLETE);
  });

  test(`${role}: a buffer as long as the piece takes it whole, and is told that it is final`, async () => {
    const { context, peer } = open(role);
    peer.text('1234');
    assert.is(show(await context.read(new Uint8Array(4))), 'T 1234');
  });

  test(`${role}: a buffer of one byte reads a message byte by byte, characters cut anywhere`, async () => {
    const { context, peer } = open(role);
    peer.text('a€');
    peer.text('b');
    const bytes: number[] = [];
    const finals: boolean[] = [];
    for (let index = 0; index < 5; index++) {
      const { data, final, cbIO } = await context.read(new Uint8Array(1));
      assert.is(cbIO, 1);
      bytes.push(data[0]!);
      finals.push(final);
    }
    assert.is(Buffer.from(bytes).toString(), 'a€b');
    assert.equal(finals, [false, false, false, true, true]);
  });

  test(`${role}: a lent view reads the same bytes, and the read that follows goes on behind it`, async () => {
    const { context, peer } = open(role);
    const first = context.read();
    peer.send({ opcode: 1, data: Buffer.from('lent') }, { opcode: 1, data: Buffer.from('copied') });
    assert.is(show(await first), 'T lent');
    assert.is(show(context.readNow(new Uint8Array(3))), 'T cop+');
    assert.is(show(context.readNow()), 'T ied');
  });

  test(`${role}: an empty message completes a read with 0 bytes, final`, async () => {
    const { context, peer } = open(role);
    peer.text('');
    peer.binary(Buffer.alloc(0));
    assert.is(show(await context.read(new Uint8Array(1))), 'T ');
    assert.is(show(await context.read()), 'B ');
  });

  test(`${role}: an empty frame inside a message completes a read with 0 bytes, not final`, async () => {
    const { context, peer } = open(role);
    peer.text('', false);
    peer.send({ opcode: CONTINUATION, final: false }, { opcode: CONTINUATION, data: Buffer.from('x') });
    const pieces = [];
    for (let index = 0; index < 3; index++) pieces.push(show(await context.read(new Uint8Array(8))));
    assert.equal(pieces, ['T +', 'T +', 'T x']);
  });

  test(`${role}: pings and pongs complete no read`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    peer.send({ opcode: 9, data: Buffer.from('p') }, { opcode: 10 });
    await turns();
    assert.is(context.pending, 1);
    peer.text('x');
    assert.is(show(await reading), 'T x');
  });

  test(`${role}: a message of a megabyte arrives byte for byte, read or not when it comes`, async () => {
    const { context, peer } = open(role);
    const sent = pattern(1 << 20);
    peer.binary(sent);
    const parts: Buffer[] = [];
    for (let final = false; !final; ) {
      const told = await context.read(parts.length % 3 ? new Uint8Array(1000 + parts.length) : null);
      parts.push(told.data);
      final = told.final;
    }
    assert.ok(Buffer.concat(parts).equals(sent));
    assert.is(context.context.stats.bytesReceived, sent.length);
    assert.is(context.context.stats.receiveBuffered, 0);
  });

  // ── arguments, and the order in which they are judged ──

  test(`${role}: a buffer without room is E_INVALIDARG, as is what is no Uint8Array`, () => {
    const { context } = open(role);
    const result = new FragmentResult();
    for (const data of [new Uint8Array(0), [1], 'text', undefined, new Uint16Array(4), new ArrayBuffer(4)]) {
      assert.is(context.readFragment(data as Uint8Array, true, NOTHING, 0, result), E_INVALIDARG, String(data));
    }
  });

  test(`${role}: a part of a piece may be written, but nothing beside the piece`, async () => {
    const { context, peer } = open(role);
    for (const text of ['before', 'hello', 'behind']) peer.text(text);
    await turns();
    assert.is(context.readNow().text, 'before');
    const piece = new FragmentResult();
    assert.is(context.readFragment(null, true, NOTHING, 0, piece), S_OK);
    const { at } = piece;
    const write = () => context.writeFragment(piece, true, true, true, NOTHING, 0, new FragmentResult());
    for (const [from, length] of [
      [0, 6],
      [0, 64],
      [0, -1],
      [-1, 5],
      [1, 5],
      [6, 0],
      [0, Number.NaN],
    ] as const) {
      piece.at = at + from;
      piece.cbIO = length;
      assert.is(write(), E_INVALIDARG, `${length} bytes from ${from}`);
    }
    piece.at = at + 1;
    piece.cbIO = 3;
    assert.is(write(), S_OK);
    assert.is(await peer.next(), 'text "ell"');
  });

  test(`${role}: a result that is no FragmentResult is E_INVALIDARG before anything is done`, async () => {
    const { context, peer } = open(role);
    const bare = context.context;
    for (const result of [{}, 5, 'result'] as never[]) {
      assert.is(bare.readFragment(null, true, NOTHING, 0, result), E_INVALIDARG);
      assert.is(bare.writeFragment(Buffer.from('x'), true, true, true, NOTHING, 0, result), E_INVALIDARG);
      assert.is(bare.sendConnectionClose(true, 1000, null, NOTHING, 0, result), E_INVALIDARG);
    }
    assert.is(context.closeNow().hr, S_OK);
    peer.close();
    assert.ok((await context.read()).close);
    assert.is(await peer.next(), 'close 1000');
  });

  test(`${role}: an asynchronous read that could not tell anyone is E_INVALIDARG`, () => {
    const { context } = open(role);
    assert.is(context.readFragment(null, true), E_INVALIDARG);
    assert.is(context.readFragment(null, true, null, 0, null as unknown as FragmentResult), E_INVALIDARG);
    assert.is(context.readFragment(null, true, 'callback' as never), E_INVALIDARG);
  });

  test(`${role}: a second read fails while the first waits, which is not disturbed`, async () => {
    const { context, peer } = open(role);
    const first = context.read();
    assert.is(context.readFragment(null, true, NOTHING), E_ILLEGAL_METHOD_CALL);
    assert.is(context.readNow().hr, E_ILLEGAL_METHOD_CALL);
    assert.is(context.readFragment(new Uint8Array(0), true, NOTHING), E_INVALIDARG, 'arguments are judged before');
    peer.text('first');
    assert.is(show(await first), 'T first');
  });

  test(`${role}: a read and a write may wait together`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    assert.is((await context.write('out')).hr, S_OK);
    assert.is(await peer.next(), 'text "out"');
    peer.text('in');
    assert.is(show(await reading), 'T in');
  });

  // ── inline or pending ──

  test(`${role}: with a result, what is here is answered inline and no completion runs`, async () => {
    const { context, peer } = open(role);
    peer.text('here');
    await turns();
    const result = new FragmentResult();
    const buffer = new Uint8Array(8);
    assert.is(context.readFragment(buffer, true, NOTHING, 0, result), S_OK);
    assert.is(result.completionExpected, false);
    assert.is(result.cbIO, 4);
    assert.is(result.utf8Encoded, true);
    assert.is(result.finalFragment, true);
    assert.is(result.connectionClose, false);
    assert.is(Buffer.from(result.data).toString(), 'here');
    assert.is(result.data.buffer, buffer.buffer, 'data is a view of the buffer');
    await turns();
  });

  test(`${role}: with a result, what is not here yet is answered by the completion`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    const mark = { mine: true };
    const told = new Promise<unknown[]>(resolve => {
      const hr = context.readFragment(null, true, (hr, ctx, cbIO) => resolve([hr, ctx, cbIO]), mark, result);
      assert.is(hr, S_OK);
      assert.is(result.completionExpected, true);
    });
    peer.text('later');
    const [hr, ctx, cbIO] = await told;
    assert.equal([hr, cbIO], [S_OK, 5]);
    assert.is(ctx, mark, 'the completion context is handed back as it was given');
  });

  test(`${role}: a viewless result has the piece of a lent read, and its completion none; a buffer's is told of`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    result.viewless = true;
    for (const buffer of [null, new Uint8Array(9)]) {
      const told = new Promise<string[]>(resolve => {
        const completion: WebSocketCompletion = (_hr, _context, cbIO, _utf8, _final, _close, data) => {
          const { bytes, at } = result;
          resolve([data, bytes!.subarray(at, at + cbIO), result.data].map(bytes => Buffer.from(bytes).toString()));
        };
        assert.is(context.readFragment(buffer, true, completion, 0, result), S_OK);
      });
      peer.text('hello');
      assert.equal(await told, [buffer ? 'hello' : '', 'hello', 'hello']);
    }
  });

  test(`${role}: without a result, even what is here is told by the completion`, async () => {
    const { context, peer } = open(role);
    peer.text('here');
    await turns();
    const reading = context.read();
    assert.is(context.pending, 1);
    assert.is(show(await reading), 'T here');
  });

  test(`${role}: with a result and no completion, a read takes what is here or fails with nothing consumed`, async () => {
    const { context, peer } = open(role);
    assert.is(context.readNow().hr, E_IO_INCOMPLETE);
    peer.text('here');
    await turns();
    assert.is(show(context.readNow()), 'T here');
    assert.is(context.readNow().hr, E_IO_INCOMPLETE);
  });

  test(`${role}: a synchronous read takes what is here or fails with nothing consumed`, async () => {
    const { context, peer } = open(role);
    const result = new FragmentResult();
    assert.is(context.readFragment(null, false, null, 0, result), E_IO_INCOMPLETE);
    assert.is(context.readFragment(null, false), E_IO_INCOMPLETE);
    assert.is(context.readFragment(null, false, NOTHING, 0, result), E_IO_INCOMPLETE);
    peer.text('0123456789');
    await turns();
    const buffer = new Uint8Array(4);
    assert.is(context.readFragment(buffer, false, NOTHING), S_OK, 'neither a result nor a completion is needed');
    assert.is(Buffer.from(buffer).toString(), '0123');
    assert.is(context.readFragment(buffer, false, NOTHING, 0, result), S_OK);
    assert.is(Buffer.from(result.data).toString(), '4567');
    assert.is(show(context.readNow()), 'T 89');
  });

  test(`${role}: inline answers come many times in a row`, async () => {
    const { context, peer } = open(role);
    peer.send(...Array.from({ length: 500 }, (_, at) => ({ opcode: 1, data: Buffer.from(String(at)) })));
    await turns();
    for (let at = 0; at < 500; at++) assert.is(show(context.readNow()), `T ${at}`);
    assert.is(context.readNow().hr, E_IO_INCOMPLETE);
  });

  // ── how reading ends ──

  test(`${role}: a peer that ends TCP without CLOSE ends reading with E_HANDLE_EOF, behind the last piece`, async () => {
    const { context, peer } = open(role);
    peer.text('last');
    peer.stream.end();
    await turns();
    assert.is(show(await context.read()), 'T last');
    assert.is(context.readNow().hr, E_HANDLE_EOF);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
  });

  test(`${role}: a waiting read is told E_HANDLE_EOF by its completion, and later calls E_CONNECTION_INVALID`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    peer.stream.end();
    const { hr, cbIO } = await reading;
    assert.equal([hr, cbIO], [E_HANDLE_EOF, 0]);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
    assert.is(context.writeNow('x').hr, E_CONNECTION_INVALID);
    assert.is(context.closeNow().hr, E_CONNECTION_INVALID);
  });

  test(`${role}: an end that is here already fails a read inline, with or without a result, once`, async () => {
    for (const result of [new FragmentResult(), undefined]) {
      const { context, peer } = open(role);
      peer.stream.end();
      await turns();
      assert.is(context.readFragment(null, true, NOTHING, 0, result), E_HANDLE_EOF);
      assert.is(context.readFragment(null, true, NOTHING, 0, result), E_CONNECTION_INVALID);
    }
  });

  test(`${role}: a connection that is reset fails the waiting read and the waiting write with E_NETNAME_DELETED`, async () => {
    const { context, near, far } = open(role, { sendBufferLimit: 10 });
    near.hold();
    const reading = context.read();
    context.writeNow('fills what may be unsent');
    const writing = context.write('waits');
    await turns();
    far.reset();
    const told = await Promise.all([reading, writing]);
    assert.equal(
      told.map(each => each.hr),
      [E_NETNAME_DELETED, E_NETNAME_DELETED],
    );
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
    assert.is(context.writeNow('x').hr, E_CONNECTION_INVALID);
  });

  for (const waits of [false, true]) {
    const when = waits ? 'while a read is due what lies behind it' : 'with what lies behind it unread';
    test(`${role}: who transfers a piece ${when} ends the connection: E_OPERATION_ABORTED`, async () => {
      for (const [length, ended, lent] of [
        [30, false, false],
        [90, false, false],
        [90, true, false],
        [90, false, true],
        [90, true, true],
      ]) {
        const { context, peer } = open(role);
        for (const size of [100, 20, Number(length)]) {
          peer.binary(pattern(size));
          await turns();
        }
        peer.close(1000);
        if (ended) peer.stream.end();
        await turns();
        const piece = new FragmentResult();
        for (let count = 0; count < 2; count++) context.readFragment(null, true, null, 0, piece);
        const { data } = piece;
        const buffer = new Uint8Array(100).fill(7);
        const reading = waits ? context.read(lent ? null : buffer) : null;
        structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
        const { hr, cbIO } = await (reading ?? context.readNow(lent ? null : buffer));
        assert.equal([hr, cbIO], [E_OPERATION_ABORTED, 0]);
        assert.ok(buffer.every(byte => byte === 7));
        assert.is(context.readNow().hr, E_CONNECTION_INVALID);
        assert.is(context.status, E_NOT_SET, 'a CLOSE behind what is missing is never read');
        await turns();
        assert.ok(peer.ended);
        assert.is(context.cleaned, 1);
      }
    });
  }

  test(`${role}: what came before a reset is still read`, async () => {
    const { context, peer, far } = open(role);
    peer.text('before');
    await turns();
    far.reset();
    await turns();
    assert.is(show(context.readNow()), 'T before');
    assert.is(context.readNow().hr, E_NETNAME_DELETED);
    assert.is(context.readNow().hr, E_CONNECTION_INVALID);
  });

  test(`${role}: a reused result says completionExpected false after a call that failed`, () => {
    const { context } = open(role);
    const result = new FragmentResult();
    result.completionExpected = true;
    context.readFragment(null, false, null, 0, result);
    assert.is(result.completionExpected, false);
    result.completionExpected = true;
    context.readFragment(new Uint8Array(0), true, null, 0, result);
    assert.is(result.completionExpected, false);
  });

  test(`${role}: stats count what was received, and what nobody has read yet`, async () => {
    const { context, peer } = open(role);
    peer.text('12345');
    peer.text('', false);
    peer.send({ opcode: CONTINUATION, data: Buffer.from('678') });
    await turns();
    context.readNow(new Uint8Array(2));
    const { bytesReceived, fragmentsReceived, receiveBuffered } = context.context.stats;
    assert.equal(
      { bytesReceived, fragmentsReceived, receiveBuffered },
      {
        bytesReceived: 8,
        fragmentsReceived: 3,
        receiveBuffered: 6,
      },
    );
  });
}

test('a server and a client joined exchange messages of every length around the header forms, both ways', async () => {
  const { server, client } = openPair();
  for (const length of [0, 1, 125, 126, 127, 16_384, 16_385, 65_535, 65_536, 300_000]) {
    const sent = pattern(length);
    for (const [from, to] of [
      [server, client],
      [client, server],
    ] as const) {
      const writing = from.write(sent);
      const parts: Buffer[] = [];
      for (let final = false; !final; ) {
        const told = await to.read();
        parts.push(told.data);
        final = told.final;
      }
      assert.ok(Buffer.concat(parts).equals(sent), `${length} bytes`);
      assert.is((await writing).cbIO, length);
    }
  }
});

test.run();
