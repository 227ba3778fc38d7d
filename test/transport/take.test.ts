/** What a transport takes at once and holds no pointer to, on sockets of every kind: all, a part, or nothing. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as connectSecure, createServer as createSecureServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StreamTransport } from '../../src/transport/stream.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { engine } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';

const test = suite('transport/take');

/** More than the kernel takes in both its buffers. */
const HUGE = pattern(24 << 20);

interface Joined {
  readonly transport: StreamTransport;
  readonly near: Duplex;
  readonly far: Duplex;
  /** Resolve when the owner is told so. */
  readonly written: Promise<void>;
  readonly closed: Promise<Error | undefined>;
}

const open: { destroy(): void }[] = [];
test.after.each(() => {
  for (const one of open.splice(0)) one.destroy();
});

let paths = 0;

async function dial(kind: string): Promise<[near: Duplex, far: Duplex]> {
  if (kind === 'duplex') return duplexPair() as [Duplex, Duplex];
  const options = { allowHalfOpen: true, pauseOnConnect: kind !== 'tls', key: KEY, cert: CERTIFICATE };
  const server: Server = kind === 'tls' ? createSecureServer(options) : createServer(options);
  const path = join(tmpdir(), `take-${process.pid}-${++paths}.sock`);
  await new Promise<void>(resolve =>
    kind === 'unix' ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  const where = kind === 'unix' ? { path } : (server.address() as { port: number });
  const accepted = new Promise<Socket>(resolve =>
    server.once(kind === 'tls' ? 'secureConnection' : 'connection', resolve),
  );
  const far =
    kind === 'tls'
      ? connectSecure({ port: 0, ...where, ca: CERTIFICATE, servername: 'localhost' })
      : connect(where as { port: number });
  const near = await accepted;
  server.close();
  return [near, far];
}

/** A transport on one end of a connection; the other end is paused. */
async function openOn(kind: string): Promise<Joined> {
  const [near, far] = await dial(kind);
  open.push(near, far);
  far.on('error', () => {}).pause();
  let tellWritten!: () => void;
  let tellClosed!: (error: Error | undefined) => void;
  const written = new Promise<void>(resolve => (tellWritten = resolve));
  const closed = new Promise<Error | undefined>(resolve => (tellClosed = resolve));
  const owner = { received: () => true, goOn: () => true, written: tellWritten, ended() {}, closed: tellClosed };
  return { transport: new StreamTransport(near, engine.intake, owner), near, far, written, closed };
}

/** The next `length` bytes that come to this end. */
function receive(far: Duplex, length: number): Promise<Buffer> {
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let here = 0;
    far.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      here += chunk.length;
      if (here >= length) resolve(Buffer.concat(chunks));
    });
    far.resume();
  });
}

/** Has the transport make the write from which it learns how this Node writes. */
async function teach({ transport, written }: Joined): Promise<void> {
  if (!transport.write(Buffer.from('first'))) await written;
}

// First, while the process has not seen Node write: writes go by the stream.
for (const end of ['near', 'far'] as const)
  test(`a write that the ${end} end cuts off is let go of when the socket has closed, not before`, async () => {
    const [near, far] = await dial('tcp');
    open.push(near, far);
    far.on('error', () => {}).pause();
    const told: string[] = [];
    let tellOver!: () => void;
    const over = new Promise<void>(resolve => (tellOver = resolve));
    const transport = new StreamTransport(near, engine.intake, {
      received: () => true,
      goOn: () => true,
      ended() {},
      closed: () => told.push('closed'),
      written: () => {
        told.push('written');
        tellOver();
      },
    });
    transport.start(Buffer.alloc(0), true);
    assert.not.ok(transport.writev([HUGE.subarray(0, 100), HUGE.subarray(100)]));
    if (end === 'near') near.destroy();
    else (far as Socket).resetAndDestroy();
    await over;
    assert.equal(told, ['closed', 'written']);
    assert.not.ok(transport.write(HUGE.subarray(0, 5)), 'nor is anything taken afterwards');
  });

