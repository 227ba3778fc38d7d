/** ws with bufferutil and utf-8-validate: text goes back as the text frame it was, from the bytes that ws hands over. */
import type { WebSocket } from 'ws';
import { httpServer, listen, mode, requirePeer } from './listen.ts';

const { WebSocketServer } = requirePeer('ws') as typeof import('ws');

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
listen(server);
