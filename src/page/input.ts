/**
 * What a person gives the inspector, as bytes: hexadecimal or base64 text, or a HAR that a browser's developer tools have
 * exported. A HAR holds messages and no frames, so each message becomes one frame, masked where the browser sent it.
 */
import { type Codec, OP_TEXT, type Role } from '../codec/index.ts';

export type Format = 'guess' | 'hex' | 'base64';

/** The example key of RFC 6455 §5.7, for messages whose own keys are not known. */
export const MADE_UP_KEY = 0x3d21fa37;

const HEX_SEPARATORS = /0x|[\s,:;|-]/gi;

/** Reads pasted text. Throws an Error that says what stands in the way. */
export function readText(text: string, format: Format): Uint8Array<ArrayBuffer> {
  const digits = text.replace(HEX_SEPARATORS, '');
  if (!digits) throw new Error('There is nothing to read: paste bytes as hex or base64.');
  const asHex = format === 'hex' || (format === 'guess' && !/[^0-9a-f]/i.test(digits));
  return asHex ? readHex(digits) : readBase64(text.replace(/\s/g, ''), format);
}

function readHex(digits: string): Uint8Array<ArrayBuffer> {
  const stranger = /[^0-9a-f]/i.exec(digits)?.[0];
  if (stranger) throw new Error(`“${stranger}” is not a hexadecimal digit.`);
  if (digits.length % 2) throw new Error(`${digits.length} hexadecimal digits are not whole bytes: one is missing.`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

function readBase64(text: string, format: Format): Uint8Array<ArrayBuffer> {
  const standard = text.replace(/-/g, '+').replace(/_/g, '/');
  try {
    const binary = atob(standard);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  } catch {
    const stranger = /[^0-9a-z+/=]/i.exec(standard)?.[0];
    const kind = format === 'guess' ? 'neither hex nor base64' : 'not base64';
    throw new Error(stranger ? `“${stranger}” is ${kind}.` : `This is ${kind}: its length is not that of whole bytes.`);
  }
}

/** So many of a file's first bytes tell whether it is JSON. */
export const BEGINNING = 3;

/**
 * Whether a file that begins with these bytes is JSON, or text with a byte order mark. It cannot be frames: either would set
 * reserved bits, which needs an extension that this inspector does not know.
 */
export function beginsJson([first, second, third]: Uint8Array): boolean {
  return first === 0x7b || (first === 0xef && second === 0xbb && third === 0xbf);
}

/** A message as browsers write it; what was exported by anything else may lack any of this. */
export interface HarMessage {
  readonly type?: unknown;
  readonly opcode?: unknown;
  readonly data?: unknown;
}

export interface HarConnection {
  readonly url: string;
  readonly messages: readonly (HarMessage | null)[];
}

/** Returns the WebSocket connections of a HAR. Throws an Error where there are none. */
export function readHar(json: string): HarConnection[] {
  let entries: unknown;
  try {
    entries = JSON.parse(json.replace(/^\uFEFF/, ''))?.log?.entries;
  } catch {
    throw new Error('The file begins like a HAR but is not JSON.');
  }
  const connections = (Array.isArray(entries) ? entries : []).flatMap(entry =>
    Array.isArray(entry?._webSocketMessages)
      ? [{ url: String(entry.request?.url ?? 'unnamed'), messages: entry._webSocketMessages as (HarMessage | null)[] }]
      : [],
  );
  if (!connections.length) throw new Error('The HAR holds no WebSocket messages (no “_webSocketMessages”).');
  return connections;
}

/** Encodes a message as the one frame it may have been, empty where it has no data; undefined for what is no message. */
export function frameOf(codec: Codec, message: HarMessage | null): { bytes: Uint8Array; role: Role } | undefined {
  const { type, opcode, data = '' } = message ?? {};
  if (type !== 'send' && type !== 'receive') return undefined;
  if (typeof opcode !== 'number' || !(opcode >= 0 && opcode <= 15) || typeof data !== 'string') return undefined;
  const payload = opcode === OP_TEXT ? new TextEncoder().encode(data) : readBase64(data, 'base64');
  const sent = type === 'send';
  const bytes = codec.encodeFrame({ opcode, data: payload, ...(sent && { maskKey: MADE_UP_KEY }) });
  return { bytes, role: sent ? 'server' : 'client' };
}
