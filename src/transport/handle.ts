/**
 * All that depends on Node's insides, in one file: reading straight into the window, and writing past the stream layer.
 * Each piece is looked for before it is used; where one is missing the answer is false or undefined, and the public ways
 * are taken: 'data' events, and the stream's own write.
 *
 * Reading. For sockets that one creates, Node offers it as net.Socket's `onread`; for those that http.Server hands over
 * it does not, but the same machinery can be switched on: the socket's own kBuffer, kBufferCb and kBufferGen fields, and
 * its handle's useUserBuffer. libuv reads, and calls back, before it hands the buffer to another socket.
 *
 * Writing. Up to Node 24 a handle takes a request object and bytes: where the kernel takes them all at once the request
 * is not used, and serves the next write; otherwise it belongs to libuv until its `oncomplete`. From Node 26 on it takes
 * null and bytes, and answers 0 or, where bytes are left, a request. Which way it is, is learned from Node's own write.
 * What may not be held on to is written by the handle's descriptor, which Windows does not have; `socket.bytesWritten` does not
 * count it.
 */
import { writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';

type Fields = Record<symbol, unknown>;

interface WriteRequest {
  oncomplete(status: number): void;
  /** -1 while libuv does not know it. */
  getAsyncId(): number;
  /** How the write ended, where it did so before it could be told. */
  writeStatus?: number | null;
  owner: WriteOwner | null;
  bytes: unknown;
}
type Answer = number | WriteRequest;

/** What this file relies on of a TCPWrap, a PipeWrap, or a TLSWrap over one. */
export interface Handle {
  readonly constructor: { readonly name: string };
  readonly _parent?: Handle;
  /** The descriptor; negative where there is none. */
  readonly fd?: number;
  /** Bytes that libuv has been given and the kernel has not taken. */
  readonly writeQueueSize?: number;
  useUserBuffer?(buffer: Uint8Array): void;
  writeBuffer?(request: WriteRequest | null, chunk: Uint8Array): Answer;
  writev?(request: WriteRequest | null, chunks: readonly Uint8Array[], allBuffers: true): Answer;
}

const FIELDS = ['kBuffer', 'kBufferCb', 'kBufferGen'] as const;

function fieldsOf(socket: Duplex): symbol[] | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const found = FIELDS.map(name => symbols.find(symbol => symbol.description === name));
  return found.includes(undefined) ? undefined : (found as symbol[]);
}

/** The handle that the kernel reads for, where it is TCP or a pipe and not a JavaScript stream in disguise. */
export function kernelHandle(socket: Duplex): Handle | undefined {
  const handle = (socket as { _handle?: Handle | null })._handle;
  const name = (handle?._parent ?? handle)?.constructor.name;
  return handle && (name === 'TCP' || name === 'Pipe') ? handle : undefined;
}

/**
 * Makes `socket` read into `window` and call `callback`, with the socket as `this` and the number of bytes. Once a
 * socket: each call would stack another listener. False where this Node or this socket cannot.
 */
export function readInto(
  socket: Duplex,
  window: Uint8Array,
  callback: (this: Duplex, length: number) => boolean,
): boolean {
  const handle = kernelHandle(socket);
  const fields = fieldsOf(socket);
  if (!handle?.useUserBuffer || !fields) return false;
  const [buffer, call, generator] = fields as [symbol, symbol, symbol];
  const slots = socket as unknown as Fields;
  if (slots[buffer]) return false;
  slots[buffer] = window;
  slots[call] = callback;
  slots[generator] = null;
  handle.useUserBuffer(window);
  return true;
}

/** Is told how a write ended that the kernel did not take at once: 0, or a negated errno. */
export interface WriteOwner {
  wrote(status: number): void;
}

/** How this Node's handles are asked to write: with a request of this class, or with null; undefined while not known. */
let RequestClass: (new () => WriteRequest) | null | undefined;
let idle: WriteRequest | undefined;

/** Learns from the next write that `socket` makes of itself how its handle is asked. */
export function learn(socket: Duplex): void {
  const handle = kernelHandle(socket);
  if (RequestClass !== undefined || !handle?.writeBuffer || handle._parent) return;
  const { writeBuffer } = handle;
  handle.writeBuffer = function (this: Handle, request, chunk) {
    delete handle.writeBuffer;
    if (request === null || typeof request?.getAsyncId === 'function') {
      RequestClass = request && (request.constructor as new () => WriteRequest);
    }
    return writeBuffer.call(this, request, chunk);
  };
}

/** The handle to which `directWrite` may give bytes, where this Node and this socket can. */
export function directHandle(socket: Duplex): Handle | undefined {
  if (RequestClass === undefined) return undefined;
  const handle = kernelHandle(socket);
  return handle && !handle._parent && handle.writeBuffer && handle.writev ? handle : undefined;
}

/**
 * Writes what the kernel takes at once, by the descriptor: a handle would keep a pointer to the rest. Returns how many bytes
 * that was. What else may be wrong with a socket, the handle's own next write tells.
 */
export function writeNow(handle: Handle, bytes: Uint8Array, at: number, length: number): number {
  if (handle.fd === undefined || handle.fd < 0) return 0;
  try {
    return writeSync(handle.fd, bytes, at, length);
  } catch {
    return 0;
  }
}

/** What directWrite answers beside a negated errno. */
export const TAKEN = 0;
export const PENDING = 1;

function onComplete(this: WriteRequest, status: number): void {
  const { owner } = this;
  this.owner = this.bytes = null;
  owner?.wrote(status);
}

/**
 * Gives one chunk, or several, to the kernel. Returns TAKEN where it took every byte and the memory is free; PENDING
 * where `owner.wrote` follows; or a negated errno.
 */
export function directWrite(handle: Handle, bytes: Uint8Array | readonly Uint8Array[], owner: WriteOwner): number {
  let request: WriteRequest | null = null;
  if (RequestClass) {
    request = idle ?? new RequestClass();
    idle = undefined;
    request.oncomplete = onComplete;
  }
  const answer =
    bytes instanceof Uint8Array ? handle.writeBuffer!(request, bytes) : handle.writev!(request, bytes, true);
  if (typeof answer !== 'number') request = answer;
  else if (answer !== 0) return answer;
  else if (!request || request.getAsyncId() === -1) {
    idle = request ?? undefined;
    return TAKEN;
  }
  request.oncomplete = onComplete;
  request.owner = owner;
  request.bytes = bytes;
  const { writeStatus } = request;
  if (typeof writeStatus === 'number') {
    request.owner = null;
    return writeStatus < 0 ? writeStatus : TAKEN;
  }
  return PENDING;
}
