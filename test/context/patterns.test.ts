/**
 * How callers of IIS's interface drive it, as state machines that know nothing of this engine: a proxy that relays pieces
 * between two connections, ASP.NET's echo, a server that appends until final and queues its writes, and a loop that lives
 * on inline completions.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_IO_INCOMPLETE, E_OPERATION_ABORTED, FAILED, S_OK } from '../../src/context/hresult.ts';
import { CloseStatus, FragmentResult, type WebSocketCompletion } from '../../src/context/result.ts';
import { leaveNothing, open, turns } from '../support/pair.ts';
import { type Peer, pattern } from '../support/peer.ts';
import type { Told, Watched } from '../support/watched.ts';

const test = suite('context/patterns');
test.after.each(leaveNothing);

/** Whole messages of a peer's, put together. */
async function message(peer: Peer): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const received = await peer.receive();
    if (!received) return assert.unreachable('the connection ended') as never;
    parts.push(received.data);
    if (received.final) return Buffer.concat(parts);
  }
}

// ── a proxy's relay loop ──

/** One operation of each kind outstanding at most; counted before its call, and uncounted where the call fails. */
class Relay {
  outstanding = 0;
  done = false;
  reason = '';
  readonly #front: Watched;
  readonly #back: Watched;
  readonly #fromFront = new Uint8Array(4096);
  readonly #fromBack = new Uint8Array(4096);
  #backClosed = false;
  #indicate = false;

  constructor(front: Watched, back: Watched) {
    this.#front = front;
    this.#back = back;
    this.#start(completion => front.readFragment(this.#fromFront, true, completion), this.#frontRead);
    this.#start(completion => back.readFragment(this.#fromBack, true, completion), this.#backRead);
  }

  /** The last act of every completion is to count itself out. */
  #start(call: (completion: WebSocketCompletion) => number, done: (...told: Parameters<WebSocketCompletion>) => void) {
    this.outstanding++;
    const hr = call((...told) => {
      done(...told);
      this.#release();
    });
    if (!FAILED(hr)) return;
    this.#cleanup('a call failed');
    this.#release();
  }

  #release(): void {
    if (--this.outstanding === 0 && this.#indicate) this.done = true;
  }

  readonly #frontRead: WebSocketCompletion = (hr, _ctx, cbIO, utf8, final, close) => {
    if (FAILED(hr)) return this.#cleanup('client disconnect');
    if (this.reason) return;
    if (close) {
      const status = new CloseStatus();
      if (FAILED(this.#front.getCloseStatus(status))) return this.#cleanup('no status');
      const reason = status.statusCode === 1005 ? null : status.reason;
      this.#start(
        done => this.#back.sendConnectionClose(true, status.statusCode, reason, done),
        () => {},
      );
      return;
    }
    this.#start(
      done => this.#back.writeFragment(this.#fromFront.subarray(0, cbIO), true, utf8, final, done),
      hr => {
        if (FAILED(hr)) this.#cleanup('server disconnect');
        // The next read starts only after the piece was forwarded.
        else if (!this.reason)
          this.#start(done => this.#front.readFragment(this.#fromFront, true, done), this.#frontRead);
      },
    );
  };

  readonly #backRead: WebSocketCompletion = (hr, _ctx, cbIO, utf8, final, close) => {
    if (FAILED(hr)) return this.#cleanup('server disconnect');
    if (close) {
      const status = new CloseStatus();
      this.#back.getCloseStatus(status);
      this.#backClosed = this.#indicate = true;
      const reason = status.statusCode === 1005 ? null : status.reason;
      this.#start(done => this.#front.sendConnectionClose(true, status.statusCode, reason, done), this.#frontSent);
    } else {
      this.#start(
        done => this.#front.writeFragment(this.#fromBack.subarray(0, cbIO), true, utf8, final, done),
        this.#frontSent,
      );
    }
  };

  readonly #frontSent = (hr: number): void => {
    if (FAILED(hr)) this.#cleanup('client disconnect');
    else if (!this.#backClosed && !this.reason) {
      this.#start(done => this.#back.readFragment(this.#fromBack, true, done), this.#backRead);
    }
  };

  #cleanup(reason: string): void {
    if (this.reason) return;
    this.reason = reason;
    this.#indicate = true;
    this.#back.closeTcpConnection();
    this.#front.closeTcpConnection();
  }
}

