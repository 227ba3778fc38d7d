/**
 * A refused upgrade as text: a whole HTTP response, after which the connection closes. The text may be sent as UTF-8, in
 * which Content-Length is counted.
 */

import type { OutgoingHttpHeaders } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { checkFields, formatFields } from './fields.ts';

/** Composes the response; without a body it holds the status's own phrase. Throws for what can't be sent as one. */
export function composeRefusal(
  status: number,
  options: { headers?: OutgoingHttpHeaders | undefined; body?: string | undefined } = {},
): string {
  if (!Number.isInteger(status) || status < 300 || status > 599 || status === 304) {
    throw new RangeError('an upgrade is refused with a status from 300 to 599, other than 304, which has no body');
  }
  const phrase = STATUS_CODES[status] ?? '';
  const body = options.body ?? phrase;
  const given = checkFields(options.headers ?? {});
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const fields: [string, string][] = [];

  // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response to indicate the required
  // protocol(s)"; §7.8: its sender names it in Connection too; RFC 6455 §4.4: and the versions understood.
  if (status === 426) {
    fields.push(['Connection', 'close, Upgrade'], ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', '13']);
  } else {
    fields.push(['Connection', 'close']);
  }
  // §6.6.1: an origin server with a clock dates its answers.
  if (!names.has('date')) fields.push(['Date', new Date().toUTCString()]);
  if (!names.has('content-type')) fields.push(['Content-Type', 'text/plain; charset=utf-8']);
  fields.push(['Content-Length', String(Buffer.byteLength(body))]);
  return `HTTP/1.1 ${status} ${phrase}\r\n${formatFields([...fields, ...given])}\r\n${body}`;
}
