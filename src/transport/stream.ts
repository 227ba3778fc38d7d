/**
 * A transport over any Duplex: TCP sockets, pipes and TLS over them read straight into the window where Node allows it;
 * everything else by 'data' events, with one copy.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  directHandle,
  directWrite,
  type Handle,
  kernelHandle,
  learn,
  PENDING,
  readInto,
  TAKEN,
  type WriteOwner,
  writeNow,
} from './handle.ts';
import type { Intake } from './intake.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** To write fewer bytes than this by the descriptor costs more than to copy them to where the handle may keep them. */
const TAKE_LEAST = 4096;

/** The transport of a socket, so that one listener serves them all. */
const TRANSPORT = Symbol('transport');

interface Carrier extends Duplex {
  [TRANSPORT]: StreamTransport;
}

/** Whether a transport has taken `socket` over. */
export function carried(socket: Duplex): boolean {
  return TRANSPORT in socket;
}

/** net.Socket restarts its idle timer by this when it writes. */
interface TimedSocket {
  timeout?: number;
  _unrefTimer?(): void;
}

function onRead(this: Duplex, length: number): boolean {
  const { intake, owner, plain } = (this as Carrier)[TRANSPORT];
  // One callback of a socket's brings several records of TLS, and may be inside another.
  intake.receive(owner, length, plain);
  return true;
}

function onData(this: Carrier, chunk: Uint8Array): void {
  this[TRANSPORT].feed(chunk);
}

function onEnd(this: Carrier): void {
  const { intake, owner } = this[TRANSPORT];
  intake.finish();
  owner.ended();
}

function onError(this: Carrier, error: Error): void {
  this[TRANSPORT].error = error;
}

function onClose(this: Carrier): void {
  this[TRANSPORT].closed();
}

