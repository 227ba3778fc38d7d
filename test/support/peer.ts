/**
 * The other side of a connection, played by a test: it writes frames by hand and reads what comes frame by frame, over
 * any Duplex. It obeys no rule but those that the test asks for.
 */
import type { Duplex } from 'node:stream';
import { readFrameHeader } from '../../src/codec/header.ts';
import { type Frame, writeFrame } from './wire.ts';

const NAMES: Readonly<Record<number, string>> = {
  0: 'more',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};
const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const SHOWN_MOST = 60;

export interface Received {
  readonly opcode: number;
  readonly final: boolean;
  readonly masked: boolean;
  readonly data: Buffer;
}

/** A frame as words: `text "hi"`, `binary 20000 bytes+`, `close 1000 bye`. */
export function describe({ opcode, final, data }: Received): string {
  const name = NAMES[opcode] ?? `opcode ${opcode}`;
  const rest = final ? '' : '+';
  if (opcode === 8) {
    return data.length ? `close ${data.readUInt16BE()} ${data.toString('utf8', 2)}`.trimEnd() : 'close';
  }
  if (!data.length) return `${name}${rest}`;
  return data.length > SHOWN_MOST ? `${name} ${data.length} bytes${rest}` : `${name} "${data}"${rest}`;
}

export function closePayload(code: number, reason = ''): Uint8Array {
  return Buffer.concat([Uint8Array.of(code >> 8, code & 255), Buffer.from(reason)]);
}

/** Bytes of which a stretch in the wrong place shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 31 + (at >> 9);
  return bytes;
}

export class Peer {
  readonly stream: Duplex;
  ended = false;
  closed = false;
  error: Error | undefined;
  readonly #masks: boolean;
  #chunks: Buffer[];
  #length: number;
  /** Bytes that there must be before the next frame can be whole. */
  #least = 2;
  #wake: (() => void)[] = [];

  /** A client peer masks what it sends. */
  constructor(stream: Duplex, role: 'server' | 'client', head: Uint8Array = Buffer.alloc(0)) {
    this.stream = stream;
    this.#masks = role === 'client';
    this.#chunks = [Buffer.from(head)];
    this.#length = head.length;
    const woken = (change: () => void) => () => {
      change();
      this.#changed();
    };
    stream.on('data', chunk => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#changed();
    });
    stream.on('error', error => {
      this.error = error;
    });
    stream.on(
      'end',
      woken(() => {
        this.ended = true;
      }),
    );
    stream.on(
      'close',
      woken(() => {
        this.closed = true;
      }),
    );
    stream.resume();
  }

  /** What has come and was not yet asked for. */
  get bytes(): Buffer {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }

  /** Frames as they go out. */
  frame(frame: Frame): Uint8Array {
    return writeFrame(this.#masks ? { key: KEY, ...frame } : frame);
  }

  send(...frames: Frame[]): void {
    this.stream.write(Buffer.concat(frames.map(frame => this.frame(frame))));
  }

  text(text: string, final = true): void {
    this.send({ opcode: 1, final, data: Buffer.from(text) });
  }

  binary(data: Uint8Array, final = true): void {
    this.send({ opcode: 2, final, data });
  }

  close(code?: number, reason?: string): void {
    this.send({ opcode: 8, data: code === undefined ? Buffer.alloc(0) : closePayload(code, reason) });
  }

  /** The next frame, once it is here; undefined where the connection ends first. */
  async receive(): Promise<Received | undefined> {
    for (;;) {
      const received = this.#take();
      if (received) return received;
      if (this.ended || this.closed) return undefined;
      await this.#change();
    }
  }

  /** The next frame in words; 'end' where the connection ends first. */
  async next(): Promise<string> {
    const received = await this.receive();
    return received ? describe(received) : 'end';
  }

  /** The frames that are here, in words. */
  here(): string[] {
    const frames: string[] = [];
    for (let received = this.#take(); received; received = this.#take()) frames.push(describe(received));
    return frames;
  }

  /** All frames until the connection ends, in words. */
  async rest(): Promise<string[]> {
    const frames: string[] = [];
    for (let frame = await this.next(); frame !== 'end'; frame = await this.next()) frames.push(frame);
    return frames;
  }

  async end(): Promise<void> {
    while (!this.ended && !this.closed) await this.#change();
  }

  async gone(): Promise<void> {
    while (!this.closed) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#wake.push(resolve));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  #take(): Received | undefined {
    if (this.#length < this.#least) return undefined;
    const { bytes } = this;
    const header = readFrameHeader(bytes);
    if (!header) {
      this.#least = bytes.length + 1;
      return undefined;
    }
    const { headerLength, payloadLength, masked, maskKey } = header;
    this.#least = headerLength + payloadLength;
    if (bytes.length < this.#least) return undefined;
    const data = Buffer.from(bytes.subarray(headerLength, this.#least));
    if (masked) for (let at = 0; at < data.length; at++) data[at]! ^= maskKey >>> ((at & 3) << 3);
    this.#chunks = [bytes.subarray(this.#least)];
    this.#length -= this.#least;
    this.#least = 2;
    return { opcode: header.opcode, final: header.final, masked, data };
  }
}
