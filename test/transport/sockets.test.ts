/** Contexts on sockets that http.Server hands over, each case in every way that bytes may come. */

import type { Duplex } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WINDOW_SIZE } from '../../assembly/abi.ts';
import { E_HANDLE_EOF, E_NETNAME_DELETED, E_OPERATION_ABORTED, FAILED, S_OK } from '../../src/context/hresult.ts';
import { FragmentResult } from '../../src/context/result.ts';
import { CERTIFICATE } from '../support/certificate.ts';
import { linkPair } from '../support/link.ts';
import { turn, turns, watch } from '../support/pair.ts';
import { Peer, pattern } from '../support/peer.ts';
import { type Connected, happens, leaveNobody, MODES, readHead, serve, upgradeRequest } from '../support/served.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('transport/sockets');
test.after.each(leaveNobody);

/** More than the kernel takes in both its buffers. */
const HUGE = 24 << 20;

/** Sends back what comes, fragment by fragment, until the connection ends; resolves with the last HRESULT. */
function echo(context: Watched): Promise<number> {
  const result = new FragmentResult();
  return new Promise(resolve => {
    const read = (): void => {
      const hr = context.readFragment(null, true, onRead);
      if (FAILED(hr)) resolve(hr);
    };
    const onRead = (
      hr: number,
      _context: unknown,
      _cbIO: number,
      utf8: boolean,
      final: boolean,
      close: boolean,
      data: Uint8Array,
    ): void => {
      if (close) context.sendConnectionClose(true, 1000, null, null, 0, result);
      if (FAILED(hr) || close) {
        resolve(hr);
        return;
      }
      const wrote = context.writeFragment(data, true, utf8, final, hr => (FAILED(hr) ? resolve(hr) : read()));
      if (FAILED(wrote)) resolve(wrote);
    };
    read();
  });
}

/** Whole messages of the peer's, put together from their frames. */
async function message(peer: Peer): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const received = await peer.receive();
    if (!received) return assert.unreachable('the connection ended') as never;
    parts.push(received.data);
    if (received.final) return Buffer.concat(parts);
  }
}

/** Whether the socket's bytes come by 'data' events. */
const byEvents = (socket: Duplex) => socket.listenerCount('data') > 0;

