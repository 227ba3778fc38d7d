/**
 * A handshake that failed, on either side. `status` is the HTTP status that was sent or received, `code` the rule
 * ('ERR_HANDSHAKE_KEY', ...) and stays the same from release to release; the message explains it to a person and holds
 * nothing the peer sent. A client finds the peer's own words, such as a redirect's Location, in `headers`.
 */
import type { IncomingHttpHeaders } from 'node:http';

export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly status: number;
  readonly code: string;
  readonly headers: IncomingHttpHeaders | undefined;

  constructor(status: number, code: string, message: string, headers?: IncomingHttpHeaders) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
