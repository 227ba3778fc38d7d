/**
 * The server's side of the opening handshake (RFC 6455 §4.2): judges a request and composes the 101.
 *
 * A judgement is data; nothing is written here. The rules are those that §4.2.1 numbers, each with the answer that helps
 * that client most. No extension is ever negotiated, so Sec-WebSocket-Extensions is not even read.
 * What an application's own functions throw passes through; what they answer wrongly becomes a 500, so that no stranger
 * can bring the process down through them.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { checkFields, checkProtocols, formatFields, listContains, readSingle, readTokens } from './fields.ts';
import { deriveAccept } from './key.ts';

export interface AcceptOptions {
  /** The subprotocols that the server speaks, in order of preference, or a choice among those offered. */
  protocols?:
    | readonly string[]
    | ((offered: readonly string[], request: IncomingMessage) => string | undefined)
    | undefined;
  /**
   * Which Origins may connect: 'same' (default: absent, or equal to Host), '*', a list, or a test. Others get 403.
   * A list is the whole of it: a request without Origin is not on it.
   */
  origin?:
    | 'same'
    | '*'
    | readonly string[]
    | ((origin: string | undefined, request: IncomingMessage) => boolean)
    | undefined;
  /** Extra headers of the 101. */
  headers?: OutgoingHttpHeaders | undefined;
}

export const ACCEPT_NAMES: readonly string[] = ['protocols', 'origin', 'headers'];

/** The request may be upgraded: `head` is the whole 101, its blank line included. */
export interface Acceptance {
  readonly status: 101;
  readonly head: string;
  /** The chosen subprotocol, '' for none. */
  readonly protocol: string;
}

/** The request may not be upgraded: what to answer, and the HandshakeError to raise. */
export interface Refusal {
  readonly status: 400 | 403 | 405 | 426 | 500;
  readonly code: string;
  readonly message: string;
  readonly headers: OutgoingHttpHeaders;
}

export type Judgement = Acceptance | Refusal;

