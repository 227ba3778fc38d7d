/**
 * The slow judge: RFC 6455 read one byte at a time, written from its sections 5, 7.4 and 8.1 by someone who had not seen
 * the engine. Each `yield` asks for the next byte, and where the generator stands is the whole state.
 *
 * It answers pieces in normal form (one piece for what adjoins of a message) and at most one fault, with the offset in
 * the stream of the byte that broke the rule.
 */
import { Utf8Judge } from './utf8.ts';

export interface Options {
  role: 'server' | 'client';
  maxMessageSize?: number;
  validateUtf8?: boolean;
}

/** Bytes of one data message, with its own opcode, or a whole control frame. */
export interface Piece {
  readonly opcode: number;
  readonly final: boolean;
  readonly data: Uint8Array;
}

export interface Fault {
  readonly name: string;
  readonly offset: number;
}

export interface Log {
  pieces: Piece[];
  fault: Fault | undefined;
}

const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PONG = 0xa;

/** What adjoins of one message becomes one piece; what is empty and ends nothing is left out. */
export function normalize(pieces: readonly Piece[]): Piece[] {
  const runs: Piece[][] = [];
  let open: Piece[] | undefined;
  for (const piece of pieces) {
    const data = piece.opcode < CLOSE;
    if (data && open?.[0]?.opcode === piece.opcode) open.push(piece);
    else if (piece.final || piece.data.length) runs.push((open = [piece]));
    if (piece.final) open = undefined;
  }
  return runs.map(run => ({ ...run.at(-1)!, data: Buffer.concat(run.map(piece => piece.data)) }));
}

/** Codes that may stand in a CLOSE frame (§7.4.1, §7.4.2, and the registry that §11.7 began). */
function sendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

function* read(options: Options, answer: (piece: Piece) => void): Generator<undefined, Fault, number> {
  const { role, maxMessageSize = 0, validateUtf8 = true } = options;
  let at = -1;
  let message = 0;
  let promised = 0n;
  let text = new Utf8Judge();

  function* take(): Generator<undefined, number, number> {
    at++;
    return yield;
  }

  for (;;) {
    // §5.2: FIN, three reserved bits and the opcode; MASK and the length, or how many bytes of it follow.
    const first = yield* take();
    const second = yield* take();
    const firstAt = at - 1;
    const secondAt = at;
    const final = first >= 128;
    const opcode = first % 16;
    const control = opcode >= CLOSE;
    if (first & 0b0111_0000) return { name: 'FAULT_RESERVED_BITS', offset: firstAt };
    if ((opcode > BINARY && opcode < CLOSE) || opcode > PONG) return { name: 'FAULT_OPCODE', offset: firstAt };
    if (control && !final) return { name: 'FAULT_CONTROL', offset: firstAt };
    const masked = second >= 128;
    let length = BigInt(second % 128);
    if (control && length > 125n) return { name: 'FAULT_CONTROL', offset: secondAt };
    if (!control && (opcode === 0) !== (message !== 0)) return { name: 'FAULT_CONTINUATION', offset: firstAt };
    if (masked !== (role === 'server')) return { name: 'FAULT_MASKING', offset: secondAt };
    if (length > 125n) {
      const [bytes, least] = length === 126n ? [2, 126n] : [8, 65_536n];
      length = 0n;
      for (let i = 0; i < bytes; i++) length = length * 256n + BigInt(yield* take());
      if (length < least || length > 2n ** 53n - 1n) return { name: 'FAULT_LENGTH', offset: secondAt + 1 };
    }
    const key = [0, 0, 0, 0];
    if (masked) for (let i = 0; i < 4; i++) key[i] = yield* take();

    if (control) {
      const data = new Uint8Array(Number(length));
      for (let i = 0; i < data.length; i++) data[i] = (yield* take()) ^ key[i % 4]!;
      const payloadAt = at + 1 - data.length;
      if (opcode === CLOSE) {
        if (data.length === 1) return { name: 'FAULT_CLOSE_LENGTH', offset: payloadAt };
        if (data.length && !sendable(data[0]! * 256 + data[1]!)) return { name: 'FAULT_CLOSE_CODE', offset: payloadAt };
        const reason = new Utf8Judge();
        for (let i = 2; i < data.length; i++) {
          const last = i === data.length - 1;
          const good = reason.take(data[i]!) && !(last && reason.unfinished);
          if (!good) return { name: 'FAULT_UTF8', offset: payloadAt + i };
        }
      }
      answer({ opcode, final, data });
      // §5.5.1: nothing that follows a CLOSE is looked at.
      while (opcode === CLOSE) yield* take();
      continue;
    }

    // §5.4: a message is its frames' payloads, one behind the other; a limit is judged by what the headers promise.
    if (opcode) {
      message = opcode;
      promised = 0n;
      text = new Utf8Judge();
    }
    promised += length;
    if (maxMessageSize && promised > maxMessageSize) return { name: 'FAULT_TOO_BIG', offset: secondAt };
    for (let i = 0n; i < length; i++) {
      const byte = (yield* take()) ^ key[Number(i % 4n)]!;
      const ends = final && i === length - 1n;
      if (message === TEXT && validateUtf8) {
        if (!text.take(byte) || (ends && text.unfinished)) return { name: 'FAULT_UTF8', offset: at };
      }
      answer({ opcode: message, final: ends, data: Uint8Array.of(byte) });
    }
    if (length === 0n) {
      if (final && text.unfinished) return { name: 'FAULT_UTF8', offset: at };
      answer({ opcode: message, final, data: new Uint8Array() });
    }
    if (final) message = 0;
  }
}

/** Decodes a whole stream. */
export function decodeSlowly(stream: Uint8Array, options: Options): Log {
  const pieces: Piece[] = [];
  const reader = read(options, piece => pieces.push(piece));
  reader.next();
  for (const byte of stream) {
    const { done, value } = reader.next(byte);
    if (done) return { pieces: normalize(pieces), fault: value };
  }
  return { pieces: normalize(pieces), fault: undefined };
}
