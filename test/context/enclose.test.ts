/**
 * Random programs of frames and answers, from a seed: a client sends frames of every length, cut anywhere, and the server
 * answers each piece in one of many ways. What the peers receive is held against a plain list of what was written.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_ILLEGAL_METHOD_CALL, E_INVALIDARG, S_OK } from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { type Frame, type Held, masked, openOnKernel } from '../support/kernel.ts';
import { leaveNothing, turn } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { Random } from '../support/random.ts';
import { leaveNobody, MODES, serve } from '../support/served.ts';
import type { Watched } from '../support/watched.ts';

const PROGRAMS = 250;
const EDGES = [0, 1, 2, 125, 126, 127, 4000, 65_535, 65_536, 65_537];
const BYTES = pattern(140_000);

/** What is done with a piece. */
const ANSWERS = ['result', 'result', 'result', 'view', 'own', 'skip', 'part', 'twice', 'other', 'late'] as const;
type Answer = (typeof ANSWERS)[number];

const test = suite('context/enclose');

/** A connection that is written to, and what its peer is to receive. */
interface Target {
  readonly context: Watched;
  readonly list: Frame[];
}

/** Reads what comes to one connection, and answers it there or on another. */
class Answering {
  readonly #own: Target;
  readonly #other: Target;
  readonly #random: Random;
  /** The ways in which answers are given here, and how each write ended. */
  readonly #ways: readonly Answer[];
  readonly told = { accepted: 0, waited: 0, late: 0, gone: 0 };
  /** The payload of all that was read. */
  readonly read: Uint8Array[] = [];
  readonly closed: Promise<void>;
  #close!: () => void;
  #waits = false;
  #late: { piece: FragmentResult; data: Uint8Array } | undefined;

