/**
 * Frames as text that can be read, and back. A line is groups between bars: eight bits, spaced as RFC 6455 §5.2 draws
 * them, hexadecimal bytes, or text in quotes; `300*2e` is three hundred of one byte.
 *
 *     1 000 0001 | 1 0000101 | 37 fa 21 3d | 7f 9f 4d 51 58
 */
import type { Log, Piece } from '../reference/decoder.ts';

const NAMES: Readonly<Record<number, string>> = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
const LONGEST_SHOWN = 40;

function readGroup(group: string): Uint8Array[] {
  const text = /^\s*"(.*)"\s*$/.exec(group)?.[1];
  if (text !== undefined) return [Buffer.from(text)];
  const words = group.trim().split(/\s+/);
  if (/^[01]( [01]{3} [01]{4}| [01]{7})$/.test(words.join(' ')))
    return [Uint8Array.of(Number.parseInt(words.join(''), 2))];
  return words.map(word => {
    const [, times = '1', hex] = /^(?:(\d+)\*)?([0-9a-f]{2})$/.exec(word) ?? [];
    if (!hex) throw new Error(`neither bits nor bytes: ${group}`);
    return new Uint8Array(Number(times)).fill(Number.parseInt(hex, 16));
  });
}

/** Reads lines, one or several frames. */
export function readLines(lines: string | readonly string[]): Uint8Array {
  return Buffer.concat([lines].flat().flatMap(line => line.split('|').flatMap(readGroup)));
}

export interface Frame {
  readonly opcode: number;
  readonly final?: boolean;
  readonly data?: Uint8Array;
  /** Four bytes to mask with, none for an unmasked frame. */
  readonly key?: Uint8Array | undefined;
}

/** Writes a frame as RFC 6455 §5.2 draws it. */
export function writeFrame({ opcode, final = true, data = new Uint8Array(), key }: Frame): Uint8Array {
  const { length } = data;
  const extended = length < 126 ? [] : length < 65_536 ? [length >> 8, length & 255] : undefined;
  const lengthBytes = extended ?? [0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  const short = length < 126 ? length : extended ? 126 : 127;
  return Buffer.concat([
    Uint8Array.of((final ? 128 : 0) + opcode, (key ? 128 : 0) + short, ...lengthBytes, ...(key ?? [])),
    key ? data.map((byte, i) => byte ^ key[i % 4]!) : data,
  ]);
}

function showData(data: Uint8Array): string {
  const bytes = Buffer.from(data);
  if (data.length > LONGEST_SHOWN) return `<${data.length} bytes>`;
  return data.every(byte => byte >= 0x20 && byte < 0x7f)
    ? `"${bytes.toString('latin1')}"`
    : `<${bytes.toString('hex')}>`;
}

/** Shows a piece; a plus sign says that more of the message was to come. */
export function showPiece({ opcode, final, data }: Piece): string {
  return `${NAMES[opcode] ?? `opcode ${opcode}`} ${showData(data)}${final ? '' : '+'}`;
}

/** Shows a log on one line. */
export function show({ pieces, fault }: Log): string {
  return [...pieces.map(showPiece), ...(fault ? [`${fault.name} at ${fault.offset}`] : [])].join(', ');
}