// Sixteen bytes in base64. §4.2.2: the key need not be decoded, so the idle bits of its last digit may be anything.
const KEY = /^[+/0-9A-Za-z]{22}==$/;
// host [ ":" port ], without the characters that would make it another part of a URL.
const AUTHORITY = /^[^\s/?#@\\]+$/;

/** Throws the TypeError that says what is wrong with options that no request could make right. */
export function checkAcceptOptions(options: AcceptOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
  const { protocols, origin, headers } = options;
  if (protocols !== undefined && typeof protocols !== 'function') checkProtocols(protocols);
  // A plain string would be searched for the Origin as for a part of itself.
  const listed = Array.isArray(origin) && origin.every(each => typeof each === 'string');
  const stray = listed && origin.find(each => each.includes('*') || (each !== 'null' && !each.includes('://')));
  if (typeof stray === 'string') {
    const meant = stray.includes('*')
      ? "'*' stands alone, or use a function"
      : `with its scheme, as 'https://${stray}'`;
    throw new TypeError(`no page's Origin is '${stray}': ${meant}`);
  }
  if (!listed && typeof origin !== 'function' && ![undefined, 'same', '*'].includes(origin as string)) {
    throw new TypeError(`options.origin must be 'same', '*', an array of origins or a function`);
  }
  if (headers !== undefined) checkFields(headers);
}

/** Judges a request to upgrade; `secure` says whether it came over TLS. Throws as checkAcceptOptions does. */
export function judgeUpgrade(request: IncomingMessage, options: AcceptOptions, secure: boolean): Judgement {
  checkAcceptOptions(options);
  const fields = request.headersDistinct;

  // 1. "An HTTP/1.1 or higher GET request"
  if (request.method !== 'GET') return refuse(405, 'METHOD', 'a WebSocket is opened with GET', { Allow: 'GET' });
  if (request.httpVersionMajor < 1 || (request.httpVersionMajor === 1 && request.httpVersionMinor < 1)) {
    return refuse(400, 'HTTP_VERSION', 'a WebSocket is opened with HTTP/1.1');
  }
  // 2. "A |Host| header field containing the server's authority."
  const host = readSingle(fields.host);
  if (host === undefined || !AUTHORITY.test(host)) return refuse(400, 'HOST', 'exactly one Host must name the server');
  // 3. "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value."
  if (!listContains(fields.upgrade, 'websocket')) return refuse(426, 'UPGRADE', 'Upgrade must name websocket');
  // 4. "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive value."
  if (!listContains(fields.connection, 'upgrade')) return refuse(400, 'CONNECTION', 'Connection must name upgrade');
  // 6. "A |Sec-WebSocket-Version| header field, with a value of 13": before 5, for another version may have no such key.
  if (readSingle(fields['sec-websocket-version']) !== '13') {
    return refuse(426, 'VERSION', 'Sec-WebSocket-Version must be 13');
  }
  // 5. "A |Sec-WebSocket-Key| header field with a base64-encoded [...] value that, when decoded, is 16 bytes in length."
  const key = readSingle(fields['sec-websocket-key']);
  if (key === undefined || !KEY.test(key)) {
    return refuse(400, 'KEY', 'exactly one Sec-WebSocket-Key must give 16 bytes in base64');
  }
  // A body would stand where the first frame is read. No client sends one.
  if (fields['transfer-encoding'] || !(fields['content-length'] ?? []).every(length => length === '0')) {
    return refuse(400, 'BODY', 'a request to upgrade must have no body');
  }
  // 7. "Optionally, an |Origin| header field." RFC 6454 §7.3: never more than one.
  if (fields.origin && fields.origin.length > 1) return refuse(403, 'ORIGIN', 'Origin is given more than once');
  const admitted = admitOrigin(options.origin ?? 'same', readSingle(fields.origin), request, host, secure);
  if (typeof admitted !== 'boolean') return refuse(500, 'APPLICATION', 'an Origin test must answer true or false');
  if (!admitted) return refuse(403, 'ORIGIN', 'this Origin may not connect: see the option origin of the server');

  const offered = readTokens(fields['sec-websocket-protocol']);
  const protocol = chooseProtocol(options.protocols ?? [], offered, request);
  // §4.2.2: "The value chosen MUST be derived from the client's handshake".
  if (protocol !== undefined && !offered.includes(protocol)) {
    return refuse(500, 'APPLICATION', 'the chosen subprotocol was not offered');
  }
  return { status: 101, head: composeHead(key, protocol, options.headers ?? {}), protocol: protocol ?? '' };
}

function refuse(status: Refusal['status'], rule: string, message: string, headers: OutgoingHttpHeaders = {}): Refusal {
  return { status, code: `ERR_HANDSHAKE_${rule}`, message, headers };
}

function composeHead(key: string, protocol: string | undefined, headers: OutgoingHttpHeaders): string {
  const fields: [string, string][] = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', deriveAccept(key)],
  ];
  if (protocol !== undefined) fields.push(['Sec-WebSocket-Protocol', protocol]);
  return `HTTP/1.1 101 Switching Protocols\r\n${formatFields([...fields, ...checkFields(headers)])}\r\n`;
}

function chooseProtocol(
  rule: NonNullable<AcceptOptions['protocols']>,
  offered: readonly string[],
  request: IncomingMessage,
): string | undefined {
  if (typeof rule === 'function') return rule(offered, request);
  return rule.find(protocol => offered.includes(protocol));
}

function admitOrigin(
  rule: NonNullable<AcceptOptions['origin']>,
  origin: string | undefined,
  request: IncomingMessage,
  host: string,
  secure: boolean,
): unknown {
  if (rule === '*') return true;
  if (typeof rule === 'function') return rule(origin, request);
  if (rule === 'same') return origin === undefined || sameOrigin(origin, host, secure);
  if (origin === undefined) return false;
  const wanted = normalizeOrigin(origin);
  return rule.includes(origin) || (wanted !== undefined && rule.some(each => normalizeOrigin(each) === wanted));
}

/**
 * Tells whether a page of this origin came from the authority that it now connects to. Host says no scheme, so its default
 * port is filled in from the origin's: a page of https: reaches only wss:, and where we see it plain a proxy has ended
 * TLS in front of us. The other way about, a page that came in the clear must not reach a server that speaks TLS.
 */
function sameOrigin(origin: string, host: string, secure: boolean): boolean {
  const wanted = normalizeOrigin(origin);
  if (wanted === undefined || (secure && wanted.startsWith('http:'))) return false;
  return wanted === normalizeOrigin(`${wanted.slice(0, wanted.indexOf(':'))}://${host}`);
}

/** Returns scheme, host and port as browsers write them; undefined for "null" and whatever else is no http(s) origin. */
function normalizeOrigin(text: string): string | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text).origin : undefined;
}
