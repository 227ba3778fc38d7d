/** Ours, by promises, as one would write it for speed: each fragment is lent and sent, and what need not wait is not awaited. */
import { WebSocketConnection, type WebSocketContext, WebSocketModule } from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const LENT = { lend: true };

async function echo(context: WebSocketContext): Promise<void> {
  const connection = new WebSocketConnection(context);
  for (;;) {
    const fragment = connection.receiveNow(LENT) ?? (await connection.receive(LENT));
    if (fragment.close) break;
    if (!connection.sendNow(fragment)) await connection.send(fragment);
  }
  await connection.close();
}

const server = httpServer();
new WebSocketModule().attach(server, context => echo(context).catch(() => {}));
listen(server);
