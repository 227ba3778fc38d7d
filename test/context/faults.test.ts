/** What a peer that breaks a rule gets: a CLOSE that says why; the reader gets what came before, then the fault. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  E_CONNECTION_INVALID,
  E_INVALID_PROTOCOL_FORMAT,
  E_NOT_SET,
  E_OPERATION_ABORTED,
  S_OK,
} from '../../src/context/hresult.ts';
import { Clock } from '../support/clock.ts';
import { leaveNothing, open, ROLES, type Role, turns } from '../support/pair.ts';
import { type Peer, pattern } from '../support/peer.ts';

const test = suite('context/faults');
const clock = new Clock();
test.before(() => clock.install());
test.after.each(leaveNothing);

type Row = readonly [name: string, code: number, bytes: (peer: Peer, role: Role) => Uint8Array];

const BREAKS: readonly Row[] = [
  ['FAULT_RESERVED_BITS', 1002, peer => peer.frame({ opcode: 0x41 })],
  ['FAULT_OPCODE', 1002, peer => peer.frame({ opcode: 3 })],
  ['FAULT_CONTROL', 1002, peer => peer.frame({ opcode: 9, final: false })],
  ['FAULT_CONTINUATION', 1002, peer => peer.frame({ opcode: 0 })],
  [
    'FAULT_MASKING',
    1002,
    (_, role) => (role === 'server' ? Uint8Array.of(0x81, 0) : Uint8Array.of(0x81, 0x80, 1, 2, 3, 4)),
  ],
  ['FAULT_LENGTH', 1002, (_, role) => Uint8Array.of(0x81, role === 'server' ? 0xfe : 0x7e, 0, 5, 1, 2, 3, 4)],
  ['FAULT_TOO_BIG', 1009, peer => peer.frame({ opcode: 1, data: Buffer.alloc(101, 'x') })],
  ['FAULT_UTF8', 1007, peer => peer.frame({ opcode: 1, data: Buffer.of(0xff) })],
  ['FAULT_CLOSE_LENGTH', 1002, peer => peer.frame({ opcode: 8, data: Buffer.of(3) })],
  ['FAULT_CLOSE_CODE', 1002, peer => peer.frame({ opcode: 8, data: Buffer.of(3, 0xed) })],
  ['FAULT_UTF8', 1007, peer => peer.frame({ opcode: 8, data: Buffer.of(3, 0xe8, 0xff) })],
];

for (const role of ROLES) {
  for (const [index, [name, code, bytes]] of BREAKS.entries()) {
    test(`${role}: ${name}, the ${index + 1}. way, sends ${code}, names itself to the reader and ends TCP`, async () => {
      const { context, peer } = open(role, { maxMessageSize: 100 });
      peer.stream.write(Buffer.concat([peer.frame({ opcode: 1, data: Buffer.from('before') }), bytes(peer, role)]));
      assert.match(await peer.next(), new RegExp(`^close ${code} .*§`));
      await peer.end();
      assert.is(context.readNow().text, 'before');
      assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
      assert.equal([context.context.fault!.name, context.context.fault!.closeCode], [name, code]);
      assert.is(context.readNow().hr, E_CONNECTION_INVALID);
      assert.is(context.status, E_NOT_SET);
    });
  }

  test(`${role}: a waiting read is told of the fault, behind what it waited for`, async () => {
    const { context, peer } = open(role);
    const reading = context.read();
    const good = peer.frame({ opcode: 1, data: Buffer.from('good') });
    peer.stream.write(Buffer.concat([good, peer.frame({ opcode: 3 })]));
    assert.is((await reading).text, 'good');
    const told = context.readNow();
    assert.is(told.hr, E_INVALID_PROTOCOL_FORMAT);
    const again = open(role);
    const waiting = again.context.read();
    again.peer.send({ opcode: 3 });
    const { hr, cbIO, close } = await waiting;
    assert.equal([hr, cbIO, close], [E_INVALID_PROTOCOL_FORMAT, 0, false]);
  });

  test(`${role}: text that breaks off is delivered up to the break, not as a message's end`, async () => {
    const { context, peer } = open(role);
    peer.send({ opcode: 1, data: Buffer.concat([Buffer.from('sound'), Buffer.of(0xc0), Buffer.from('lost')]) });
    await turns();
    const { text, final } = context.readNow();
    assert.equal([text, final], ['sound', false]);
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
  });

  test(`${role}: sending is over when the fault is detected, before anyone reads it`, async () => {
    const { context, peer } = open(role);
    peer.send({ opcode: 3 });
    await turns();
    assert.is(context.writeNow('x').hr, E_CONNECTION_INVALID);
    assert.is(context.closeNow().hr, E_CONNECTION_INVALID);
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
  });

  test(`${role}: what was accepted for sending goes out before the CLOSE, a large frame whole`, async () => {
    const { context, peer, near } = open(role);
    near.hold();
    const writing = context.write(pattern(500_000));
    await turns();
    peer.send({ opcode: 3 });
    await turns();
    near.release();
    assert.is((await writing).hr, S_OK);
    const frames = await peer.rest();
    assert.is(frames.length, 2);
    assert.is(frames[0], 'binary 500000 bytes');
    assert.match(frames[1]!, /^close 1002/);
  });

  test(`${role}: a large write that waits for room goes out before the CLOSE too: no data follows one`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const writing = context.write(pattern(100_000));
    peer.send({ opcode: 3 });
    await turns();
    near.release();
    assert.is((await writing).hr, S_OK);
    const frames = await peer.rest();
    assert.equal(frames.slice(0, 2), ['text "fills what may be unsent"', 'binary 100000 bytes']);
    assert.match(frames[2]!, /^close 1002/);
  });

  test(`${role}: after our own CLOSE a fault sends no second one`, async () => {
    const { context, peer } = open(role);
    context.closeNow(1000);
    peer.send({ opcode: 3 });
    assert.equal(await peer.rest(), ['close 1000']);
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
  });

  test(`${role}: what follows a fault is discarded, and a peer that does not end is cut after closeTimeout`, async () => {
    const { context, peer } = open(role, { closeTimeout: 500, receiveBufferLimit: 10 });
    peer.send({ opcode: 3 });
    await turns();
    for (let index = 0; index < 20; index++) peer.binary(pattern(50_000));
    await turns();
    assert.is(context.context.stats.receiveBuffered, 0);
    const frames = await peer.rest();
    assert.is(frames.length, 1);
    assert.not.ok(peer.closed);
    await clock.pass(500);
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT, 'the fault is what the reader is told');
    await clock.pass(1);
    assert.is(context.cleaned, 1);
  });

  test(`${role}: a fault behind more than receiveBufferLimit is read past: the peer's end is not missed`, async () => {
    const { context, peer, near } = open(role, { receiveBufferLimit: 10 });
    peer.send({ opcode: 1, data: Buffer.from('more than ten bytes') }, { opcode: 3 });
    await turns();
    assert.not.ok(near.isPaused());
    peer.stream.end();
    await peer.gone();
    assert.is(context.readNow().text, 'more than ten bytes');
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
    await turns();
    assert.is(context.cleaned, 1);
  });

  test(`${role}: a message may be as long as maxMessageSize, counted over its fragments, and no longer`, async () => {
    const { context, peer } = open(role, { maxMessageSize: 10 });
    peer.text('0123456789');
    peer.text('01234', false);
    peer.send({ opcode: 0, data: Buffer.from('56789') });
    for (const text of ['0123456789', '01234', '56789']) assert.is((await context.read()).text, text);
    peer.text('01234', false);
    peer.send({ opcode: 0, data: Buffer.from('567890') });
    assert.is((await context.read()).text, '01234');
    assert.match(await peer.next(), /^close 1009/);
    assert.is(context.readNow().hr, E_INVALID_PROTOCOL_FORMAT);
    assert.is(context.context.fault!.name, 'FAULT_TOO_BIG');
  });

  test(`${role}: a connection without a fault names none`, async () => {
    const { context, peer } = open(role);
    peer.close(1002, 'you broke a rule');
    await context.read();
    assert.is(context.context.fault, undefined);
    context.closeTcpConnection();
    assert.is(context.context.fault, undefined);
    const aborted = open(role);
    const reading = aborted.context.read();
    aborted.context.closeTcpConnection();
    assert.is((await reading).hr, E_OPERATION_ABORTED);
  });
}

test.run();
