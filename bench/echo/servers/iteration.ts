/** Ours, by iteration: whole messages, text as strings. */
import { WebSocketConnection, type WebSocketContext, WebSocketModule } from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

async function echo(context: WebSocketContext): Promise<void> {
  const connection = new WebSocketConnection(context);
  for await (const message of connection) await connection.send(message);
}

const server = httpServer();
new WebSocketModule().attach(server, context => echo(context).catch(() => {}));
listen(server);
