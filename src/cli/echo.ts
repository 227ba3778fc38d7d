/** Echoes every fragment as it arrives, in the callback style: lent reads, inline completions, no promise. */
import { CloseStatus, FAILED, FragmentResult, type HResult, type WebSocketContext } from '../index.ts';

const read = new FragmentResult();
read.viewless = true;
const written = new FragmentResult();
const status = new CloseStatus();

/** Reads until a call has to wait; its completion goes on. */
export function echo(context: WebSocketContext): void {
  for (;;) {
    const hr = context.readFragment(null, true, onRead, context, read);
    if (FAILED(hr) || read.completionExpected) return;
    if (read.connectionClose) {
      answerClose(context);
      return;
    }
    if (!write(context, read.utf8Encoded, read.finalFragment)) return;
  }
}

/** `read` holds the piece, as after a read that did not have to wait. */
function onRead(hr: HResult, context: unknown, _cbIO: number, utf8: boolean, final: boolean, close: boolean): void {
  if (FAILED(hr)) return;
  if (close) answerClose(context as WebSocketContext);
  else if (write(context as WebSocketContext, utf8, final)) echo(context as WebSocketContext);
}

/** Writes the piece that was read. Returns whether that is done; otherwise onWritten goes on. */
function write(context: WebSocketContext, utf8: boolean, final: boolean): boolean {
  const hr = context.writeFragment(read, true, utf8, final, onWritten, context, written);
  return !FAILED(hr) && !written.completionExpected;
}

function onWritten(hr: HResult, context: unknown): void {
  if (!FAILED(hr)) echo(context as WebSocketContext);
}

/** IIS leaves it to the application to answer a CLOSE: here with the peer's own code and reason. */
function answerClose(context: WebSocketContext): void {
  context.getCloseStatus(status);
  context.sendConnectionClose(true, status.statusCode, status.reason, null, undefined, written);
}