export class StreamTransport implements Transport, WriteOwner {
  readonly socket: Duplex;
  readonly intake: Intake;
  readonly owner: TransportOwner;
  error: Error | undefined = undefined;
  /**
   * TCP or a pipe with nothing between: nothing comes into the window before a read's microtasks have run, and
   * `writableLength` 0 right after a write proves that the kernel has taken every byte.
   */
  readonly plain: boolean;
  /** True where the stream may keep what it is given beyond the write's callback. */
  readonly #keeps: boolean;
  /** The handle that takes bytes past the stream layer, null where there is none, undefined while that is not known. */
  #handle: Handle | null | undefined;
  /** Callbacks still to come of writes that were taken at once. */
  #callbacksDue = 0;
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
    this.plain = handle !== undefined && !handle._parent;
    this.#handle = this.plain ? undefined : null;
    (socket as Carrier)[TRANSPORT] = this;
    (socket as Partial<Socket>).setNoDelay?.(true);
    // Else the stream ends its side when the peer has, in front of what has been accepted for sending.
    socket.allowHalfOpen = true;
    // It may have failed while the application thought about the upgrade.
    this.error = socket.errored ?? undefined;
    socket.on('end', onEnd).on('error', onError).on('close', onClose);
  }

  /** Feeds `head`, then what has gathered in the Readable, then reads: if `direct`, into the window where that can be. */
  start(head: Uint8Array, direct: boolean): void {
    const { socket, intake, owner } = this;
    if (head.length) intake.feed(owner, head);
    // An empty Readable is not asked: a stream that pushes from inside the other side's write would miss the asking.
    while (socket.readableLength && !socket.destroyed) this.feed(socket.read());
    if (socket.closed) setImmediate(() => this.closed());
    else if (socket.readableEnded) setImmediate(() => owner.ended());
    if (!direct || !readInto(socket, intake.window, onRead)) socket.on('data', onData);
    if (this.#paused) socket.pause();
    else socket.resume();
  }

  /** Feeds what the stream has given. */
  feed(chunk: unknown): void {
    if (chunk instanceof Uint8Array) this.intake.feed(this.owner, chunk);
    else this.socket.destroy(new TypeError('the stream gives no bytes: it has an encoding, or is in object mode'));
  }

  get stretch(): number {
    return this.plain ? 262_144 : 65_536;
  }

  /** TLS hands over one record a read, several of them in a round, and encrypts and sends each write by itself. */
  get patient(): boolean {
    return !this.plain && !this.#keeps;
  }

  get takeLeast(): number {
    return this.plain ? TAKE_LEAST : Number.POSITIVE_INFINITY;
  }

  get untaken(): number | undefined {
    return this.plain ? kernelHandle(this.socket)?.writeQueueSize : undefined;
  }

  get remoteAddress(): string | undefined {
    return (this.socket as Partial<Socket>).remoteAddress;
  }

  write(chunk: Uint8Array): boolean {
    const handle = this.#direct();
    if (handle) return this.#give(handle, chunk);
    this.#stream(() => this.#write(chunk));
    return this.#settled();
  }

  writev(chunks: readonly Uint8Array[]): boolean {
    const handle = this.#direct();
    if (handle) return this.#give(handle, chunks);
    const { socket } = this;
    const last = chunks.length - 1;
    this.#stream(() => {
      socket.cork();
      for (let index = 0; index < last; index++) socket.write(this.#keeps ? chunks[index]!.slice() : chunks[index]);
      this.#write(chunks[last]!);
      socket.uncork();
    });
    return this.#settled();
  }

  take(bytes: Uint8Array, at: number, length: number): number {
    const handle = this.#direct();
    if (!handle || this.socket.destroyed) return 0;
    this.#active();
    return writeNow(handle, bytes, at, length);
  }

  wrote(status: number): void {
    if (status < 0) this.#fail(status);
    else this.#released();
  }

  /** The handle to write to, where that is known to go; otherwise the stream writes, and is watched doing it. */
  #direct(): Handle | null {
    if (this.#handle !== undefined) return this.#handle;
    // What the stream still holds, of the handshake or before it, goes first.
    if (this.socket.writableLength) return null;
    const handle = directHandle(this.socket);
    if (handle) this.#handle = handle;
    else learn(this.socket);
    return handle ?? null;
  }

  #give(handle: Handle, bytes: Uint8Array | readonly Uint8Array[]): boolean {
    if (this.socket.destroyed) {
      this.#writing = true;
      return false;
    }
    this.#active();
    const status = directWrite(handle, bytes, this);
    if (status === TAKEN) return true;
    this.#writing = true;
    if (status !== PENDING) this.#fail(status);
    return false;
  }

  #active(): void {
    const socket = this.socket as unknown as TimedSocket;
    if (socket.timeout) socket._unrefTimer?.();
  }

  #fail(status: number): void {
    this.socket.destroy(Object.assign(new Error('the kernel refused a write'), { errno: status, syscall: 'write' }));
  }

  /**
   * Writes by the stream. One of the application's own may deliver from inside, to any context; or it throws, and then it
   * is lost, and the turn, which is everyone's, goes on.
   */
  #stream(write: () => void): void {
    try {
      this.intake.hold(write);
    } catch (error) {
      this.socket.destroy(error instanceof Error ? error : new Error('the stream threw', { cause: error }));
    }
  }

  #write(chunk: Uint8Array): void {
    this.#onWritten ??= error => {
      if (this.#callbacksDue) this.#callbacksDue--;
      // Of a write that its destruction cut off Node 20 tells as of one that was made.
      else if (!error && !this.socket.destroyed) this.#released();
    };
    this.#writing = true;
    this.socket.write(this.#keeps ? chunk.slice() : chunk, this.#onWritten);
  }

  #settled(): boolean {
    if (!this.plain || this.socket.destroyed || this.socket.writableLength !== 0) return false;
    this.#writing = false;
    this.#callbacksDue++;
    return true;
  }

  #released(): void {
    if (!this.#writing) return;
    this.#writing = false;
    this.owner.written();
  }

  /** A write that failed is let go of when all is known to be over, not as if it had been taken. */
  closed(): void {
    this.intake.finish();
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
