/**
 * No WebSocket at all: bytes go back as they came, undecoded and still masked. It shows what Node's sockets can do at most,
 * and that the load generator is not the limit: all sockets read into one buffer, from which one write by descriptor sends
 * what the kernel takes at once. The rest is copied.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { listen } from './listen.ts';

const ROOM = 512 * 1024;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const room = new Uint8Array(ROOM);

/** Answers the 101 to a request (RFC 6455 §4.2.2). */
function handshake(request: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1];
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** Writes what the kernel takes at once; returns how many bytes that was. */
function writeNow(descriptor: number, length: number): number {
  try {
    return writeSync(descriptor, room, 0, length);
  } catch {
    return 0;
  }
}

const server = createServer({ pauseOnConnect: true }, accepted => {
  let upgraded = false;
  // The accepted socket's handle, given to a socket that may say where it reads to.
  const { _handle: handle } = accepted as unknown as { _handle: { fd: number } };
  const options = {
    handle,
    noDelay: true,
    onread: {
      buffer: room,
      callback(length: number) {
        if (upgraded) {
          const written = socket.writableLength ? 0 : writeNow(handle.fd, length);
          if (written < length) socket.write(room.slice(written, length));
        } else {
          upgraded = true;
          socket.write(handshake(Buffer.from(room.buffer, 0, length).toString('latin1')));
        }
        return true;
      },
    },
  };
  const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  socket.on('error', () => {});
  socket.setNoDelay(true);
  socket.resume();
});
listen(server);
