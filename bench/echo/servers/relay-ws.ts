/** ws as a relay, the same way both ways: each message is sent on as it came; a socket that is full pauses the one that fills it. */
import type { RawData, WebSocket } from 'ws';
import { requirePeer, runsNatively } from '../../installed.ts';
import { httpServer, listen, mode } from './listen.ts';

const { WebSocketServer, WebSocket: Client } = requirePeer<typeof import('ws')>('ws');
const FULL = 1 << 20;

function pipe(from: WebSocket, to: WebSocket): void {
  const frame = { binary: false };
  const onSent = () => {
    if (from.isPaused && to.bufferedAmount < FULL) from.resume();
  };
  from.on('error', () => to.terminate());
  from.on('close', () => to.close());
  from.on('message', (data: RawData, binary: boolean) => {
    frame.binary = binary;
    to.send(data, frame, onSent);
    if (to.bufferedAmount > FULL) from.pause();
  });
}

const server = httpServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (client: WebSocket) => {
  const upstream = new Client(mode, { perMessageDeflate: false });
  client.pause();
  upstream.on('open', () => client.resume());
  pipe(client, upstream);
  pipe(upstream, client);
});
listen(server, runsNatively('bufferutil') ? '' : 'without bufferutil');