function relay(options = {}) {
  const front = open('server', options);
  const back = open('client', options);
  return { client: front, backend: back, relay: new Relay(front.context, back.context) };
}

test('relay: pieces keep their bytes, types and ends in both directions', async () => {
  const { client, backend } = relay();
  for (const length of [0, 1, 4096, 4097, 100_000]) {
    client.peer.binary(pattern(length));
    backend.peer.text('x'.repeat(length));
    assert.ok((await message(backend.peer)).equals(pattern(length)), `${length} bytes towards the backend`);
    assert.is((await message(client.peer)).toString(), 'x'.repeat(length), `${length} bytes towards the client`);
  }
  client.peer.text('', false);
  client.peer.send({ opcode: 0 });
  assert.equal([await backend.peer.next(), await backend.peer.next()], ['text+', 'more']);
});

test("relay: the client's CLOSE goes to the backend, whose answer comes back, and the relay is done", async () => {
  for (const [code, expected] of [
    [1000, 'close 1000 bye'],
    [undefined, 'close'],
  ] as const) {
    const { client, backend, relay: state } = relay();
    client.peer.close(code, code && 'bye');
    assert.is(await backend.peer.next(), expected);
    backend.peer.close(code, code && 'bye');
    assert.is(await client.peer.next(), expected);
    await client.peer.end();
    assert.ok(state.done);
    assert.equal([state.outstanding, state.reason], [0, '']);
  }
});

test("relay: the backend's CLOSE goes to the client; done when its answer has come too", async () => {
  const { client, backend, relay: state } = relay();
  backend.peer.close(1001, 'going');
  assert.is(await client.peer.next(), 'close 1001 going');
  await turns();
  assert.not.ok(state.done, 'a read of the client is outstanding');
  client.peer.close(1001);
  await client.peer.end();
  await turns();
  assert.ok(state.done);
});

test('relay: either side cut at any moment brings every outstanding operation home', async () => {
  for (const side of ['client', 'backend'] as const) {
    for (let moment = 0; moment < 12; moment++) {
      const both = relay({ sendBufferLimit: 100 });
      both.client.peer.binary(pattern(20_000));
      both.backend.peer.binary(pattern(20_000));
      await turns(moment);
      both[side].far.reset();
      await turns(20);
      assert.equal([both.relay.outstanding, both.relay.done], [0, true], `${side} at ${moment}`);
    }
  }
});

// ── ASP.NET ──

/** AspNetWebSocket: channels that are ready, busy or closed; any failure aborts; closing sends and receives at once. */
class AspNetSocket {
  state: 'Open' | 'CloseReceived' | 'CloseSent' | 'Closed' | 'Aborted' = 'Open';
  closeStatus = 0;
  closeReason = '';
  pending = 0;
  readonly #context: Watched;

  constructor(context: Watched) {
    this.#context = context;
  }

