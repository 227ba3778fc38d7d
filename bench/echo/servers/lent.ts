/**
 * Ours, as one would write it for speed: every fragment is lent where it lies and written back, by callbacks. Calls that
 * finish at once are handled in the loop; one result for reads and one for writes serve all connections.
 */
import {
  CloseStatus,
  FAILED,
  FragmentResult,
  type WebSocketCompletion,
  type WebSocketContext,
  WebSocketModule,
} from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const read = new FragmentResult();
read.viewless = true;
const written = new FragmentResult();
const status = new CloseStatus();

function echo(context: WebSocketContext): void {
  while (!FAILED(context.readFragment(null, true, onRead, context, read)) && !read.completionExpected) {
    if (read.connectionClose) {
      answerClose(context);
      break;
    }
    if (!write(context, read.utf8Encoded, read.finalFragment)) break;
  }
}

const onRead: WebSocketCompletion = (hr, context, _cbIO, utf8, final, close) => {
  if (FAILED(hr)) return;
  if (close) answerClose(context as WebSocketContext);
  else if (write(context as WebSocketContext, utf8, final)) echo(context as WebSocketContext);
};

/** Writes the piece that was read. Says whether that is done; where it is pending, onWritten goes on. */
function write(context: WebSocketContext, utf8: boolean, final: boolean): boolean {
  return (
    !FAILED(context.writeFragment(read, true, utf8, final, onWritten, context, written)) && !written.completionExpected
  );
}

const onWritten: WebSocketCompletion = (hr, context) => {
  if (!FAILED(hr)) echo(context as WebSocketContext);
};

function answerClose(context: WebSocketContext): void {
  context.getCloseStatus(status);
  context.sendConnectionClose(true, status.statusCode, status.reason, null, null, written);
}

const server = httpServer();
new WebSocketModule().attach(server, echo);
listen(server);
