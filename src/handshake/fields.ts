/**
 * Header fields, read and written (RFC 9110 §5.5, §5.6).
 *
 * What a stranger sent is read in linear time: one split, no RegExp that could try a run of characters twice.
 * What the application gives is written only if it cannot become anything but one field: no line break, no other
 * control, none of the fields by which the handshake itself speaks. Values are ASCII, so a head is the same bytes in
 * every encoding.
 */
import type { OutgoingHttpHeaders } from 'node:http';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
const SP = 0x20;
const HT = 0x09;

const OWNED = new Set(['connection', 'upgrade', 'content-length', 'transfer-encoding']);

/** Returns the text without the blanks (SP, HT) at its ends: trim() would also take what HTTP counts as content. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && (text.charCodeAt(start) === SP || text.charCodeAt(start) === HT)) start++;
  while (end > start && (text.charCodeAt(end - 1) === SP || text.charCodeAt(end - 1) === HT)) end--;
  return text.slice(start, end);
}

/** §5.6.1: "A recipient MUST parse and ignore a reasonable number of empty list elements". */
function readList(values: readonly string[] = []): string[] {
  return values
    .flatMap(value => value.split(','))
    .map(trimBlanks)
    .filter(item => item !== '');
}

/** Tells whether a comma-separated field has the item, which is given in lower case. */
export function listContains(values: readonly string[] | undefined, item: string): boolean {
  return readList(values).some(each => each.toLowerCase() === item);
}

/** Returns the tokens of a comma-separated field; none of them where one is no token or stands there twice. */
export function readTokens(values: readonly string[] | undefined): readonly string[] {
  const items = readList(values);
  return items.every(item => TOKEN.test(item)) && new Set(items).size === items.length ? items : [];
}

/** Returns the value of a field that came exactly once. */
export function readSingle(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? trimBlanks(values[0]!) : undefined;
}

/** Returns the subprotocols that an application gives, or throws the TypeError that says what is wrong with them. */
export function checkProtocols(protocols: readonly string[]): readonly string[] {
  if (!Array.isArray(protocols)) throw new TypeError('subprotocols must be given as an array of strings');
  for (const protocol of protocols) {
    if (typeof protocol !== 'string' || !TOKEN.test(protocol)) {
      throw new TypeError(`subprotocol ${JSON.stringify(protocol)} is no HTTP token: use letters, digits, "-", "."`);
    }
  }
  if (new Set(protocols).size < protocols.length) throw new TypeError('a subprotocol is given twice: name each once');
  return protocols;
}

/** Returns the fields that an application gives as [name, value] pairs, or throws the TypeError that says why not. */
export function checkFields(headers: OutgoingHttpHeaders): [name: string, value: string][] {
  if (!plain(headers)) {
    throw new TypeError('headers must be a plain object: of Headers, a Map or pairs pass Object.fromEntries(headers)');
  }
  const fields: [string, string][] = [];
  for (const [name, given] of Object.entries(headers)) {
    if (given === undefined) continue;
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no header name: use letters, digits, "-"`);
    const lower = name.toLowerCase();
    if (OWNED.has(lower) || lower.startsWith('sec-websocket-')) {
      throw new TypeError(`header ${name} is written by the handshake: leave it out`);
    }
    for (const value of Array.isArray(given) ? given : [given]) fields.push([name, checkValue(name, value)]);
  }
  return fields;
}

/** Of any realm: an object with no prototype, or one that has none itself. */
function plain(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const prototype = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Returns the value of a header as text, or throws the TypeError that says why it can be none. */
export function checkValue(name: string, value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw new TypeError(`header ${name} must be a string, a number or an array of them`);
  if (!VALUE.test(value)) {
    throw new TypeError(`header ${name} may hold printable ASCII and tabs only: remove or encode the rest`);
  }
  return value;
}

/** Writes fields as lines, each ended by CR LF. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}