  /** Calls the continuation itself where the call finished inline, so that its user sees one path. */
  #operate(call: (completion: WebSocketCompletion, result: FragmentResult) => number): Promise<Told> {
    this.pending++;
    return new Promise((resolve, reject) => {
      const result = new FragmentResult();
      const complete = (hr: number, cbIO: number, utf8: boolean, final: boolean, close: boolean): void => {
        this.pending--;
        if (FAILED(hr)) {
          this.abort();
          reject(hr);
        } else resolve({ hr, cbIO, utf8, final, close } as Told);
      };
      const hr = call((hr, _ctx, cbIO, utf8, final, close) => complete(hr, cbIO, utf8, final, close), result);
      if (!result.completionExpected) {
        complete(hr, result.cbIO, result.utf8Encoded, result.finalFragment, result.connectionClose);
      }
    });
  }

  async receive(buffer: Uint8Array): Promise<Told> {
    const told = await this.#operate((done, result) => this.#context.readFragment(buffer, true, done, null, result));
    if (told.close) {
      const status = new CloseStatus();
      assert.is(this.#context.getCloseStatus(status), S_OK);
      this.closeStatus = status.statusCode;
      this.closeReason = status.reason;
      this.state = this.state === 'CloseSent' ? 'Closed' : 'CloseReceived';
    }
    return told;
  }

  send(data: Uint8Array, utf8: boolean, final: boolean): Promise<Told> {
    return this.#operate((done, result) => this.#context.writeFragment(data, true, utf8, final, done, null, result));
  }

  async closeOutput(code: number, reason: string): Promise<void> {
    if (this.state === 'CloseSent' || this.state === 'Closed') return;
    await this.#operate((done, result) =>
      this.#context.sendConnectionClose(true, code, code === 1005 ? null : reason, done, null, result),
    );
    this.state = this.state === 'CloseReceived' ? 'Closed' : 'CloseSent';
  }

  async close(code: number, reason: string): Promise<void> {
    const sent = this.closeOutput(code, reason);
    const received = this.state === 'CloseReceived' ? undefined : this.receive(new Uint8Array(123));
    await sent;
    if (received && !(await received).close) {
      this.abort();
      throw new Error('invalid message type');
    }
  }

  abort(): void {
    if (this.state === 'Closed' || this.state === 'Aborted') return;
    this.state = 'Aborted';
    this.#context.closeTcpConnection();
  }
}

async function echoHandler(socket: AspNetSocket): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    const { cbIO, utf8, final, close } = await socket.receive(buffer);
    if (close) return socket.close(socket.closeStatus, socket.closeReason);
    await socket.send(buffer.subarray(0, cbIO), utf8, final);
  }
}

for (const [code, expected] of [
  [1000, 'close 1000 bye'],
  [undefined, 'close'],
] as const) {
  test(`ASP.NET: an echo ends clean with the client's own status, ${code ?? 'or none'}`, async () => {
    const { context, peer } = open('server');
    const socket = new AspNetSocket(context);
    const handler = echoHandler(socket);
    for (const length of [0, 1, 4096, 4097, 50_000]) {
      peer.binary(pattern(length));
      assert.ok((await message(peer)).equals(pattern(length)));
    }
    peer.close(code, code && 'bye');
    await handler;
    assert.equal([socket.state, socket.pending], ['Closed', 0]);
    assert.is(await peer.next(), expected);
    await peer.end();
  });
}

test('ASP.NET: a server that closes first sends and receives in parallel', async () => {
  const { context, peer } = open('server');
  const socket = new AspNetSocket(context);
  const closing = socket.close(1000, 'enough');
  assert.is(await peer.next(), 'close 1000 enough');
  assert.is(socket.pending, 1);
  peer.close(1000, 'enough');
  await closing;
  assert.equal([socket.state, socket.closeStatus], ['Closed', 1000]);
  await peer.end();
});

test('ASP.NET: data where a CLOSE was awaited aborts', async () => {
  const { context, peer } = open('server');
  const socket = new AspNetSocket(context);
  const closing = socket.close(1000, '').then(
    () => 'closed',
    error => (error as Error).message,
  );
  peer.text('one more thing');
  assert.is(await closing, 'invalid message type');
  assert.equal([socket.state, socket.pending], ['Aborted', 0]);
  await peer.end();
});

