/**
 * A transport over any Duplex: TCP sockets, pipes and TLS over them read straight into the window where Node allows it;
 * everything else by 'data' events, with one copy.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { kernelHandle, readInto } from './fast.ts';
import type { Intake } from './intake.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** The transport of a socket, so that one listener serves them all. */
const TRANSPORT = Symbol('transport');

interface Carrier extends Duplex {
  [TRANSPORT]: StreamTransport;
}

function onRead(this: Duplex, length: number): boolean {
  const { intake, owner } = (this as Carrier)[TRANSPORT];
  intake.receive(owner, length);
  return true;
}

function onData(this: Carrier, chunk: Uint8Array): void {
  const { intake, owner } = this[TRANSPORT];
  intake.feed(owner, chunk);
}

function onEnd(this: Carrier): void {
  this[TRANSPORT].owner.ended();
}

function onError(this: Carrier, error: Error): void {
  this[TRANSPORT].error = error;
}

function onClose(this: Carrier): void {
  this[TRANSPORT].closed();
}

export class StreamTransport implements Transport {
  readonly socket: Duplex;
  readonly intake: Intake;
  readonly owner: TransportOwner;
  readonly stretch: number;
  error: Error | undefined = undefined;
  /** True where `writableLength` 0 right after a write proves that the kernel has taken every byte. */
  readonly #plain: boolean;
  /** True where the stream may keep what it is given beyond the write's callback. */
  readonly #keeps: boolean;
  /** Callbacks still to come of writes that were taken at once. */
  #taken = 0;
  #writing = false;
  #paused = false;
  #onWritten: ((error?: Error | null) => void) | undefined = undefined;

  /** Takes over `socket`. Reading begins with `start`. */
  constructor(socket: Duplex, intake: Intake, owner: TransportOwner) {
    const handle = kernelHandle(socket);
    this.socket = socket;
    this.intake = intake;
    this.owner = owner;
    this.#keeps = !handle;
    this.#plain = handle !== undefined && !handle._parent;
    this.stretch = this.#plain ? 262_144 : 65_536;
    (socket as Carrier)[TRANSPORT] = this;
    socket.on('end', onEnd).on('error', onError).on('close', onClose);
    (socket as Partial<Socket>).setNoDelay?.(true);
  }

  /** Feeds `head`, then what has gathered in the Readable, then reads: if `direct`, into the window where that can be. */
  start(head: Uint8Array, direct: boolean): void {
    const { socket, intake, owner } = this;
    if (head.length) intake.feed(owner, head);
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) intake.feed(owner, chunk);
    if (socket.closed) setImmediate(() => this.closed());
    else if (socket.readableEnded) setImmediate(() => owner.ended());
    if (!direct || !readInto(socket, intake.window, onRead)) socket.on('data', onData);
    if (this.#paused) socket.pause();
    else socket.resume();
  }

  get remoteAddress(): string | undefined {
    return (this.socket as Partial<Socket>).remoteAddress;
  }

  write(chunk: Buffer): boolean {
    this.#write(chunk);
    return this.#settled();
  }

  writev(chunks: readonly Buffer[]): boolean {
    this.socket.cork();
    const last = chunks.length - 1;
    for (let index = 0; index < last; index++)
      this.socket.write(this.#keeps ? Buffer.from(chunks[index]!) : chunks[index]);
    this.#write(chunks[last]!);
    this.socket.uncork();
    return this.#settled();
  }

  #write(chunk: Buffer): void {
    this.#onWritten ??= error => {
      if (this.#taken) this.#taken--;
      else if (!error) this.#released();
    };
    this.#writing = true;
    this.socket.write(this.#keeps ? Buffer.from(chunk) : chunk, this.#onWritten);
  }

  #settled(): boolean {
    if (!this.#plain || this.socket.writableLength !== 0) return false;
    this.#writing = false;
    this.#taken++;
    return true;
  }

  #released(): void {
    if (!this.#writing) return;
    this.#writing = false;
    this.owner.written();
  }

  /** A write that failed is let go of when all is known to be over, not as if it had been taken. */
  closed(): void {
    this.owner.closed(this.error);
    this.#released();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }
}
