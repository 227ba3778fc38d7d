/**
 * The client's side of the opening handshake (RFC 6455 §4.1): the fields of the request, and the judgement of what came
 * back. No extension is ever offered, so none may be in the answer.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Address } from './address.ts';
import { HandshakeError } from './error.ts';
import { checkFields, checkProtocols, checkValue, listContains, readSingle } from './fields.ts';
import { deriveAccept } from './key.ts';

export interface RequestOptions {
  /** The subprotocols to offer, in order of preference. */
  protocols?: readonly string[] | undefined;
  /** Extra headers of the request; Host, Origin and Authorization here stand instead of our own. */
  headers?: OutgoingHttpHeaders | undefined;
  origin?: string | undefined;
}

export const REQUEST_NAMES: readonly string[] = ['protocols', 'headers', 'origin'];

/** A request as node:http takes it, and what judgeResponse must know of it. */
export interface UpgradeRequest {
  readonly headers: OutgoingHttpHeaders;
  readonly key: string;
  readonly protocols: readonly string[];
}

/** Composes the fields of a request, with a key of its own. Throws TypeError for what can't be sent. */
export function composeRequest(address: Address, options: RequestOptions = {}): UpgradeRequest {
  // "a nonce consisting of a randomly selected 16-byte value that has been base64-encoded"
  const key = randomBytes(16).toString('base64');
  const protocols = checkProtocols(options.protocols ?? []);
  const headers: OutgoingHttpHeaders = {};
  const given = options.headers ?? {};
  const names = new Set(checkFields(given).map(([name]) => name.toLowerCase()));

  if (!names.has('host')) headers.Host = address.host;
  headers.Upgrade = 'websocket';
  headers.Connection = 'Upgrade';
  headers['Sec-WebSocket-Key'] = key;
  headers['Sec-WebSocket-Version'] = '13';
  if (protocols.length > 0) headers['Sec-WebSocket-Protocol'] = protocols.join(', ');
  if (options.origin !== undefined && !names.has('origin')) headers.Origin = checkValue('Origin', options.origin);
  if (address.authorization !== undefined && !names.has('authorization')) headers.Authorization = address.authorization;
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers[name] = value;
  return { headers, key, protocols };
}

/**
 * Returns the subprotocol that the server chose, '' for none. Throws HandshakeError for whatever is not the 101 that was
 * asked for: each numbered rule but the first ends "the client MUST _Fail the WebSocket Connection_".
 */
export function judgeResponse(response: IncomingMessage, request: Pick<UpgradeRequest, 'key' | 'protocols'>): string {
  const fields = response.headersDistinct;
  const status = response.statusCode ?? 0;
  const fail = (rule: string, message: string) =>
    new HandshakeError(status, `ERR_HANDSHAKE_${rule}`, message, response.headers);

  // 1. "If the status code received from the server is not 101, the client handles the response per HTTP [...] procedures."
  if (status >= 300 && status < 400 && fields.location) {
    throw fail('REDIRECT', `a redirect (${status}) is not followed: the address is in headers.location`);
  }
  if (status !== 101) throw fail('STATUS', `the server answered ${status} where 101 opens a WebSocket`);
  // 2. "[...] contains a value that is not an ASCII case-insensitive match for the value "websocket""
  if (readSingle(fields.upgrade)?.toLowerCase() !== 'websocket') throw fail('UPGRADE', 'Upgrade must be websocket');
  // 3. "[...] doesn't contain a token that is an ASCII case-insensitive match for the value "Upgrade""
  if (!listContains(fields.connection, 'upgrade')) throw fail('CONNECTION', 'Connection must name upgrade');
  // 4. "[...] a value other than the base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-Key| [...]"
  if (readSingle(fields['sec-websocket-accept']) !== deriveAccept(request.key)) {
    throw fail('ACCEPT', 'Sec-WebSocket-Accept does not answer the key that was sent');
  }
  // 5. "[...] the use of an extension that was not present in the client's handshake"
  if (fields['sec-websocket-extensions']) throw fail('EXTENSION', 'the server uses an extension, and none was offered');
  // 6. "[...] the use of a subprotocol that was not present in the client's handshake"; §11.3.4: at most one.
  if (!fields['sec-websocket-protocol']) return '';
  const protocol = readSingle(fields['sec-websocket-protocol']);
  if (protocol === undefined || !request.protocols.includes(protocol)) {
    throw fail('PROTOCOL', 'the server must choose one of the subprotocols offered, or none');
  }
  return protocol;
}
