/**
 * Nothing that leaves carries what is not its own. When a walk is over, every byte of linear memory that holds nothing
 * any more is poisoned: the window and the room before it, the table of fragments, freed records, freed pages, and what
 * is left of the page that is being filled. Connections whose payloads are secrets of their own then talk in every way
 * there is, over real sockets, and all that comes out is searched for poison and for the secrets of others.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FRAGMENT_SIZE,
  FRAGMENTS,
  FRAGMENTS_MOST,
  RECORD_SIZE,
  WINDOW,
  WINDOW_ROOM,
  WINDOW_SIZE,
} from '../../assembly/abi.ts';
import { PAGE_SIZE } from '../../src/codec/memory.ts';
import { FAILED } from '../../src/context/hresult.ts';
import type { Page } from '../../src/context/pages.ts';
import { engine, leaveNothing, ROLES, type Role } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { FrameReader } from '../support/raw.ts';
import { type Joined, type Stand, stand } from '../support/socket.ts';
import { writeFrame } from '../support/wire.ts';

const test = suite('hostile/poison');
test.after.each(leaveNothing);

const POISON = Buffer.from('~POISON~');
const SECRET = 8;
const memory = Buffer.from(engine.memory.buffer);
const free = new Set<number>();
/** The page at each address that was ever filled. */
const pages = new Map<number, Page>([[engine.pages.current.ptr, engine.pages.current]]);
let poisoned = 0;

function poison(from: number, to: number): void {
  memory.fill(POISON, from, to);
  poisoned += to - from;
}

/** Poisons what a turn has left behind. A free stretch's first word names the next one, and stays. */
function poisonFree(): void {
  poison(WINDOW - WINDOW_ROOM, WINDOW + WINDOW_SIZE);
  poison(FRAGMENTS, FRAGMENTS + FRAGMENTS_MOST * FRAGMENT_SIZE);
  for (const record of free) poison(record + 4, record + RECORD_SIZE);
  for (const [ptr, page] of pages) {
    if (page === engine.pages.current) poison(ptr + engine.pages.fill, ptr + PAGE_SIZE);
    else if (!page.held) poison(ptr + 4, ptr + PAGE_SIZE);
  }
}

const pool = engine.memory.records;
const take = pool.take.bind(pool);
const give = pool.give.bind(pool);
pool.take = () => {
  const record = take();
  free.delete(record);
  return record;
};
pool.give = record => {
  give(record);
  free.add(record);
};
const next = engine.pages.next.bind(engine.pages);
engine.pages.next = () => {
  next();
  const { current } = engine.pages;
  if (current.ptr) pages.set(current.ptr, current);
};
const { intake } = engine;
const receive = intake.receive.bind(intake);
intake.receive = (owner, length, lasting) => {
  receive(owner, length, lasting);
  if (intake.unfinished) setImmediate(() => intake.unfinished || poisonFree());
  else poisonFree();
};
const feed = intake.feed.bind(intake);
intake.feed = (owner, chunk) => {
  feed(owner, chunk);
  poisonFree();
};

/** What a connection says and must hear: its name again and again. */
function secretOf(index: number): Buffer {
  return Buffer.from(`<#${String(index).padStart(SECRET - 3, '0')}>`);
}

function say(secret: Buffer, length: number): Buffer {
  return Buffer.alloc(length, secret);
}

/** Whether these are the bytes of `secret`, from any of its bytes on. */
function isSaid(secret: Buffer, data: Buffer): boolean {
  const phase = say(secret, 2 * SECRET).indexOf(data.subarray(0, SECRET));
  return phase >= 0 && data.equals(say(secret, data.length + phase).subarray(phase));
}

type Answer = (joined: Joined, random: Random, secret: Buffer) => void;

/** Echoes by lent views: read and write in one completion. */
function echoLent({ context }: Joined): void {
  context.readFragment(null, true, (hr, _context, _cbIO, utf8, final, close, data) => {
    if (FAILED(hr)) return;
    if (close) return void context.closeNow(1000);
    context.writeFragment(data, true, utf8, final, hr => FAILED(hr) || echoLent({ context } as Joined));
  });
}

/** Echoes through a buffer of its own, which must hold what was read and behind it what it held before. */
function echoCopied({ context }: Joined, random: Random, secret: Buffer): void {
  const buffer = new Uint8Array(1 + random.below(40_000)).fill(0xee);
  context.readFragment(buffer, true, (hr, _context, cbIO, utf8, final, close, data) => {
    assert.ok(
      buffer.subarray(cbIO).every(byte => byte === 0xee),
      'nothing is written behind what was read',
    );
    if (FAILED(hr)) return;
    if (close) return void context.closeNow(1000);
    context.writeFragment(data, true, utf8, final, hr => {
      if (!FAILED(hr)) echoCopied({ context } as Joined, random, secret);
    });
  });
}

