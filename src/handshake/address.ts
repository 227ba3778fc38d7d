/**
 * Addresses (RFC 6455 §3): ws: and wss:, http: and https: as the same two, and ws+unix: for a socket in the file
 * system, `ws+unix:/path/to.sock:/request?query`, where a colon inside the socket's path is written %3A.
 */

/** Where to connect, and what to ask for there. */
export interface Address {
  readonly secure: boolean;
  /** The name or number to connect to, an IPv6 number without its brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The socket in the file system, for ws+unix:. */
  readonly socketPath: string | undefined;
  /** The value of the Host header. */
  readonly host: string;
  /** The request target: path and query. */
  readonly path: string;
  /** The value of the Authorization header, where the URL holds a user name or a password. */
  readonly authorization: string | undefined;
}

/** Reads an address. Throws TypeError for what is no URL, RangeError for a URL that is no WebSocket's. */
export function parseAddress(given: string | URL): Address {
  if (!URL.canParse(given)) throw new TypeError('the address is no URL: write ws://host:port/path, or wss: for TLS');
  const url = new URL(given);
  // "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these URIs."
  if (url.href.includes('#'))
    throw new RangeError('the address of a WebSocket has no fragment: leave out "#" and the rest');
  if (url.protocol === 'ws+unix:') return parseSocketAddress(url);

  const secure = url.protocol === 'wss:' || url.protocol === 'https:';
  if (!secure && url.protocol !== 'ws:' && url.protocol !== 'http:') {
    throw new RangeError('the address of a WebSocket begins with ws:, wss:, ws+unix:, http: or https:');
  }
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath: undefined,
    host: url.host,
    path: url.pathname + url.search,
    authorization: composeAuthorization(url),
  };
}

function parseSocketAddress(url: URL): Address {
  const colon = url.pathname.indexOf(':');
  const socketPath = colon < 0 ? url.pathname : url.pathname.slice(0, colon);
  const path = (colon < 0 ? '' : url.pathname.slice(colon + 1)) || '/';
  if (url.host !== '' || socketPath === '' || !path.startsWith('/')) {
    throw new RangeError('the address of a local socket is written ws+unix:/path/to.sock:/request');
  }
  return {
    secure: false,
    hostname: 'localhost',
    port: 80,
    socketPath: decode(socketPath),
    host: 'localhost',
    path: path + url.search,
    authorization: undefined,
  };
}

/** RFC 7617 §2: user name and password go in clear behind a colon, which the name therefore cannot hold. */
function composeAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const name = decode(url.username);
  if (name.includes(':'))
    throw new RangeError('the user name in the address holds a colon: Basic authorization has no way to say so');
  return `Basic ${Buffer.from(`${name}:${decode(url.password)}`).toString('base64')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError('the address holds a "%" that begins no character: write it %25');
  }
}
