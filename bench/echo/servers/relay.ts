/**
 * Ours as a relay: every fragment goes on as it comes, lent from one connection and written to the other, both ways. What
 * the peer's side cannot take yet holds back the reading from this one.
 */
import {
  CloseStatus,
  connectWebSocket,
  FAILED,
  FragmentResult,
  type WebSocketCompletion,
  type WebSocketContext,
  WebSocketModule,
} from '../../../src/index.ts';
import { httpServer, listen, mode } from './listen.ts';

const result = new FragmentResult();
const status = new CloseStatus();

/** One way of the two. */
class Way {
  readonly from: WebSocketContext;
  readonly to: WebSocketContext;

  constructor(from: WebSocketContext, to: WebSocketContext) {
    this.from = from;
    this.to = to;
  }

  run(): void {
    while (!FAILED(this.from.readFragment(null, true, onRead, this, result)) && !result.completionExpected) {
      if (result.connectionClose) {
        this.close();
        break;
      }
      if (!this.write(result.utf8Encoded, result.finalFragment)) break;
    }
  }

  /** Writes the piece that was read. Says whether that is done; where it is pending, onWritten goes on. */
  write(utf8: boolean, final: boolean): boolean {
    const hr = this.to.writeFragment(result, true, utf8, final, onWritten, this, result);
    return !FAILED(hr) && !result.completionExpected;
  }

  close(): void {
    this.from.getCloseStatus(status);
    this.to.sendConnectionClose(true, status.statusCode, status.reason, null, null, result);
  }

  abandon(): void {
    this.from.closeTcpConnection();
    this.to.closeTcpConnection();
  }
}

const onRead: WebSocketCompletion = (hr, way, _cbIO, utf8, final, close) => {
  if (FAILED(hr)) (way as Way).abandon();
  else if (close) (way as Way).close();
  else if ((way as Way).write(utf8, final)) (way as Way).run();
};

const onWritten: WebSocketCompletion = (hr, way) => {
  if (FAILED(hr)) (way as Way).abandon();
  else (way as Way).run();
};

const server = httpServer();
new WebSocketModule().attach(server, async client => {
  try {
    const upstream = await connectWebSocket(mode);
    new Way(client, upstream).run();
    new Way(upstream, client).run();
  } catch {
    client.closeTcpConnection();
  }
});
listen(server);
