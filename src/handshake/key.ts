/** The proof that a server has read the key and speaks WebSocket (RFC 6455 §1.3, §4.2.2): not a secret, one SHA-1. */
import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Returns the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key. */
export function deriveAccept(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}
