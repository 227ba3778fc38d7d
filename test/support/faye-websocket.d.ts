/** What the tests use of faye-websocket, which has no types of its own. */
declare module 'faye-websocket' {
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  interface Socket {
    binaryType: string;
    onopen: unknown;
    onmessage: unknown;
    onclose: unknown;
    send(data: unknown): void;
    close(code?: number, reason?: string): void;
  }
  const Faye: {
    new (request: IncomingMessage, socket: Duplex, head: Buffer, protocols: string[]): Socket;
    Client: new (url: string, protocols: string[], options?: { tls?: object }) => Socket;
  };
  export default Faye;
}
