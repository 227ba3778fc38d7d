/** `websocket-context inspect FILE`: the frames of a capture, or the messages of a HAR as frames, one a line. */
import { createReadStream, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { Codec } from '../codec/index.ts';
import { bytes, counted } from '../page/figures.ts';
import { BEGINNING, beginsJson, frameOf, readHar } from '../page/input.ts';
import { opcodeName, textOf } from '../page/words.ts';
import { type Frame, Frames } from './frames.ts';
import { FAILED, type Outcome, Progress, printable, styled, UsageError, write } from './terminal.ts';

const HELP = `websocket-context inspect FILE: lists WebSocket frames

FILE holds what one side of a connection sent after the handshake, byte for byte, or is a HAR that a browser's developer
tools have exported; "-" reads the input. Bytes are judged by the rules of RFC 6455, up to a CLOSE or the first rule that
is broken.

  --json      one JSON object a line instead of a table; of each payload the first 125 bytes, in words

Exit code: 0 where all bytes are whole frames that break no rule, 1 otherwise, 2 for wrong use.

Examples
  websocket-context inspect client.bin
  websocket-context inspect session.har --json | jq 'select(.opcode == "close")'
`;

const SHOWN_MOST = 48;

interface Row {
  readonly number: number;
  /** Of a HAR: whose message it was, on which connection. */
  readonly from?: { readonly url: string; readonly direction: 'sent' | 'received' };
  readonly frame: Frame;
}

export async function inspect(args: string[]): Promise<Outcome> {
  const options = { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  if (values.help) return HELP;
  const [file, more] = positionals;
  if (file === undefined || more !== undefined) throw new UsageError('inspect takes one file');
  const print = values.json ? printJson : printRow;
  const codec = await Codec.load();
  const size = file === '-' ? 0 : statSync(file).size;
  const source: AsyncIterable<Buffer> =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
  // What is read is read once: it may be a pipe.
  const chunks = source[Symbol.asyncIterator]();
  const first = await firstOf(chunks);
  const input = joined(first, { [Symbol.asyncIterator]: () => chunks });
  return beginsJson(first) ? inspectHar(codec, await text(input), print) : inspectBytes(codec, input, size, print);
}

/** The first bytes, enough of them to tell a HAR by. */
async function firstOf(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < BEGINNING) {
    const { value, done } = await chunks.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  return first;
}

async function* joined(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield first;
  yield* rest;
}

type Print = (row: Row) => Promise<void>;

async function inspectBytes(codec: Codec, input: AsyncIterable<Buffer>, size: number, print: Print): Promise<Outcome> {
  const frames = new Frames(codec);
  const progress = new Progress(process.stderr);
  let read = 0;
  let number = 0;
  for await (const chunk of input) {
    for (const frame of frames.push(chunk)) await print({ number: ++number, frame });
    read += chunk.length;
    const share = size ? ` of ${bytes(size)} (${Math.floor((read / size) * 100)}%)` : '';
    if (!process.stdout.isTTY) progress.show(() => `${bytes(read)}${share}, ${counted(number, 'frame')}`);
    if (frames.fault) break;
  }
  progress.done();
  const last = frames.end();
  if (last) await print({ number: ++number, frame: last });
  frames.free();
  if (frames.fault) return complain(`frame ${number}: ${frames.fault.fault}: ${frames.fault.message}`);
  if (last) return complain(`the bytes end inside frame ${number}`);
  const left = counted(frames.left, 'byte');
  if (frames.left && frames.closed) return complain(`${left} behind frame ${number}, the CLOSE`);
  if (frames.left) return complain(`the bytes end inside frame ${number + 1}, after ${left} of its header`);
  return 0;
}

async function inspectHar(codec: Codec, json: string, print: Print): Promise<Outcome> {
  const connections = readHar(json);
  let number = 0;
  for (const { url, messages } of connections) {
    if (print === printRow) await write(process.stdout, `${styled(process.stdout, 'bold', printable(url))}\n`);
    for (const message of messages) {
      const made = frameOf(codec, message);
      if (!made) continue;
      const direction = made.role === 'server' ? 'sent' : 'received';
      const frames = new Frames(codec);
      for (const frame of frames.push(made.bytes)) await print({ number: ++number, from: { url, direction }, frame });
      frames.free();
      if (frames.fault) return complain(`frame ${number}: ${frames.fault.fault}: ${frames.fault.message}`);
    }
  }
  return 0;
}

function complain(text: string): number {
  console.error(styled(process.stderr, 'red', text));
  return FAILED;
}

async function printRow({ number, from, frame }: Row): Promise<void> {
  const { header, offset, cut } = frame;
  if (number === 1) {
    const head = `${'frame'.padStart(7)} ${'offset'.padStart(10)}  fin rsv opcode        mask key ${'length'.padStart(10)}  payload`;
    await write(process.stdout, `${styled(process.stdout, 'dim', head)}\n`);
  }
  const reserved = [header.rsv1, header.rsv2, header.rsv3].map(Number).join('');
  const columns = [
    String(number).padStart(7),
    (from?.direction ?? String(offset)).padStart(10),
    header.final ? ' fin' : '    ',
    reserved === '000' ? '   ' : reserved,
    styled(process.stdout, 'cyan', opcodeName(header.opcode).padEnd(12)),
    (from ? '' : keyOf(frame)).padEnd(9),
    String(header.payloadLength).padStart(10),
    ` ${shorten(printable(wordsOf(frame)))}${cut ? ' (cut)' : ''}`,
  ];
  await write(process.stdout, `${columns.join(' ').trimEnd()}\n`);
}

async function printJson({ number, from, frame }: Row): Promise<void> {
  const { header, offset, cut } = frame;
  const { final, rsv1, rsv2, rsv3, masked, payloadLength } = header;
  const place = from ?? { offset };
  const opcode = opcodeName(header.opcode);
  const mask = masked && !from ? { maskKey: keyOf(frame) } : {};
  const row = { number, ...place, opcode, final, rsv1, rsv2, rsv3, masked, ...mask, payloadLength, cut };
  // Written by its code a character is still JSON, and the same.
  await write(process.stdout, `${printable(JSON.stringify({ ...row, payload: wordsOf(frame) }))}\n`);
}

/** The key's bytes as they stand on the wire. */
function keyOf({ header: { masked, maskKey } }: Frame): string {
  if (!masked) return '';
  const swapped = Buffer.alloc(4);
  swapped.writeUInt32LE(maskKey >>> 0);
  return swapped.toString('hex');
}

function wordsOf({ message, payload, header }: Frame): string {
  return textOf(message, payload, header.opcode !== 0);
}

function shorten(text: string): string {
  const characters = Array.from(text);
  return characters.length > SHOWN_MOST ? `${characters.slice(0, SHOWN_MOST).join('')}...` : text;
}
