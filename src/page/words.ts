/** What RFC 6455 calls things, and payloads in words. */
import { OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT } from '../codec/index.ts';
import { hex } from './figures.ts';

const OPCODES: Readonly<Record<number, string>> = {
  [OP_CONTINUATION]: 'continuation',
  [OP_TEXT]: 'text',
  [OP_BINARY]: 'binary',
  [OP_CLOSE]: 'close',
  [OP_PING]: 'ping',
  [OP_PONG]: 'pong',
};

/** The registered names of close codes (RFC 6455 §7.4.1 and the registry of §11.7). */
const CLOSE_CODES: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1007: 'invalid payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'mandatory extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
};

/** Names an opcode, as in §5.2. */
export function opcodeName(opcode: number): string {
  return OPCODES[opcode] ?? 'reserved';
}

/** Names a close code; '' for one that has no name. */
export function closeName(code: number): string {
  return CLOSE_CODES[code] ?? '';
}

/** Says how a connection to `url` ended that had been open, or never was. §7.1.5: the code is 1006 where no CLOSE came. */
export function endingOf(url: string, opened: boolean, { code, reason }: { code: number; reason: string }): string {
  if (!opened) return `No WebSocket at ${url}.`;
  if (code === 1006) return `The connection to ${url} was lost.`;
  return `The server closed with ${code}${reason && ` ${reason}`}.`;
}

/** Decodes text that may begin or end inside a character: only what is whole is shown. */
function decodeText(bytes: Uint8Array, begins: boolean): string {
  let start = 0;
  if (!begins) while (start < 3 && (bytes[start]! & 0b1100_0000) === 0b1000_0000) start++;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start), { stream: true });
}

/** Shows control characters by the pictures that Unicode has of them. */
function visible(text: string): string {
  return Array.from(text, char => {
    const code = char.codePointAt(0)!;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? '\u2421' : char;
  }).join('');
}

/** One byte as a character where ASCII has one, else a middle dot. */
export function charOf(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? '\u2423' : '·';
}

/** Payload of a message in words; `begins` says whether it is the payload's beginning. */
export function textOf(message: number, plain: Uint8Array, begins: boolean): string {
  if (message === OP_TEXT || message === OP_PING || message === OP_PONG) return visible(decodeText(plain, begins));
  if (message !== OP_CLOSE || !begins) return hex(plain);
  if (plain.length < 2) return plain.length ? hex(plain) : 'no status code';
  const code = plain[0]! * 256 + plain[1]!;
  const reason = visible(decodeText(plain.subarray(2), true));
  return `${code}${closeName(code) && ` ${closeName(code)}`}${reason ? `: ${reason}` : ''}`;
}
