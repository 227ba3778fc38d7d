/** The payload of a CLOSE frame: a status code and a reason (RFC 6455 §5.5.1, §7.4). */

/** What getCloseStatus says of a CLOSE without a code; never on the wire (§7.4.1). */
const NO_STATUS = 1005;
const REASON_MOST = 123;

export interface Close {
  readonly code: number;
  readonly reason: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const NOTHING = new Uint8Array(0);

/** Whether `code` may stand in a CLOSE frame: the registered ones and those of libraries and applications. */
function sendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** Returns the payload that says `code` and `reason`; undefined where none may. 1005 says nothing, and takes no reason. */
export function closePayload(code: number, reason: string): Uint8Array | undefined {
  if (code === NO_STATUS) return reason === '' ? NOTHING : undefined;
  if (!Number.isInteger(code) || !sendable(code)) return undefined;
  if (reason.length > REASON_MOST) return undefined;
  const text = encoder.encode(reason);
  if (text.length > REASON_MOST) return undefined;
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}

/** Reads a payload that the decoder has judged. */
export function readClose(payload: Uint8Array): Close {
  if (!payload.length) return { code: NO_STATUS, reason: '' };
  return { code: (payload[0]! << 8) | payload[1]!, reason: decoder.decode(payload.subarray(2)) };
}
