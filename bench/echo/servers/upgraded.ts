/** http.Server's own share of an idle connection: the 101 is written, and the socket is left alone. */
import { createHash } from 'node:crypto';
import { httpServer, listen } from './listen.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const server = httpServer();
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  socket.on('error', () => {});
  socket.resume();
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
});
listen(server);
