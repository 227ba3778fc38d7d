/** Ours, by promises: a fragment received, lent since it is only passed on, and the same fragment sent. */
import { WebSocketConnection, type WebSocketContext, WebSocketModule } from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const LENT = { lend: true };

async function echo(context: WebSocketContext): Promise<void> {
  const connection = new WebSocketConnection(context);
  for (;;) {
    const fragment = await connection.receive(LENT);
    if (fragment.close) break;
    await connection.send(fragment);
  }
  await connection.close();
}

const server = httpServer();
new WebSocketModule().attach(server, context => echo(context).catch(() => {}));
listen(server);
