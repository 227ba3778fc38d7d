/**
 * Whose an upgrade is, where a server has several 'upgrade' listeners: a socket is accepted once. Each of ours, whatever
 * its module, takes one path or all; no request is taken by two. A path that none of ours takes is left to the
 * application's own listeners, and where it has none, the first of ours turns it away.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { misplaced } from './connection/failure.ts';
import { carried } from './transport/stream.ts';

type Server = HttpServer | HttpsServer;
type Listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What a listener of ours takes. */
interface Claim {
  /** Undefined for all. */
  readonly path: string | undefined;
  /** Whether it only refuses any more, so that another may come in its place. */
  readonly over: () => boolean;
}

const claims = new WeakMap<object, Claim>();

/**
 * Gives `taken` the upgrades that are claimed, and `lost` those that nobody takes. Throws TypeError for a server or a path
 * that cannot be meant, WebSocketError ERR_STATE where two of ours would take the same request.
 */
export function listen(server: Server, claim: Claim, taken: Listener, lost: Listener): void {
  const { path } = claim;
  if (typeof (server as Partial<Server> | null | undefined)?.getConnections !== 'function') {
    throw new TypeError(
      'attach takes a server of node:http or node:https: of an express app what its listen() returns, or http.createServer(app)',
    );
  }
  if (path !== undefined && (typeof path !== 'string' || !/^\/[^?#]*$/.test(path))) {
    throw new TypeError(`path must be a string that begins with '/' and has no '?' or '#'; got ${String(path)}`);
  }
  const rivals = (server.listeners('upgrade') as Listener[]).filter(each => {
    const other = claims.get(each);
    return other && (path === undefined || other.path === undefined || path === other.path);
  });
  if (!rivals.every(each => claims.get(each)!.over())) {
    throw misplaced(
      `another attach takes upgrades of ${path ?? 'this server'} already: give each a path of its own, or attach once and look at request.url`,
    );
  }
  for (const each of rivals) server.off('upgrade', each);

  const listener: Listener = (request, socket, head) => {
    if (takes(listener, request)) taken(request, socket, head);
    else if (lastResort(server, request) === listener) lost(request, socket, head);
  };
  claims.set(listener, claim);
  server.on('upgrade', listener);
}

/** Throws WebSocketError ERR_STATE for a socket that has a context. */
export function checkFree(socket: Duplex): void {
  if (carried(socket)) throw misplaced('this socket has been accepted already: let one listener answer each upgrade');
}

/** Whether it is for `listener` to answer; one that is not ours may answer anything. */
function takes(listener: object, request: IncomingMessage): boolean {
  const path = claims.get(listener)?.path;
  return path === undefined || request.url?.split('?', 1)[0] === path;
}

/** Returns the listener that turns away what nobody takes; none where somebody may take it. */
function lastResort(server: Server, request: IncomingMessage): object | undefined {
  const listeners = server.listeners('upgrade');
  return listeners.every(each => !takes(each, request)) ? listeners[0] : undefined;
}
