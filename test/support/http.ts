/**
 * Raw heads in, Node's own messages out: the bytes go through http.Server or http.request over a Duplex, so a test sees
 * exactly what the engine will see, folded, joined and trimmed as the Node in use does it.
 */
import { createServer, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';

const LARGEST_HEAD = 64 << 20;

/** Returns what http.Server makes of a request. */
export function parseRequest(head: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const server = createServer({ maxHeaderSize: LARGEST_HEAD, requireHostHeader: false });
    server.maxHeadersCount = 0;
    for (const event of ['upgrade', 'request', 'connect']) server.on(event, resolve);
    server.on('clientError', reject);
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    server.emit('connection', socket);
    socket.push(Buffer.from(head, 'latin1'));
  });
}

/** Returns what http.request makes of a response; `answer` composes it from the request that was sent. */
export function parseResponse(answer: (request: string) => string, headers = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ createConnection: () => joinAnswer(answer), headers, maxHeaderSize: LARGEST_HEAD });
    sent.maxHeadersCount = 0;
    for (const event of ['upgrade', 'response']) sent.on(event, resolve);
    sent.on('error', reject);
    sent.end();
  });
}

/** Returns a connection at whose other end every request gets this answer. */
export function joinAnswer(answer: (request: string) => string): Duplex {
  const socket: Duplex = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      done();
      socket.push(Buffer.from(answer(chunk.toString('latin1')), 'latin1'));
    },
  });
  return socket;
}
