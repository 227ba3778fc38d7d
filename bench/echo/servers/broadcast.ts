/** Ours, each fragment to every connection: lent once, written as often as there are contexts. Who cannot keep up is cut off. */
import {
  FAILED,
  FragmentResult,
  type WebSocketCompletion,
  type WebSocketContext,
  WebSocketModule,
} from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const contexts = new Set<WebSocketContext>();
const result = new FragmentResult();
const onWritten: WebSocketCompletion = () => {};

const onRead: WebSocketCompletion = (hr, sender, _cbIO, utf8, final, close, data) => {
  if (FAILED(hr) || close) {
    contexts.delete(sender as WebSocketContext);
    (sender as WebSocketContext).closeTcpConnection();
    return;
  }
  for (const context of contexts) {
    if (FAILED(context.writeFragment(data, true, utf8, final, onWritten, null, result))) context.closeTcpConnection();
  }
  (sender as WebSocketContext).readFragment(null, true, onRead, sender);
};

const server = httpServer();
new WebSocketModule().attach(server, context => {
  contexts.add(context);
  context.readFragment(null, true, onRead, context);
});
listen(server);
