/**
 * Reading straight into the window. For sockets that one creates, Node offers it as net.Socket's `onread`; for those
 * that http.Server hands over it does not, but the same machinery can be switched on: the socket's own kBuffer,
 * kBufferCb and kBufferGen fields, and its handle's useUserBuffer. libuv reads, and calls back, before it hands the
 * buffer to another socket. All that depends on Node's insides is in this file; where a piece is missing the answer is
 * false, and 'data' events are used.
 */
import type { Duplex } from 'node:stream';

type Fields = Record<symbol, unknown>;
interface Handle {
  constructor: { name: string };
  _parent?: Handle;
  useUserBuffer?(buffer: Uint8Array): void;
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