  constructor(own: Target, other: Target, random: Random) {
    this.#own = own;
    this.#other = other;
    this.#random = random;
    this.#ways = random.once(3) ? ['result'] : ANSWERS;
    this.closed = new Promise(resolve => (this.#close = resolve));
    this.#go();
  }

  #go(): void {
    while (!this.#waits) {
      const way = this.#random.pick(this.#ways);
      const own = way === 'part' ? new Uint8Array(1 + this.#random.below(300)) : null;
      const piece = new FragmentResult();
      const told = (hr: number, _context: unknown, _cbIO: number, _text: boolean, _final: boolean, close: boolean) => {
        if (close) this.#close();
        if (hr !== S_OK || close) return;
        this.#answer(way, piece);
        this.#go();
      };
      if (this.#own.context.readFragment(own, true, told, 0, piece) !== S_OK || piece.completionExpected) return;
      if (piece.connectionClose) {
        this.#close();
        return;
      }
      this.#answer(way, piece);
    }
  }

  #answer(way: Answer, piece: FragmentResult): void {
    const { bytes, at, cbIO } = piece;
    const data = Buffer.copyBytesFrom(bytes!, at, cbIO);
    this.read.push(data);
    const late = this.#late;
    this.#late = undefined;
    if (way === 'late') this.#late = { piece, data };
    else if (way === 'view') this.#write(this.#own, piece.data, data);
    else if (way === 'own') this.#write(this.#own, BYTES.subarray(3, 3 + this.#random.below(20_000)));
    else if (way === 'other') this.#write(this.#other, piece, data);
    else if (way !== 'skip') this.#write(this.#own, piece, data);
    if (way === 'twice') this.#write(this.#own, piece, data);
    if (late) this.#write(this.#own, late.piece, late.data, true);
  }

  #write(
    { context, list }: Target,
    what: FragmentResult | Uint8Array,
    data: Uint8Array = Buffer.from(what as Buffer),
    late = false,
  ): void {
    const written = new FragmentResult();
    const again = () => {
      this.#waits = false;
      this.#go();
    };
    const hr = context.writeFragment(what, true, false, true, again, 0, written);
    // A write that waits lets no other in; a piece whose walk is over is gone.
    if (hr === E_ILLEGAL_METHOD_CALL) return;
    if (late && hr === E_INVALIDARG) {
      this.told.gone++;
      return;
    }
    assert.is(hr, S_OK);
    list.push({ opcode: 2, final: true, data });
    this.told.accepted++;
    if (late) this.told.late++;
    if (!written.completionExpected) return;
    this.told.waited++;
    if (context === this.#own.context) this.#waits = true;
  }
}

/** Frames that a client sends, PINGs between them, and their payload. */
function frames(random: Random): { stream: Buffer; payload: Buffer; pings: number } {
  const parts: Uint8Array[] = [];
  const payloads: Buffer[] = [];
  let pings = 0;
  const small = random.once(2);
  for (let count = random.below(60); count; count--) {
    if (random.once(8)) parts.push(masked(9, String(pings++)));
    const most = small ? 300 : 70_000;
    const length = random.once(3) ? random.pick(EDGES) : random.below(random.pick([10, 130, most]));
    const start = random.below(BYTES.length - length);
    const payload = BYTES.subarray(start, start + length);
    payloads.push(payload);
    parts.push(masked(2, payload));
  }
  parts.push(masked(8, Uint8Array.of(3, 232)));
  return { stream: Buffer.concat(parts), payload: Buffer.concat(payloads), pings };
}

function chunks(stream: Buffer, random: Random): Buffer[] {
  const cut: Buffer[] = [];
  const most = random.pick([700, 30_000, 500_000]);
  for (let at = 0; at < stream.length; at += cut.at(-1)!.length)
    cut.push(stream.subarray(at, at + 1 + random.below(most)));
  return cut;
}

/** Holds what a peer received against the list; of PONGs, the newest at least is among it, and they come in order. */
function judge(received: readonly Frame[], list: readonly Frame[], pings: number, title: string): void {
  const data = received.filter(({ opcode }) => opcode === 2);
  const pongs = received.filter(({ opcode }) => opcode === 10).map(frame => Number(Buffer.from(frame.data).toString()));
  const wrong = data.findIndex((frame, i) => !list[i] || Buffer.compare(frame.data, list[i].data));
  assert.is(wrong, -1, `${title}: frame ${wrong} of ${data.length}`);
  assert.is(data.length, list.length, title);
  assert.ok(
    pongs.every((pong, i) => !i || pong > pongs[i - 1]!),
    `${title}: PONGs ${pongs}`,
  );
  assert.is(pongs.at(-1), pings ? pings - 1 : undefined, title);
}

test(`${PROGRAMS} programs, on a kernel that takes what it likes`, async () => {
  const totals = { accepted: 0, waited: 0, late: 0, gone: 0, offered: 0 };
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const random = new Random(seed);
    const takeLeast = random.pick([0, 100, 4096, Number.POSITIVE_INFINITY]);
    const limit = { sendBufferLimit: random.pick([0, 3000, 65_536, 10_000_000]) };
    const appetite = (length: number) => random.pick([0, length, random.below(length + 1)]);
    const patient = random.once(2);
    const [own, other] = [1, 2].map(() => openOnKernel(limit, takeLeast, appetite, patient)) as [Held, Held];
    const [here, there] = [
      { context: own.context, list: [] },
      { context: other.context, list: [] },
    ];
    const answering = new Answering(here, there, random);
    const { stream, payload, pings } = frames(random);
    const release = async () => {
      await turn();
      own.kernel.release();
      other.kernel.release();
    };
    for (const chunk of chunks(stream, random)) {
      own.kernel.receive(chunk);
      if (random.once(2)) await release();
    }
    const unsent = () => own.context.context.stats.sendBuffered + other.context.context.stats.sendBuffered;
    let ended = false;
    void answering.closed.then(() => (ended = true));
    while (!ended || unsent()) await release();
    assert.is(Buffer.compare(Buffer.concat(answering.read), payload), 0, `seed ${seed}: what was read`);
    judge(own.kernel.frames, here.list, pings, `seed ${seed}`);
    judge(other.kernel.frames, there.list, 0, `seed ${seed}, the other`);
    for (const name of ['accepted', 'waited', 'late', 'gone'] as const) totals[name] += answering.told[name];
    totals.offered += own.kernel.offered.length + other.kernel.offered.length;
    await leaveNothing();
  }
  assert.ok(
    Object.values(totals).every(total => total > 20),
    JSON.stringify(totals),
  );
});

for (const mode of MODES.filter(({ directReads }) => directReads))
  test(`${mode.name}: programs on sockets`, async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const served = await serve(mode, { sendBufferLimit: random.pick([0, 3000, 65_536]) });
      const [own, other] = [await served.connect(), await served.connect()];
      const [here, there] = [
        { context: own.context, list: [] },
        { context: other.context, list: [] },
      ];
      const answering = new Answering(here, there, random);
      const { stream, payload, pings } = frames(random);
      const received = [own, other].map(async ({ peer }) => {
        const all: Frame[] = [];
        for (let frame = await peer.receive(); frame; frame = await peer.receive()) all.push(frame);
        return all;
      });
      for (const chunk of chunks(stream, random)) {
        own.client.write(chunk);
        if (random.once(3)) await turn();
      }
      await answering.closed;
      while (own.context.pending + other.context.pending) await turn();
      await Promise.all([own, other].map(({ context }) => context.close()));
      other.peer.close(1000);
      const [first, second] = await Promise.all(received);
      assert.is(Buffer.compare(Buffer.concat(answering.read), payload), 0, `seed ${seed}: what was read`);
      judge(first!, here.list, pings, `seed ${seed}`);
      judge(second!, there.list, 0, `seed ${seed}, the other`);
      await leaveNobody();
    }
  });

test.run();