test('ASP.NET: a handler that returns in the open aborts, and waits until nothing is pending', async () => {
  const { context, peer, near } = open('server', { sendBufferLimit: 10 });
  near.hold();
  const socket = new AspNetSocket(context);
  await socket.send(Buffer.from('fills what may be unsent'), true, true);
  const operations = [socket.receive(new Uint8Array(10)), socket.send(Buffer.from('waits'), true, true)];
  const failed = Promise.all(operations.map(operation => operation.catch(hr => hr)));
  await turns();
  socket.abort();
  assert.equal(await failed, [E_OPERATION_ABORTED, E_OPERATION_ABORTED]);
  assert.is(socket.pending, 0);
  near.release();
  await peer.end();
});

// ── append until final, with a queue of writes ──

class QueueServer {
  readonly messages: string[] = [];
  closing = '';
  readonly #context: Watched;
  #buffer = new Uint8Array(8);
  #used = 0;
  #queue: string[] = [];
  #writing = false;

  constructor(context: Watched) {
    this.#context = context;
    this.#read();
  }

  #read(): void {
    if (this.#used === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#context.readFragment(this.#buffer.subarray(this.#used), true, this.#onRead);
  }

  readonly #onRead: WebSocketCompletion = (hr, _ctx, cbIO, utf8, final, close) => {
    if (FAILED(hr)) return;
    if (close) {
      assert.equal([cbIO, utf8, final], [0, false, true]);
      const status = new CloseStatus();
      this.#context.getCloseStatus(status);
      this.closing = `${status.statusCode} ${status.reason}`;
      return;
    }
    this.#used += cbIO;
    if (final) {
      this.messages.push(Buffer.from(this.#buffer.subarray(0, this.#used)).toString());
      this.#used = 0;
    }
    this.#read();
  };

  send(text: string): void {
    this.#queue.push(text);
    if (!this.#writing) this.#write();
  }

  #write(): void {
    const text = this.#queue.shift();
    this.#writing = text !== undefined;
    if (text === undefined) return;
    this.#context.writeFragment(Buffer.from(text), true, true, true, hr => {
      if (!FAILED(hr)) this.#write();
    });
  }

  close(): void {
    this.#context.sendConnectionClose(false, 1000, '');
    this.#context.cancelOutstandingIO();
    this.#context.closeTcpConnection();
  }
}

test('queue: messages are put together however they are cut, in any script', async () => {
  const { context, peer } = open('server');
  const server = new QueueServer(context);
  const texts = ['', 'a', '12345678', '123456789', 'Ελληνικά και 漢字 🚀'.repeat(20)];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    peer.send({ opcode: 1, final: false, data: bytes.subarray(0, bytes.length >> 1) });
    peer.send({ opcode: 0, final: false }, { opcode: 0, data: bytes.subarray(bytes.length >> 1) });
  }
  await turns(20);
  assert.equal(server.messages, texts);
  peer.close(1000, 'done');
  await turns();
  assert.is(server.closing, '1000 done');
});

test('queue: writes go out one at a time, in order, also when the peer reads late', async () => {
  const { context, peer, near } = open('server', { sendBufferLimit: 50 });
  const server = new QueueServer(context);
  near.hold();
  for (let at = 0; at < 200; at++) server.send(`message ${at}`);
  await turns();
  near.release();
  for (let at = 0; at < 200; at++) assert.is(await peer.next(), `text "message ${at}"`);
});

test('queue: CLOSE, cancel, then the end of TCP: the peer sees CLOSE and FIN, and nothing is pending', async () => {
  const { context, peer } = open('server');
  const server = new QueueServer(context);
  server.send('last');
  await turns();
  server.close();
  assert.equal(await peer.rest(), ['text "last"', 'close 1000']);
  assert.is(context.pending, 0);
});

// ── inline loops, and callers that would block ──

