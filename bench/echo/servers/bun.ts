/** Bun.serve, run by Bun itself: `message` is a string or a Buffer as its documentation has it, and goes back as it came. */
import { readFileSync } from 'node:fs';
import { announce, certificateFile, keyFile, mode, tls } from './listen.ts';

interface Socket {
  send(message: string | Uint8Array): number;
  subscribe(topic: string): void;
}
declare const Bun: {
  gc(synchronous: boolean): void;
  serve(options: object): { port: number; publish(topic: string, message: string | Uint8Array): number };
};

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  ...(tls && { tls: { key: readFileSync(keyFile), cert: readFileSync(certificateFile) } }),
  fetch: (request: Request, { upgrade }: { upgrade(request: Request): boolean }) =>
    upgrade.call(server, request) ? undefined : new Response('', { status: 400 }),
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 64 << 20,
    backpressureLimit: 256 << 20,
    idleTimeout: 0,
    sendPings: false,
    open(socket: Socket) {
      if (mode === 'broadcast') socket.subscribe('all');
    },
    message(socket: Socket, message: string | Uint8Array) {
      if (mode === 'echo') socket.send(message);
      else server.publish('all', message);
    },
  },
});
announce(server.port, '', () => Bun.gc(true));
