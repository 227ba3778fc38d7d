/** Ours with a buffer of the caller's for each connection, as code written for IIS has it: read into it, write from it. */
import {
  CloseStatus,
  FAILED,
  FragmentResult,
  type WebSocketCompletion,
  type WebSocketContext,
  WebSocketModule,
} from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const CAPACITY = 64 * 1024;
const result = new FragmentResult();
const status = new CloseStatus();

class Echo {
  readonly context: WebSocketContext;
  readonly buffer = new Uint8Array(CAPACITY);

  constructor(context: WebSocketContext) {
    this.context = context;
  }

  run(): void {
    const { context, buffer } = this;
    while (!FAILED(context.readFragment(buffer, true, onRead, this, result)) && !result.completionExpected) {
      if (result.connectionClose) {
        this.answerClose();
        break;
      }
      if (!this.write(result, result.utf8Encoded, result.finalFragment)) break;
    }
  }

  /** Says whether the write is done; where it is pending, onWritten goes on. */
  write(data: Uint8Array | FragmentResult, utf8: boolean, final: boolean): boolean {
    const hr = this.context.writeFragment(data, true, utf8, final, onWritten, this, result);
    return !FAILED(hr) && !result.completionExpected;
  }

  answerClose(): void {
    this.context.getCloseStatus(status);
    this.context.sendConnectionClose(true, status.statusCode, status.reason, null, null, result);
  }
}

const onRead: WebSocketCompletion = (hr, echo, _cbIO, utf8, final, close, data) => {
  if (FAILED(hr)) return;
  if (close) (echo as Echo).answerClose();
  else if ((echo as Echo).write(data, utf8, final)) (echo as Echo).run();
};

const onWritten: WebSocketCompletion = (hr, echo) => {
  if (!FAILED(hr)) (echo as Echo).run();
};

const server = httpServer();
new WebSocketModule().attach(server, context => new Echo(context).run());
listen(server);
