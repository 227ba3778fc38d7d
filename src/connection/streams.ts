/** A connection as a pair of WHATWG streams. Neither holds anything: a message is read when it is asked for. */
import type { WebSocketConnection } from './connection.ts';
import type { Message } from './message.ts';

export function readableOf(connection: WebSocketConnection): ReadableStream<Message> {
  const messages = connection[Symbol.asyncIterator]();
  return new ReadableStream<Message>(
    {
      async pull(controller) {
        const { value, done } = await messages.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await messages.return?.();
        await connection.close();
      },
    },
    { highWaterMark: 0 },
  );
}

export function writableOf(connection: WebSocketConnection): WritableStream<Message> {
  return new WritableStream<Message>({
    // An abort that waited for the write under way, as the sink's own does, would wait for a peer that does not read.
    start: ({ signal }) => signal.addEventListener('abort', () => connection.abort(), { once: true }),
    write: message => connection.send(message),
    close: () => connection.closeOutput(),
  });
}
