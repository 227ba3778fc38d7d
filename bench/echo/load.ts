/**
 * The load generator in Node, for machines where load.c cannot be built: the same command line, the same file of
 * messages, the same line of JSON. All sockets read into one static buffer; of an answer nothing is made but numbers.
 * Near 100% of its core it is the limit and not the server, which the tables' load column shows.
 */
import { readFileSync } from 'node:fs';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

const READ = 512 * 1024;
const DRAIN_SECONDS = 10;
const DELAYS_MOST = 1 << 20;

const [port, file, mode, connectionCount, depthText, warmup, seconds, security] = process.argv.slice(2);
const total = Number(connectionCount);
const depth = Number(depthText);
const bare = mode === 'bare';
const broadcast = mode === 'broadcast';

const cycle = readFileSync(file!);
const count = cycle.readUInt32LE(0);
const frameAt = new Float64Array(count + 1);
const payloadAt = new Float64Array(count + 1);
for (let i = 0; i < count; i++) {
  frameAt[i + 1] = frameAt[i]! + cycle.readUInt32LE(4 + 8 * i);
  payloadAt[i + 1] = payloadAt[i]! + cycle.readUInt32LE(8 + 8 * i);
}
const cycleLength = frameAt[count]!;
const frames = cycle.subarray(4 + 8 * count, 4 + 8 * count + cycleLength);
const payloads = cycle.subarray(4 + 8 * count + cycleLength);

/** Where in the endless stream of frames message number n begins. */
const streamPlace = (n: number) => Math.floor(n / count) * cycleLength + frameAt[n % count]!;

const connections: Connection[] = [];
const delays = new Float64Array(DELAYS_MOST);
let delayCount = 0;
let answers = 0;
let sending = true;
let measuring = false;

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

class Connection {
  readonly #first: number;
  socket!: Socket;
  answered = 0;
  #sent: number;
  #allowed: number;
  #sentAt = 0;
  #header = Buffer.alloc(14);
  #headerBytes = 0;
  #remaining = 0;
  #position = 0;
  #inside = false;
  #final = true;

  constructor(first: number) {
    this.#first = first;
    this.#sent = this.#allowed = streamPlace(first);
  }

  get drained(): boolean {
    return (broadcast ? connections[0]!.#allowed : this.#allowed) === streamPlace(this.#first + this.answered);
  }

  allowNext(): void {
    const allowed = streamPlace(this.#first + (broadcast ? answers / total : this.answered) + depth);
    if (!sending || allowed === this.#allowed) return;
    this.#allowed = allowed;
    this.#sentAt = performance.now();
    this.socket.cork();
    while (this.#sent < allowed) {
      const at = this.#sent % cycleLength;
      const length = Math.min(allowed - this.#sent, cycleLength - at);
      this.socket.write(frames.subarray(at, at + length));
      this.#sent += length;
    }
    this.socket.uncork();
  }

  /** Walks the frames in a read. */
  walk(bytes: Buffer, end: number): void {
    let at = 0;
    while (at < end) {
      if (this.#remaining === 0) {
        this.#header[this.#headerBytes++] = bytes[at++]!;
        if (!this.#readHeader()) continue;
      }
      const length = Math.min(end - at, this.#remaining);
      if (this.answered < count) this.#check(bytes, at, length);
      at += length;
      this.#position += length;
      this.#remaining -= length;
      if (this.#remaining === 0 && this.#final) this.#messageAnswered();
    }
    if (!broadcast) this.allowNext();
  }

  get #message(): number {
    return (this.#first + this.answered) % count;
  }

  /** Says whether the header is whole. */
  #readHeader(): boolean {
    const header = this.#header;
    if (this.#headerBytes < 2) return false;
    const short = header[1]! & 127;
    const used = (short < 126 ? 2 : short === 126 ? 4 : 10) + (bare ? 4 : 0);
    if (this.#headerBytes < used) return false;
    this.#headerBytes = 0;
    const opcode = this.#inside ? 0 : frames[frameAt[this.#message]!]! & 15;
    if (bare !== header[1]! > 127) fail("a frame's masking is wrong");
    if ((header[0]! & 127) !== opcode) fail("a frame's type is wrong");
    this.#final = header[0]! > 127;
    this.#inside = !this.#final;
    this.#remaining = short < 126 ? short : short === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    return true;
  }

  #check(bytes: Buffer, at: number, length: number): void {
    const message = this.#message;
    const size = payloadAt[message + 1]! - payloadAt[message]!;
    const from = (bare ? frameAt[message + 1]! - size : payloadAt[message]!) + this.#position;
    const expected = bare ? frames : payloads;
    if (bytes.compare(expected, from, from + length, at, at + length)) fail('an answer differs from what was sent');
  }

  #messageAnswered(): void {
    const message = this.#message;
    if (this.#position !== payloadAt[message + 1]! - payloadAt[message]!) fail('an answer has the wrong length');
    this.#position = 0;
    this.answered++;
    answers++;
    const sender = broadcast ? connections[0]! : this;
    if (broadcast && answers % total) return;
    if (measuring && depth === 1) delays[delayCount++ % DELAYS_MOST] = performance.now() - sender.#sentAt;
    if (broadcast) sender.allowNext();
  }
}

const room = Buffer.alloc(READ);

/** Resolves when the handshake is done. */
function open(connection: Connection): Promise<void> {
  return new Promise(resolve => {
    let upgraded = false;
    const onread: OnReadOpts = {
      buffer: room,
      callback(length) {
        if (upgraded) connection.walk(room, length);
        // The answer to the key that RFC 6455 §1.3 gives as its example.
        else if (!room.toString('latin1', 0, length).includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')) fail('no handshake');
        else resolve();
        upgraded = true;
        return true;
      },
    };
    const options = { port: Number(port), host: '127.0.0.1', noDelay: true, onread };
    const socket = security === 'TLS' ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
    connection.socket = socket;
    socket.on('error', error => fail(error.message));
    socket.on('close', () => fail('the server ended a connection'));
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  });
}

for (let i = 0; i < total; i++) {
  const connection = new Connection(broadcast ? 0 : (i * 7) % count);
  connections.push(connection);
  await open(connection);
}
if (mode === 'idle') {
  console.log(JSON.stringify({ open: total }));
  await new Promise(resolve => process.stdin.resume().on('end', resolve));
  process.exit();
}

for (const connection of broadcast ? connections.slice(0, 1) : connections) connection.allowNext();
await sleep(Number(warmup) * 1000);
console.log('measuring');
measuring = true;
const from = performance.now();
const before = answers;
const used = process.cpuUsage();
await sleep(Number(seconds) * 1000);
const elapsed = (performance.now() - from) / 1000;
const { user, system } = process.cpuUsage(used);
const messages = answers - before;
measuring = sending = false;

const deadline = performance.now() + DRAIN_SECONDS * 1000;
while (!connections.every(({ drained }) => drained)) {
  if (performance.now() > deadline) fail('answers are missing');
  await sleep(10);
}
if (connections.some(({ answered }) => !answered)) fail('a connection got no answer');
const sorted = delays.subarray(0, Math.min(delayCount, DELAYS_MOST)).sort();
const percentile = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0) * 1000;
const busy = (user + system) / 1e6 / elapsed;
console.log(JSON.stringify({ messages, seconds: elapsed, busy, p50: percentile(0.5), p99: percentile(0.99) }));
process.exit();