for (const mode of MODES) {
  const { name } = mode;

  test(`${name}: bytes come the way that was asked for`, async () => {
    const served = await serve(mode);
    const { socket } = await served.connect();
    assert.is(byEvents(socket), !mode.directReads);
  });

  test(`${name}: messages of every length come back as they went`, async () => {
    const served = await serve(mode);
    const { context, peer } = await served.connect();
    void echo(context);
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 262_144, 262_145, 1_000_000]) {
      peer.binary(pattern(length));
      assert.ok((await message(peer)).equals(pattern(length)), `${length} bytes`);
    }
    peer.close(1000);
    assert.is(await peer.next(), 'close 1000');
    await peer.end();
  });

  test(`${name}: a conversation byte by byte`, async () => {
    const served = await serve(mode);
    const { context, peer, client } = await served.connect();
    client.setNoDelay(true);
    void echo(context);
    const stream = Buffer.concat([
      peer.frame({ opcode: 1, final: false, data: Buffer.from('€') }),
      peer.frame({ opcode: 9, data: Buffer.from('p') }),
      peer.frame({ opcode: 0, data: Buffer.from('!') }),
      peer.frame({ opcode: 8 }),
    ]);
    for (const byte of stream) {
      client.write(Buffer.of(byte));
      await turn();
    }
    const received = [];
    for (let one = await peer.receive(); one; one = await peer.receive()) received.push(one);
    const text = received.filter(({ opcode }) => opcode < 8).map(({ data }) => data);
    assert.is(Buffer.concat(text).toString(), '€!');
    assert.equal(
      received.filter(({ opcode }) => opcode > 8).map(({ data }) => data.toString()),
      ['p'],
    );
  });

  test(`${name}: lent views are each connection's own, also in the ticks and microtasks of its turn`, async () => {
    const served = await serve(mode);
    const connected: Connected[] = [];
    for (let at = 0; at < 12; at++) connected.push(await served.connect());
    for (let round = 0; round < 5; round++) {
      const checks: Promise<void>[] = [];
      for (const [at, { context }] of connected.entries()) {
        const own = Buffer.alloc(1000 + at, `${at}-${round};`);
        checks.push(
          new Promise((resolve, reject) => {
            const hr = context.readFragment(null, true, (_hr, _ctx, _cb, _utf8, final, _close, data) => {
              const check = (when: string) => assert.ok(final && own.equals(data), `connection ${at} ${when}`);
              check('in its completion');
              process.nextTick(() => {
                check('in a tick');
                Promise.resolve()
                  .then(() => check('in a microtask of a tick'))
                  .then(resolve, reject);
              });
              queueMicrotask(() => check('in a microtask'));
            });
            assert.is(hr, S_OK);
          }),
        );
      }
      for (const [at, { peer }] of connected.entries()) peer.binary(Buffer.alloc(1000 + at, `${at}-${round};`));
      await Promise.all(checks);
    }
  });

  test(`${name}: a completion that throws while other sockets wait harms none of them`, async () => {
    const served = await serve(mode);
    const connected: Connected[] = [];
    for (let at = 0; at < 8; at++) connected.push(await served.connect());
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    process.on('uncaughtException', note);
    const read = connected.map(
      ({ context }, at) =>
        new Promise<boolean>(resolve => {
          context.readFragment(null, true, (_hr, _ctx, _cb, _utf8, _final, _close, data) => {
            process.nextTick(() => resolve(Buffer.alloc(500, `${at};`).equals(data)));
            throw new Error(`${at}`);
          });
        }),
    );
    for (const [at, { peer }] of connected.entries()) peer.binary(Buffer.alloc(500, `${at};`));
    const whole = await Promise.all(read);
    await turns();
    process.off('uncaughtException', note);
    assert.ok(whole.every(Boolean), 'each sees its own bytes until its turn ends');
    assert.equal(errors.map(error => Number((error as Error).message)).sort(), Array.from(connected.keys()));
    const again = connected[3]!.context.read();
    connected[3]!.peer.text('still here');
    assert.is((await again).text, 'still here');
  });

  test(`${name}: bytes in the packet of the handshake are decoded first`, async () => {
    const served = await serve(mode);
    const writer = new Peer(linkPair()[0], 'client');
    const first = Buffer.concat(
      ['one', 'two'].map(text => Buffer.from(writer.frame({ opcode: 1, data: Buffer.from(text) }))),
    );
    const { context, peer } = await served.connect(first);
    peer.text('three');
    assert.equal(
      [(await context.read()).text, (await context.read()).text, (await context.read()).text],
      ['one', 'two', 'three'],
    );
  });

  test(`${name}: what was written to the socket before the upgrade goes out before it`, async () => {
    const served = await serve(mode);
    const client = await served.dial();
    const before = pattern(HUGE >> 1);
    served.server.once('upgrade', (request, socket, head) => {
      socket.write(before);
      watch(served.module.accept(request, socket, head)).writeNow('hello');
    });
    client.pause();
    client.write(upgradeRequest());
    await turns(50);
    const peer = new Peer(client, 'client');
    const answer = (): number => peer.bytes.indexOf('HTTP/1.1 101');
    while (peer.bytes.length < before.length || !peer.bytes.subarray(-7).equals(Buffer.from('\x81\x05hello', 'latin1')))
      await turn();
    assert.ok(peer.bytes.subarray(0, before.length).equals(before));
    assert.is(answer(), before.length);
  });

  test(`${name}: an upgrade accepted after an await gets all that gathered meanwhile, in order`, async () => {
    const served = await serve(mode);
    const client = await served.dial();
    const peer = new Peer(linkPair()[0], 'client');
    const gathered = Buffer.concat([
      peer.frame({ opcode: 2, data: pattern(65_536) }),
      peer.frame({ opcode: 1, data: Buffer.from('behind') }),
    ]);
    const accepted = new Promise<Watched>(resolve => {
      served.server.once('upgrade', async (request, socket, head) => {
        // Until no more comes: the Readable is full, or all is here.
        for (let before = -1; before !== socket.readableLength || !before; await turns(20))
          before = socket.readableLength;
        assert.ok(head.length + socket.readableLength > 16_000);
        resolve(watch(served.module.accept(request, socket, head)));
      });
    });
    client.write(upgradeRequest());
    client.write(gathered);
    const context = await accepted;
    const parts: Buffer[] = [];
    for (let final = false; !final; ) {
      const told = await context.read();
      parts.push(told.data);
      final = told.final;
    }
    assert.ok(Buffer.concat(parts).equals(pattern(65_536)));
    assert.is((await context.read()).text, 'behind');
    client.write(peer.frame({ opcode: 1, data: Buffer.from('later') }));
    assert.is((await context.read()).text, 'later');
  });

  test(`${name}: what nobody reads pauses the socket, and loses nothing, however late its reads come in`, async () => {
    const served = await serve(mode, { receiveBufferLimit: 50_000 });
    const { context, peer, client } = await served.connect();
    const messages = 400;
    for (let at = 0; at < messages; at++) peer.binary(pattern(20_000 + at));
    await turns(200);
    assert.ok(client.writableLength > 0 || client.writableNeedDrain, 'the peer feels it');
    assert.ok(
      context.context.stats.receiveBuffered < 50_000 + 2 * WINDOW_SIZE,
      'one read, and with TLS what it still holds',
    );
    for (let at = 0; at < messages; at++) {
      const parts: Buffer[] = [];
      for (let final = false; !final; ) {
        const told = await context.read(at % 2 ? new Uint8Array(7000) : null);
        parts.push(told.data);
        final = told.final;
      }
      assert.ok(Buffer.concat(parts).equals(pattern(20_000 + at)), `message ${at}`);
    }
  });

  test(`${name}: a peer that reads slowly holds writes back, and gets every byte`, async () => {
    const served = await serve(mode);
    const { context, peer, client } = await served.connect();
    client.pause();
    const wrote: number[] = [];
    const lengths = [HUGE >> 1, 10, 16_384, 100_000, 0, HUGE >> 2, 70_000];
    const writing = (async () => {
      for (const length of lengths) wrote.push((await context.write(pattern(length))).cbIO);
    })();
    await turns(50);
    assert.is(wrote.length, 0, 'the first one waits');
    client.resume();
    for (const length of lengths) assert.ok((await peer.receive())!.data.equals(pattern(length)), `${length} bytes`);
    await writing;
    assert.equal(wrote, lengths);
    await turns();
    assert.is(context.context.stats.sendBuffered, 0);
  });

  test(`${name}: what the kernel takes at once leaves room for the next write of the same turn`, async () => {
    const served = await serve(mode, { sendBufferLimit: 20_000 });
    const { context, peer } = await served.connect();
    await context.write('first');
    const inline = Array.from({ length: 10 }, () => context.writeNow(pattern(10_000)).hr === S_OK);
    // TLS says only later what it took.
    assert.is(inline.every(Boolean), mode.kind !== 'tls');
    assert.is(await peer.next(), 'text "first"');
    for (const done of inline) if (done) assert.is(await peer.next(), 'binary 10000 bytes');
  });

  test(`${name}: small writes to a peer that does not read wait at the limit, and arrive in order`, async () => {
    const served = await serve(mode, { sendBufferLimit: 65_536 });
    const { context, peer, client } = await served.connect();
    client.pause();
    let inline = 0;
    const frame = pattern(10_000);
    while (context.pending === 0 && inline < 5000) {
      frame.writeUInt32LE(inline);
      const result = new FragmentResult();
      assert.is(
        context.writeFragment(frame, true, false, true, () => {}, 0, result),
        S_OK,
      );
      inline++;
      if (inline % 4 === 0) await turn();
    }
    assert.ok(context.pending === 1 && inline > 6);
    assert.ok(context.context.stats.sendBuffered < 65_536 + 2 * 10_020);
    client.resume();
    for (let at = 0; at < inline; at++) assert.is((await peer.receive())!.data.readUInt32LE(), at);
    await turns();
    assert.is(context.pending, 0);
  });

  test(`${name}: a part-written large frame that is cancelled is finished from a copy`, async () => {
    const served = await serve(mode);
    const { context, peer, client } = await served.connect();
    client.pause();
    const data = pattern(HUGE);
    const writing = context.write(data).then(told => {
      data.fill(0);
      return told;
    });
    await turns(50);
    context.cancelOutstandingIO();
    client.resume();
    assert.is((await writing).hr, E_OPERATION_ABORTED);
    assert.ok((await peer.receive())!.data.equals(pattern(HUGE)));
    assert.is((await context.write('after')).hr, S_OK);
    assert.is(await peer.next(), 'text "after"');
  });

  test(`${name}: a large frame under way when the peer is gone fails, once`, async () => {
    const served = await serve(mode);
    const { context, client } = await served.connect();
    client.pause();
    const both = [context.write(pattern(HUGE)), context.read()];
    await turns(50);
    assert.is(context.pending, 2);
    if (mode.kind === 'tcp') client.resetAndDestroy();
    else client.destroy();
    for (const { hr } of await Promise.all(both))
      assert.ok([E_NETNAME_DELETED, E_HANDLE_EOF].includes(hr), hr.toString(16));
  });

  test(`${name}: FIN, reset and a socket that this side destroys are told apart`, async () => {
    const served = await serve(mode);
    const ended = await served.connect();
    const reading = ended.context.read();
    ended.client.end();
    assert.is((await reading).hr, E_HANDLE_EOF);
    await ended.peer.end();
    const destroyed = await served.connect();
    const waiting = destroyed.context.read();
    destroyed.socket.destroy();
    assert.is((await waiting).hr, E_OPERATION_ABORTED);
    if (mode.kind !== 'tcp') return;
    const reset = await served.connect();
    const cut = reset.context.read();
    reset.client.resetAndDestroy();
    assert.is((await cut).hr, E_NETNAME_DELETED);
  });

  test(`${name}: closeTcpConnection sends what was accepted, then ends, and the peer's end closes the socket`, async () => {
    const served = await serve(mode);
    const { context, peer, socket, client } = await served.connect();
    for (let at = 0; at < 10; at++) context.writeNow(`${at}`);
    context.closeTcpConnection();
    assert.equal(
      await peer.rest(),
      Array.from({ length: 10 }, (_, at) => `text "${at}"`),
    );
    client.write(peer.frame({ opcode: 1, data: Buffer.from('discarded') }));
    const closed = happens(socket, 'close');
    client.end();
    await closed;
    assert.is(served.module.size, 0);
  });

  test(`${name}: what was accepted goes out though the peer has ended its side`, async () => {
    const served = await serve(mode, { sendBufferLimit: HUGE });
    const { context, peer, client } = await served.connect();
    client.pause();
    const frame = pattern(10_000);
    let frames = 0;
    for (; context.context.stats.sendBuffered < HUGE / 2; frames++) {
      frame.writeUInt32LE(frames);
      assert.is(context.writeNow(frame).hr, S_OK);
      if (frames % 50 === 0) await turn();
    }
    const end = context.read();
    client.end();
    assert.is((await end).hr, E_HANDLE_EOF);
    client.resume();
    for (let at = 0; at < frames; at++) assert.is((await peer.receive())?.data.readUInt32LE(), at);
    assert.is(await peer.next(), 'end');
  });

  test(`${name}: an idle socket times out, one that only sends or only receives does not`, async () => {
    const served = await serve(mode);
    const idle = await served.connect();
    const sending = await served.connect();
    const receiving = await served.connect();
    const timeout = 100;
    // When the server last had to do with a socket: where the machine stalls, a timeout may come rightly.
    const last = { idle: performance.now(), sending: performance.now(), receiving: performance.now() };
    const early: string[] = [];
    for (const [who, { socket }] of Object.entries({ idle, sending, receiving })) {
      socket.setTimeout(timeout, () => {
        if (performance.now() - last[who as keyof typeof last] < timeout - 5) early.push(who);
      });
    }
    const hear = (): void => {
      receiving.context.readFragment(null, true, hr => {
        last.receiving = performance.now();
        if (!FAILED(hr)) hear();
      });
    };
    hear();
    let rounds = 0;
    const busy = setInterval(() => {
      sending.context.writeNow('x');
      // Over TLS it goes out when Node has read from every socket.
      setImmediate(() => {
        last.sending = performance.now();
      });
      receiving.peer.text('x');
      rounds++;
    }, 20);
    await happens(idle.socket, 'timeout');
    const before = rounds;
    while (rounds < before + 8) await turn();
    clearInterval(busy);
    assert.equal(early, []);
    assert.ok(sending.peer.here().length > 5);
  });

  test(`${name}: getConnections counts upgraded sockets, and server.close ends when they have`, async () => {
    const served = await serve(mode);
    const connected = [await served.connect(), await served.connect()];
    const count = () =>
      new Promise<number>((resolve, reject) =>
        served.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    assert.is(await count(), 2);
    let closed = false;
    served.server.close(() => {
      closed = true;
    });
    const reading = connected[0]!.context.read();
    connected[0]!.peer.text('still served');
    assert.is((await reading).text, 'still served');
    assert.not.ok(closed);
    for (const { context, client } of connected) {
      context.closeTcpConnection();
      client.end();
    }
    while (!closed) await turn();
  });

  test(`${name}: a conversation cut at any byte completes every call, once, and leaves nothing`, async () => {
    const served = await serve(mode, { pingInterval: 5, sendBufferLimit: 64, closeTimeout: 100 });
    const writer = new Peer(linkPair()[0], 'client');
    const script = Buffer.concat([
      writer.frame({ opcode: 1, data: Buffer.from('hello') }),
      writer.frame({ opcode: 9, data: Buffer.from('ping') }),
      writer.frame({ opcode: 2, final: false, data: pattern(130) }),
      writer.frame({ opcode: 10 }),
      writer.frame({ opcode: 0, data: Buffer.from('end') }),
      writer.frame({ opcode: 8, data: Buffer.of(3, 232) }),
    ]);
    const cut = async (length: number): Promise<void> => {
      const { context, client, socket } = await served.connect();
      const gone = happens(socket, 'close');
      const ended = echo(context);
      const ping = context.context.ping().catch(() => -1);
      client.write(script.subarray(0, length), () => {
        if (length % 3 === 0 && mode.kind === 'tcp') client.resetAndDestroy();
        else if (length % 3 === 1) client.destroy();
        else client.end();
      });
      client.resume();
      client.on('end', () => client.end());
      await Promise.all([ended, ping, gone]);
      assert.is(context.pending, 0, `cut at ${length}`);
    };
    const step = mode.kind === 'tls' ? 3 : 1;
    for (let length = 0; length <= script.length; length += step) await cut(length);
    while (served.module.size) await turn();
  });
}

test('TLS over a stream in memory is read by data events, and works', async () => {
  const served = await serve({ name: 'tls', kind: 'tls', directReads: true });
  const [near, far] = linkPair();
  served.server.emit('connection', near);
  const client = connectSecure({ socket: far, ca: CERTIFICATE, servername: 'localhost', allowHalfOpen: true } as never);
  await happens(client, 'secureConnect');
  const accepted = new Promise<[Watched, Duplex]>(resolve => {
    served.server.once('upgrade', (request, socket, head) =>
      resolve([watch(served.module.accept(request, socket, head)), socket]),
    );
  });
  client.write(upgradeRequest());
  const [[context, socket], [, rest]] = await Promise.all([accepted, readHead(client)]);
  assert.ok(byEvents(socket));
  const peer = new Peer(client, 'client', rest);
  void echo(context);
  for (const length of [1, 1000, 300_000]) {
    peer.binary(pattern(length));
    assert.ok((await message(peer)).equals(pattern(length)));
  }
  client.end();
  await happens(socket, 'close');
});

test.run();
