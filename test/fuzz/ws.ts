/**
 * Our decoder beside ws's Receiver: the same bytes, cut anywhere, must make the same messages and end with the same close
 * code. Where the two judge differently on purpose a row of DIFFERENCES says so; anything else is a mistake of one of them.
 */
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { FAULTS } from '../../src/codec/faults.ts';
import type { Engine } from '../support/module.ts';
import type { Trial } from './streams.ts';

interface Receiver extends Writable {
  readonly errored: (Error & Record<symbol, unknown>) | null;
}
const { Receiver } = createRequire(import.meta.url)('ws') as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Receiver;
};

/** What a stream came to: its messages and control frames in words, and the close code of what broke it. */
export interface Outcome {
  readonly heard: string[];
  readonly code: number | undefined;
  /** Our name of the rule. */
  readonly rule?: string | undefined;
}

function words(opcode: number, data: Uint8Array): string {
  return `${opcode} ${Buffer.from(data).toString('hex')}`;
}

const CODES = new Map(Array.from(FAULTS.values(), ({ name, closeCode }) => [name, closeCode]));

function chunksOf({ stream, cuts }: Trial): Uint8Array[] {
  return [...cuts, stream.length].map((end, index) => stream.subarray(index ? cuts[index - 1] : 0, end));
}

export function ours(engine: Engine, trial: Trial): Outcome {
  const { role, maxMessageSize } = trial;
  const take = engine.open({ role, maxMessageSize });
  const heard: string[] = [];
  let open: Uint8Array[] = [];
  for (const chunk of chunksOf(trial)) {
    if (!chunk.length) continue;
    const { pieces, fault } = take(chunk);
    for (const { opcode, final, data } of pieces) {
      if (opcode > 7) heard.push(words(opcode, data));
      else {
        open.push(data);
        if (!final) continue;
        heard.push(words(opcode, Buffer.concat(open)));
        open = [];
      }
    }
    if (fault) return { heard, code: CODES.get(fault.name), rule: fault.name };
  }
  return { heard, code: undefined };
}

export function theirs(trial: Trial): Outcome {
  const heard: string[] = [];
  const receiver = new Receiver({ isServer: trial.role === 'server', maxPayload: trial.maxMessageSize });
  receiver.on('error', () => {});
  receiver.on('message', (data: Buffer, binary: boolean) => heard.push(words(binary ? 2 : 1, data)));
  receiver.on('ping', (data: Buffer) => heard.push(words(9, data)));
  receiver.on('pong', (data: Buffer) => heard.push(words(10, data)));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    const said = code === 1005 ? [] : [Buffer.of(code >> 8, code & 255), reason];
    heard.push(words(8, Buffer.concat(said)));
  });
  for (const chunk of chunksOf(trial)) if (!receiver.errored) receiver.write(chunk);
  const { errored } = receiver;
  const status =
    errored && Object.getOwnPropertySymbols(errored).find(({ description }) => description === 'status-code');
  return { heard, code: status ? (errored[status] as number) : undefined };
}

function begins(whole: readonly string[], start: readonly string[]): boolean {
  return start.every((word, index) => whole[index] === word);
}

/** Where the two differ on purpose. */
export const DIFFERENCES: readonly (readonly [
  name: string,
  holds: (our: Outcome, their: Outcome, trial: Trial) => boolean,
])[] = [
  [
    'a length over 2^53 - 1: 1002 to us, 1009 to ws',
    (our, their, { maxMessageSize }) =>
      our.rule === 'FAULT_LENGTH' &&
      their.code === 1009 &&
      maxMessageSize === 0 &&
      our.heard.length === their.heard.length,
  ],
  [
    'a length in more bytes than it needs: a fault to us (§5.2), taken by ws',
    (our, their) => our.rule === 'FAULT_LENGTH' && begins(their.heard, our.heard),
  ],
  [
    'text that breaks off: we judge as bytes come (§8.1), ws when the message has ended, or not at all if it does not',
    (our, their) =>
      our.rule === 'FAULT_UTF8' &&
      begins(their.heard, our.heard) &&
      begins(our.heard, their.heard.slice(0, our.heard.length)),
  ],
  [
    'a message too long whose header breaks off in the masking key: ws has judged, we wait for the key',
    (our, their) => our.code === undefined && their.code === 1009 && begins(our.heard, their.heard),
  ],
  [
    'a CLOSE of one byte that is not here yet: ws has judged the length, we wait for the whole frame',
    (our, their, { stream, role }) =>
      our.code === undefined &&
      their.code === 1002 &&
      Buffer.from(stream.subarray(-6)).includes(Buffer.of(0x88, role === 'server' ? 0x81 : 0x01)),
  ],
];

/** Compares the two on one stream; returns the row that explains a difference, '' where there is none; else throws. */
export function compare(engine: Engine, trial: Trial): { row: string; our: Outcome } {
  const our = ours(engine, trial);
  const their = theirs(trial);
  const same = our.code === their.code && our.heard.length === their.heard.length && begins(our.heard, their.heard);
  if (same) return { row: '', our };
  const row = DIFFERENCES.find(([, holds]) => holds(our, their, trial));
  if (row) return { row: row[0], our };
  const { stream, cuts, role, maxMessageSize } = trial;
  throw new Error(
    `${role}, limit ${maxMessageSize}, cut at [${cuts}]: ${Buffer.from(stream).toString('hex')}\n` +
      `ours: ${JSON.stringify(our)}\ntheirs: ${JSON.stringify(their)}`,
  );
}
