/**
 * No WebSocket at all: bytes go back as they came, undecoded and still masked. It shows what Node's sockets can do at most,
 * reading into pages of 256 KiB, and that the load generator is not the limit. A page is used again when its write is done.
 */
import { createHash } from 'node:crypto';
import { createServer, Socket } from 'node:net';
import { listen } from './listen.ts';

const PAGE = 256 * 1024;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const pages: Uint8Array[] = [];

/** Answers the 101 to a request (RFC 6455 §4.2.2). */
function handshake(request: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1];
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

const server = createServer({ pauseOnConnect: true }, accepted => {
  let upgraded = false;
  const options = {
    // The accepted socket's handle, given to a socket that may say where it reads to.
    handle: (accepted as unknown as { _handle: object })._handle,
    noDelay: true,
    onread: {
      buffer: () => pages.pop() ?? new Uint8Array(PAGE),
      callback(length: number, page: Uint8Array) {
        if (!upgraded) {
          upgraded = socket.write(handshake(Buffer.from(page.buffer, 0, length).toString('latin1')));
          pages.push(page);
        } else {
          socket.write(page.subarray(0, length), () => pages.push(page));
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
