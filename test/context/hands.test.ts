/**
 * The transport's hands: what a write gave to it is not copied, and may not change until it lets go. The transport here
 * holds all that it is given until the test opens its hands, as a kernel does whose buffers are full.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Context } from '../../src/context/context.ts';
import { E_OPERATION_ABORTED, S_OK } from '../../src/context/hresult.ts';
import { limitsOf } from '../../src/context/options.ts';
import type { Transport, TransportOwner } from '../../src/transport/transport.ts';
import { engine, leaveNothing, turns, watch } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('context/hands');
test.after.each(leaveNothing);

const STRETCH = 262_144;

class Hands implements Transport {
  readonly remoteAddress = undefined;
  readonly stretch = STRETCH;
  readonly patient: boolean;
  readonly takeLeast = Number.POSITIVE_INFINITY;
  readonly untaken = undefined;
  readonly owner: TransportOwner;
  /** What has left them, read when they let go. */
  sent = Buffer.alloc(0);
  ended = false;
  #held: readonly Uint8Array[] = [];

  constructor(owner: TransportOwner, patient: boolean) {
    this.owner = owner;
    this.patient = patient;
  }

  write(chunk: Uint8Array): boolean {
    return this.writev([chunk]);
  }

  take(): number {
    return 0;
  }

  writev(chunks: readonly Uint8Array[]): boolean {
    assert.not.ok(this.full, 'one write at a time');
    this.#held = chunks;
    return false;
  }

  get full(): boolean {
    return this.#held.length > 0;
  }

  /** Lets go of what is held; in a callback of the event loop's, as the kernel does. */
  async open(): Promise<void> {
    await turns(1);
    this.sent = Buffer.concat([this.sent, ...this.#held]);
    this.#held = [];
    this.owner.written();
  }

  async empty(): Promise<void> {
    for (await turns(1); this.full; await turns(1)) await this.open();
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.#held = [];
    setImmediate(() => {
      this.owner.closed(undefined);
      this.owner.written();
    });
  }

  pause(): void {}
  resume(): void {}

  /** Puts bytes into the window. */
  receive(bytes: Uint8Array): void {
    engine.intake.feed(this.owner, bytes);
  }
}

function open(patient = false): { context: Watched; hands: Hands } {
  let hands!: Hands;
  const context = new Context({
    engine,
    record: engine.memory.records.take(),
    role: 'server',
    protocol: '',
    limits: limitsOf({}),
    onCleanup: () => {},
    onFault: () => {},
    transport: owner => (hands = new Hands(owner, patient)),
  });
  return { context: watch(context), hands };
}

/** A PING as a client sends it, masked with nothing. */
function ping(payload: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x89, 0x80 | payload.length, 0, 0, 0, 0), Buffer.from(payload)]);
}

for (const patient of [true, false]) {
  const when = patient ? 'when Node has read from every socket' : 'at the end of the turn';
  test(`what goes to a transport that is ${patient ? '' : 'not '}patient leaves ${when}`, async () => {
    const { context, hands } = open(patient);
    context.writeNow(pattern(100));
    await new Promise<void>(resolve => process.nextTick(resolve));
    assert.is(hands.full, !patient);
    await turns(1);
    assert.ok(hands.full);
    await hands.open();
  });
}

for (const rest of [1, 20_000, STRETCH]) {
  test(`a large write whose last stretch is ${rest} bytes completes when that is let go of`, async () => {
    const { context, hands } = open();
    const payload = pattern(STRETCH + rest);
    const expected = Buffer.from(payload);
    const writing = context.write(payload).then(told => {
      payload.fill(0);
      return told;
    });
    await hands.open();
    await turns();
    assert.is(context.pending, 1, 'the last stretch is in their hands');
    await hands.open();
    assert.is((await writing).hr, S_OK);
    assert.equal(hands.sent.subarray(10), expected);
  });
}

test('a large write that is cancelled with its last stretch in their hands completes when they let go', async () => {
  const { context, hands } = open();
  const payload = pattern(100_000);
  const expected = Buffer.from(payload);
  const writing = context.write(payload).then(told => {
    payload.fill(0);
    return told;
  });
  context.cancelOutstandingIO();
  await turns();
  assert.is(context.pending, 1);
  await hands.open();
  assert.is((await writing).hr, E_OPERATION_ABORTED);
  assert.equal(hands.sent.subarray(10), expected);
});

test('a large write that is cancelled in its midst completes when they let go of its stretch, not of the rest', async () => {
  const { context, hands } = open();
  const payload = pattern(STRETCH + 100_000);
  const writing = context.write(payload);
  context.cancelOutstandingIO();
  await hands.open();
  assert.is((await writing).hr, E_OPERATION_ABORTED);
  assert.ok(hands.full, 'the rest is in their hands, as a copy');
  const expected = Buffer.from(payload);
  payload.fill(0);
  await hands.empty();
  assert.equal(hands.sent.subarray(10), expected);
});

test('a large write that waits behind another write is aborted at once, and taken back', async () => {
  const { context, hands } = open();
  context.writeNow('before');
  await turns();
  const writing = context.write(pattern(100_000));
  context.cancelOutstandingIO();
  assert.is((await writing).hr, E_OPERATION_ABORTED);
  context.writeNow('behind');
  await hands.empty();
  assert.is(hands.sent.toString('latin1'), '\x81\x06before\x81\x06behind');
  assert.is(context.context.stats.bytesSent, 12);
});

test('a frame that closeTcpConnection breaks off is the last thing sent', async () => {
  const { context, hands } = open();
  const writing = context.write(pattern(STRETCH + 20));
  hands.receive(ping('a payload that may not stand in for the end of the message'));
  context.closeTcpConnection();
  await hands.empty();
  assert.is((await writing).hr, E_OPERATION_ABORTED);
  assert.is(hands.sent.length, 10 + STRETCH);
  assert.ok(hands.ended);
});

test('a small write that is due its completion has been made, and a cancel comes too late for it', async () => {
  const { context, hands } = open();
  const writing = context.write('small');
  context.cancelOutstandingIO();
  await Promise.resolve();
  assert.is(context.pending, 1, 'not in the turn of the cancelling');
  const { hr, cbIO } = await writing;
  assert.equal([hr, cbIO], [S_OK, 5]);
  await hands.empty();
  assert.is(hands.sent.toString('utf8', 2), 'small');
});

test.run();
