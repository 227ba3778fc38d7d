/**
 * Echoes whole messages and answers CLOSE with its own status, by callbacks alone: what came before a fault has been
 * written when the fault is found.
 */
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED } from '../../src/context/hresult.ts';
import { CloseStatus, type WebSocketCompletion } from '../../src/context/result.ts';

export function echoMessages(context: WebSocketContext): void {
  let pieces: Uint8Array[] = [];
  const read = () => context.readFragment(null, true, onRead);
  const onRead: WebSocketCompletion = (hr, _context, _length, text, final, close, data) => {
    if (FAILED(hr)) return;
    if (close) {
      const status = new CloseStatus();
      context.getCloseStatus(status);
      context.sendConnectionClose(true, status.statusCode, status.reason, () => {});
      return;
    }
    pieces.push(data.slice());
    if (!final) {
      read();
      return;
    }
    const message = Buffer.concat(pieces);
    pieces = [];
    context.writeFragment(message, true, text, true, read);
  };
  read();
}