for (const kind of ['tcp', 'unix'])
  test(`${kind}: until the process has seen Node write, nothing is taken; then all that there is room for`, async () => {
    const joined = await openOn(kind);
    const { transport, far } = joined;
    if (kind === 'tcp') assert.is(transport.take(HUGE, 0, 10), 0);
    await teach(joined);
    assert.is(transport.take(HUGE, 7, 5000), 5000);
    assert.is(transport.take(HUGE, 3, 1), 1);
    assert.is(transport.take(HUGE, 0, 0), 0);
    assert.ok(transport.write(Buffer.from('last')));
    const expected = Buffer.concat([
      Buffer.from('first'),
      HUGE.subarray(7, 5007),
      HUGE.subarray(3, 4),
      Buffer.from('last'),
    ]);
    assert.equal(await receive(far, expected.length), expected);
  });

for (const kind of ['tcp', 'unix'])
  test(`${kind}: of a peer that does not read a part is taken, then nothing; what is written behind it comes behind it`, async () => {
    const joined = await openOn(kind);
    const { transport, far, written } = joined;
    await teach(joined);
    const window = Buffer.from(HUGE);
    let part = 0;
    // The peer's kernel may make room while it is looked at, so that more than one part is taken.
    for (let taken = -1; taken; part += taken) {
      taken = transport.take(window, part, window.length - part);
      window.fill(0xee, part, part + taken);
    }
    assert.ok(part > 0 && part < HUGE.length, `${part} bytes were taken`);
    assert.not.ok(transport.write(HUGE.subarray(part)));
    const received = await receive(far, 5 + HUGE.length);
    await written;
    assert.is(Buffer.compare(received.subarray(5), HUGE), 0);
  });

for (const kind of ['tcp', 'unix', 'tls', 'duplex'])
  test(`${kind}: what is untaken of a write grows less as the peer reads, where that can be told`, async () => {
    const joined = await openOn(kind);
    const { transport, far, written } = joined;
    assert.not.ok(transport.write(HUGE));
    const untaken = transport.untaken;
    if (kind === 'tls' || kind === 'duplex') {
      assert.is(untaken, undefined);
      return;
    }
    assert.ok(untaken && untaken < HUGE.length, `${untaken} bytes are untaken`);
    far.resume();
    // What the peer has more of than two kernels hold has been taken meanwhile.
    for (let here = 0; here < HUGE.length / 2; ) here += (await once(far, 'data'))[0].length;
    assert.ok(transport.untaken! < untaken, `${transport.untaken} of ${untaken} bytes are untaken`);
    await written;
    assert.is(transport.untaken, 0);
  });

test('a socket that is destroyed takes nothing', async () => {
  const joined = await openOn('tcp');
  await teach(joined);
  joined.near.destroy();
  assert.is(joined.transport.take(HUGE, 0, 5000), 0);
  await joined.closed;
  assert.is(joined.transport.take(HUGE, 0, 5000), 0);
});

test('a socket that the peer has reset takes nothing, and the next write says why', async () => {
  const joined = await openOn('tcp');
  const { transport, near, far, closed } = joined;
  await teach(joined);
  near.pause();
  const gone = new Promise(resolve => far.once('close', resolve));
  (far as Socket).resetAndDestroy();
  await gone;
  assert.is(transport.take(HUGE, 0, 5000), 0);
  assert.not.ok(near.destroyed);
  assert.not.ok(transport.write(HUGE.subarray(0, 5000)));
  assert.ok((await closed) instanceof Error);
});

for (const kind of ['tls', 'duplex'])
  test(`${kind}: nothing is taken, whatever was written before`, async () => {
    const joined = await openOn(kind);
    const { transport, far } = joined;
    const first = receive(far, 5);
    await teach(joined);
    assert.equal(await first, Buffer.from('first'));
    assert.is(transport.take(HUGE, 0, 5000), 0);
  });

test.run();
