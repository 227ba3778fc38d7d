/**
 * What can be watched from outside: five channels of node:diagnostics_channel, and with NODE_DEBUG=websocket-context a
 * line for each event on stderr. Where nobody watches, an event costs two comparisons.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { debuglog } from 'node:util';
import type { Fault } from './codec/faults.ts';
import type { Stats, WebSocketContext } from './context/contract.ts';
import { S_OK } from './context/hresult.ts';
import { CloseStatus } from './context/result.ts';
import type { HandshakeError } from './handshake/index.ts';

/** On 'websocket-context:accepted': a server has answered an upgrade with 101. */
export interface AcceptedEvent {
  readonly context: WebSocketContext;
  readonly request: IncomingMessage;
}

/** On 'websocket-context:refused': a server has answered an upgrade with anything else, by a rule that `error` names. */
export interface RefusedEvent {
  readonly request: IncomingMessage;
  readonly error: HandshakeError;
}

/** On 'websocket-context:connected': a client's handshake is done. */
export interface ConnectedEvent {
  readonly context: WebSocketContext;
  /** Without the user's name and password. */
  readonly url: string;
}

/** On 'websocket-context:fault': the peer broke a rule, and is told so. */
export interface FaultEvent {
  readonly context: WebSocketContext;
  readonly fault: Fault;
}

/** On 'websocket-context:closed': the context's life has ended. `close` is the peer's CLOSE, undefined where none was read. */
export interface ClosedEvent {
  readonly context: WebSocketContext;
  readonly close: { readonly code: number; readonly reason: string } | undefined;
  readonly stats: Stats;
}

const accepted = channel('websocket-context:accepted');
const refused = channel('websocket-context:refused');
const connected = channel('websocket-context:connected');
const fault = channel('websocket-context:fault');
const closed = channel('websocket-context:closed');
const trace = debuglog('websocket-context');

const numbers = new WeakMap<WebSocketContext, number>();
let contexts = 0;

/** Contexts are numbered in the order in which the trace meets them. */
function numberOf(context: WebSocketContext): number {
  const number = numbers.get(context) ?? ++contexts;
  numbers.set(context, number);
  return number;
}

function watched(of: Channel): boolean {
  return of.hasSubscribers || trace.enabled;
}

export function tellAccepted(context: WebSocketContext, request: IncomingMessage): void {
  if (!watched(accepted)) return;
  trace('%d accepted %s from %s', numberOf(context), request.url, context.remoteAddress);
  accepted.publish({ context, request } satisfies AcceptedEvent);
}

export function tellRefused(request: IncomingMessage, error: HandshakeError): void {
  if (!watched(refused)) return;
  const { status, code, message } = error;
  trace('refused %s from %s, %d %s: %s', request.url, request.socket.remoteAddress, status, code, message);
  refused.publish({ request, error } satisfies RefusedEvent);
}

export function tellConnected(context: WebSocketContext, address: string | URL): void {
  if (!watched(connected)) return;
  const { href: url } = Object.assign(new URL(address), { username: '', password: '' });
  trace('%d connected to %s', numberOf(context), url);
  connected.publish({ context, url } satisfies ConnectedEvent);
}

/** Told in a microtask, so that who listens does not act in the middle of a walk. */
export function tellFault(context: WebSocketContext): void {
  if (!watched(fault)) return;
  queueMicrotask(() => {
    trace('%d fault %s: %s', numberOf(context), context.fault!.name, context.fault!.message);
    fault.publish({ context, fault: context.fault! } satisfies FaultEvent);
  });
}

/** Told in a microtask, like a fault. */
export function tellClosed(context: WebSocketContext): void {
  if (!watched(closed)) return;
  queueMicrotask(() => {
    const { stats } = context;
    const status = new CloseStatus();
    const hr = context.getCloseStatus(status);
    const close = hr === S_OK ? { code: status.statusCode, reason: status.reason } : undefined;
    const how = close ? `CLOSE ${close.code} ${close.reason}`.trimEnd() : 'no CLOSE';
    trace('%d closed, %s, %d bytes received, %d sent', numberOf(context), how, stats.bytesReceived, stats.bytesSent);
    closed.publish({ context, close, stats } satisfies ClosedEvent);
  });
}
