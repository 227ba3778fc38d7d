/**
 * One end of a connection that speaks bytes and judges nothing: the handshake by hand, then whatever a test gives it,
 * and the frames that came back.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { listen } from './serve.ts';

export interface WireFrame {
  readonly final: boolean;
  readonly opcode: number;
  /** What it was masked with. */
  readonly key: Buffer | undefined;
  readonly data: Buffer;
}

/** Milliseconds of silence after which a test is taken to have failed. */
const SILENCE_MOST = 10_000;
const HEAD_END = '\r\n\r\n';

/** Cuts a stream into frames, as they become whole. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 2;

  /** Bytes of a frame that is not whole. */
  get rest(): number {
    return this.#length;
  }

  read(chunk: Buffer): WireFrame[] {
    const frames: WireFrame[] = [];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#needed) {
      const bytes = Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const frame = this.#frame(bytes);
      if (!frame) continue;
      frames.push(frame);
      this.#chunks = [bytes.subarray(this.#needed)];
      this.#length -= this.#needed;
      this.#needed = 2;
    }
    return frames;
  }

  #frame(bytes: Buffer): WireFrame | undefined {
    const [first, second] = bytes as unknown as [number, number];
    const short = second & 127;
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
    const masked = second > 127;
    const header = 2 + extended + (masked ? 4 : 0);
    if (bytes.length < (this.#needed = header)) return undefined;
    const length = extended === 8 ? Number(bytes.readBigUInt64BE(2)) : extended ? bytes.readUInt16BE(2) : short;
    if (bytes.length < (this.#needed = header + length)) return undefined;
    const data = Buffer.from(bytes.subarray(header, this.#needed));
    const key = masked ? Buffer.from(bytes.subarray(header - 4, header)) : undefined;
    if (key) for (let i = 0; i < length; i++) data[i]! ^= key[i & 3]!;
    return { final: first > 127, opcode: first & 15, key, data };
  }
}

export class Raw {
  readonly socket: Socket;
  readonly frames: WireFrame[] = [];
  /** True where the connection was cut because nothing more came. */
  silent = false;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  /** Resolves when the other side has ended its own. */
  readonly ended: Promise<void>;
  readonly #reader = new FrameReader();
  #onFrames: (() => void) | undefined;

  constructor(socket: Socket, head: Buffer) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.setTimeout(SILENCE_MOST, () => {
      this.silent = true;
      socket.destroy();
    });
    this.gone = new Promise(resolve => socket.on('close', () => resolve()));
    this.ended = new Promise(resolve => {
      socket.on('end', () => resolve());
      socket.on('close', () => resolve());
    });
    const take = (chunk: Buffer) => {
      this.frames.push(...this.#reader.read(chunk));
      this.#onFrames?.();
    };
    take(head);
    socket.on('data', take);
  }

  /** Bytes that came behind the last whole frame. */
  get rest(): number {
    return this.#reader.rest;
  }

  /** Resolves when a frame like this has come; never if none does. */
  until(like: (frame: WireFrame) => boolean): Promise<void> {
    return new Promise(resolve => {
      this.#onFrames = () => {
        if (this.frames.some(like)) resolve();
      };
      this.#onFrames();
    });
  }

  /** Writes one chunk and resolves when the kernel has it and Node has had time to bring it over. */
  async send(chunk: Uint8Array): Promise<void> {
    await new Promise(resolve => this.socket.write(chunk, resolve));
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Reads up to the end of an HTTP head; resolves with it and what came behind. */
function readHead(socket: Socket): Promise<[head: string, rest: Buffer]> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return;
      socket.off('data', take);
      resolve([bytes.toString('latin1', 0, end), bytes.subarray(end + HEAD_END.length)]);
    };
    socket.on('data', take);
    socket.on('error', reject);
  });
}

/** Connects to a server and shakes hands; `with` is sent in one write with the request. */
export async function rawClient(port: number, behind: Uint8Array = new Uint8Array()): Promise<Raw> {
  const socket = connect({ port, host: 'localhost', allowHalfOpen: true });
  const request = [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  socket.write(Buffer.concat([Buffer.from(request.join('\r\n') + HEAD_END), behind]));
  const [, rest] = await readHead(socket);
  return new Raw(socket, rest);
}

/** The head of a 101 that answers a request. */
export function switching(request: string): string {
  const key = /^sec-websocket-key: *(.*)$/im.exec(request)![1]!;
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** A server that shakes every hand; `behind` is sent in one write with the answer. */
export async function rawServer(onRaw: (raw: Raw) => void, behind: Uint8Array = new Uint8Array()) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, async socket => {
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    const [request, rest] = await readHead(socket);
    socket.write(Buffer.concat([Buffer.from(switching(request)), behind]));
    onRaw(new Raw(socket, rest));
  });
  await listen(server);
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  };
  return { url: `ws://localhost:${port}`, stop };
}