test('inline loop: repeats each call until a completion is expected, whose callback enters the loop again', async () => {
  const { context, peer } = open('server');
  const messages: string[] = [];
  const result = new FragmentResult();
  let parts: Buffer[] = [];
  let callbacks = 0;
  const take = (data: Uint8Array, final: boolean): void => {
    parts.push(Buffer.from(data));
    if (!final) return;
    messages.push(Buffer.concat(parts).toString());
    parts = [];
  };
  const loop = (): void => {
    do {
      const hr = context.readFragment(null, true, onRead, null, result);
      if (FAILED(hr)) return;
      if (!result.completionExpected) take(result.data, result.finalFragment);
    } while (!result.completionExpected);
  };
  const onRead: WebSocketCompletion = (hr, _ctx, _cb, _utf8, final, _close, data) => {
    callbacks++;
    if (FAILED(hr)) return;
    take(data, final);
    loop();
  };
  const sent = Array.from({ length: 100 }, (_, at) => `message ${at}`);
  peer.send(...sent.slice(0, 50).map(text => ({ opcode: 1, data: Buffer.from(text) })));
  await turns();
  loop();
  assert.equal(messages, sent.slice(0, 50));
  assert.is(callbacks, 0);
  peer.send(...sent.slice(50).map(text => ({ opcode: 1, data: Buffer.from(text) })));
  await turns();
  assert.equal(messages, sent);
  assert.is(callbacks, 1, 'what comes together is taken together');
});

test('inline loop: a writer that adds up cbIO sends each message once', async () => {
  const { context, peer, near } = open('server', { sendBufferLimit: 500 });
  const queue = Array.from({ length: 60 }, (_, at) => `${at}`.padStart(40, '.'));
  const result = new FragmentResult();
  let sent = 0;
  const advance = (cbIO: number): void => {
    sent += cbIO;
    if (sent < queue[0]!.length) return;
    assert.is(sent, queue[0]!.length);
    queue.shift();
    sent = 0;
  };
  const loop = (): void => {
    while (queue.length) {
      const hr = context.writeFragment(Buffer.from(queue[0]!), true, true, true, onWritten, null, result);
      if (FAILED(hr) || result.completionExpected) return;
      advance(result.cbIO);
    }
  };
  const onWritten: WebSocketCompletion = (hr, _ctx, cbIO) => {
    if (FAILED(hr)) return;
    advance(cbIO);
    loop();
  };
  near.hold();
  loop();
  assert.ok(queue.length > 40, 'the limit makes it wait');
  near.release();
  for (let at = 0; at < 60; at++) assert.is(await peer.next(), `text "${`${at}`.padStart(40, '.')}"`);
  assert.is(queue.length, 0);
});

test('a caller that would block is told that it cannot, and loses nothing by asking again', async () => {
  const { context, peer } = open('server');
  const buffer = new Uint8Array(10);
  const texts: string[] = [];
  const result = new FragmentResult();
  for (let asked = 0; texts.length < 3 && asked < 100; asked++) {
    const hr = context.readFragment(buffer, false, null, null, result);
    if (hr === S_OK) texts.push(Buffer.from(result.data).toString());
    else {
      assert.is(hr, E_IO_INCOMPLETE);
      peer.text(`text ${texts.length}`);
      await turns();
    }
  }
  assert.equal(texts, ['text 0', 'text 1', 'text 2']);
  assert.is(context.writeFragment(Buffer.from('now'), false, true, true), S_OK);
  assert.is(context.sendConnectionClose(false, 1000), S_OK);
  assert.equal([await peer.next(), await peer.next()], ['text "now"', 'close 1000']);
});

test('a blocking CLOSE from inside a failed write is answered inline', async () => {
  const { context, near } = open('server', { sendBufferLimit: 4 });
  near.hold();
  context.writeNow('fills what may be unsent');
  await turns();
  const answered = new Promise<number>(resolve => {
    context.writeFragment(Buffer.from('waits'), true, true, true, hr => {
      assert.is(hr, E_OPERATION_ABORTED);
      resolve(context.sendConnectionClose(false, 1000));
    });
  });
  context.cancelOutstandingIO();
  assert.is(await answered, E_IO_INCOMPLETE);
});

test.run();
