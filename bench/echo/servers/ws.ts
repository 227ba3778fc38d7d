/**
 * ws with bufferutil: text goes back as the text frame it was, from the bytes that ws hands over. It judges text by Node's
 * own `buffer.isUtf8`, and would ask utf-8-validate only where that is missing.
 */
import type { WebSocket } from 'ws';
import { requirePeer, runsNatively } from '../../installed.ts';
import { httpServer, listen, mode } from './listen.ts';

const { WebSocketServer } = requirePeer<typeof import('ws')>('ws');

const server = httpServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: mode === 'broadcast' });
const frame = { binary: false };

sockets.on('connection', (socket: WebSocket) => {
  socket.on('error', () => {});
  socket.on('message', (data: Buffer, binary: boolean) => {
    frame.binary = binary;
    if (mode === 'echo') socket.send(data, frame);
    else for (const client of sockets.clients) client.send(data, frame);
  });
});
listen(server, runsNatively('bufferutil') ? '' : 'without bufferutil');
