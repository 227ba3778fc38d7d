/** Ours, by promises: a fragment received, a fragment sent. */
import { WebSocketConnection, type WebSocketContext, WebSocketModule } from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

async function echo(context: WebSocketContext): Promise<void> {
  const connection = new WebSocketConnection(context);
  for (;;) {
    const { data, text, final, close } = await connection.receive();
    if (close) break;
    await connection.send(data, { text, final });
  }
  await connection.close();
}

const server = httpServer();
new WebSocketModule().attach(server, context => echo(context).catch(() => {}));
listen(server);