/** Lets everything be queued for a while, then echoes from there. */
function echoLate(joined: Joined, random: Random, secret: Buffer): void {
  setImmediate(() => setImmediate(() => (random.once(2) ? echoLent(joined) : echoCopied(joined, random, secret))));
}

const ANSWERS: readonly Answer[] = [echoLent, echoCopied, echoLate];
const LENGTHS = [0, 1, 7, 125, 126, 500, 4000, 16_384, 16_385, 65_530, 65_536, 150_000];

/** Talks to an echo over a bare socket, and ends in one of the ways there are. Resolves when the connection is over. */
function converse({ far }: Joined, role: Role, secret: Buffer, random: Random): Promise<number> {
  const key = role === 'server' ? random.bytes(4) : undefined;
  const reader = new FrameReader();
  let expected = 0;
  let left = 12;
  let heard = 0;
  const speak = () => {
    const length = random.pick(LENGTHS);
    const data = say(secret, length);
    const cut = random.below(length + 1);
    const frames = [
      writeFrame({ opcode: 9, data: say(secret, random.below(126)), key }),
      writeFrame({ opcode: 2, final: false, data: data.subarray(0, cut), key }),
      writeFrame({ opcode: 10, data: say(secret, random.below(126)), key }),
      writeFrame({ opcode: 0, data: data.subarray(cut), key }),
    ];
    expected = length;
    heard = 0;
    const stream = Buffer.concat(frames);
    const at = random.below(stream.length);
    far.write(stream.subarray(0, at));
    setImmediate(() => far.write(stream.subarray(at)));
  };
  const bow = () => {
    const way = random.below(5);
    if (way === 0)
      far.write(writeFrame({ opcode: 8, data: Buffer.concat([Buffer.of(3, 0xe8), say(secret, 123)]), key }));
    else if (way === 1) far.write(writeFrame({ opcode: 8, data: Buffer.of(3), key }));
    else if (way === 2) far.write(writeFrame({ opcode: 0x43, data: say(secret, 50), key }));
    else if (way === 3)
      far.write(writeFrame({ opcode: 1, data: Buffer.concat([say(secret, 50), Buffer.of(0xff)]), key }));
    else far.write(writeFrame({ opcode: 2, data: say(secret, 500), key }).subarray(0, 300));
    far.end();
  };
  let total = 0;
  return new Promise((resolve, reject) => {
    far.on('close', () => resolve(total));
    far.on('end', () => far.end());
    far.on('data', (chunk: Buffer) => {
      try {
        total += chunk.length;
        for (const frame of reader.read(chunk)) {
          const { opcode, data, final } = frame;
          const says = opcode === 8 ? data.subarray(2) : data;
          assert.is(data.indexOf(POISON), -1, 'no poison');
          if (opcode === 8) assert.match(says.toString(), /^[\x20-\x7e§]*$/);
          else assert.ok(isSaid(secret, says), `${secret} hears its own: ${says.subarray(0, 40)}`);
          if (opcode === 8) far.end();
          if (opcode > 2) continue;
          heard += data.length;
          if (!final) continue;
          assert.is(heard, expected, 'a message comes back as long as it went');
          if (--left) speak();
          else bow();
        }
      } catch (error) {
        reject(error);
      }
    });
    far.resume();
    speak();
  });
}

for (const role of ROLES) {
  for (const directReads of [true, false]) {
    test(`${role}, ${directReads ? 'reading into the window' : "by 'data' events"}: thirty-six connections hear only themselves`, async () => {
      const place: Stand = await stand(role, { directReads, closeTimeout: 1000 });
      const random = new Random(role.length + Number(directReads));
      const before = poisoned;
      let total = 0;
      // Six at once, six times over: records and pages pass from one to another.
      for (let round = 0; round < 6; round++) {
        const talks = Array.from({ length: 6 }, async (_, index) => {
          const secret = secretOf(round * 6 + index + (directReads ? 0 : 36));
          const joined = await place.join();
          joined.near.on('error', () => {});
          random.pick(ANSWERS)(joined, random, secret);
          return converse(joined, role, secret, random);
        });
        for (const length of await Promise.all(talks)) total += length;
      }
      assert.ok(total > 5_000_000, `${total} bytes were searched`);
      assert.ok(poisoned - before > WINDOW_SIZE, 'there was poison');
      await place.stop();
    });
  }
}

test('poison shows where it is read: the search is not blind', () => {
  poisonFree();
  const echoed = Buffer.from(memory.subarray(WINDOW + 3, WINDOW + 43));
  assert.not.ok(isSaid(secretOf(1), echoed));
  assert.not.ok(isSaid(secretOf(1), say(secretOf(2), 40)));
  assert.ok(isSaid(secretOf(1), say(secretOf(1), 43).subarray(3)));
  assert.ok(free.size > 5 && pages.size > 1, 'records and pages passed from one to another');
});

test.run();
