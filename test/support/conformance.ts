/**
 * Plays a conformance case against an echo, as server or as client, through a real socket: at once, frame by frame and
 * octet by octet. What comes back is held against the table.
 */
import { isUtf8 } from 'node:buffer';
import * as assert from 'uvu/assert';
import { OP_CLOSE } from '../../assembly/abi.ts';
import { connectWebSocket } from '../../src/client.ts';
import { type Case, CLOSE } from '../vectors/conformance/cases.ts';
import { echoMessages } from './echo.ts';
import { describe } from './peer.ts';
import { type Raw, rawClient, rawServer, type WireFrame } from './raw.ts';
import { serve } from './serve.ts';
import { readLines } from './wire.ts';

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
/** An octet a write up to this many; longer cases are cut into pieces of CHOP. */
const OCTETS_MOST = 700;
const CHOP = 997;

/** An echo under test, and how to reach it. */
export interface Target {
  readonly role: 'server' | 'client';
  /** A new connection to it. */
  open(): Promise<Raw>;
  stop(): Promise<void>;
}

export async function serverTarget(): Promise<Target> {
  const { port, stop } = await serve(echoMessages);
  return { role: 'server', open: () => rawClient(port), stop };
}

export async function clientTarget(): Promise<Target> {
  let accepted!: (raw: Raw) => void;
  const { url, stop } = await rawServer(raw => accepted(raw));
  const open = async () => {
    const raw = new Promise<Raw>(resolve => (accepted = resolve));
    echoMessages(await connectWebSocket(url));
    return raw;
  };
  return { role: 'client', open, stop };
}

/** A frame as it goes to this target: its bytes, masked for a server. A frame may promise more than is there. */
export function frameFor({ role }: Target, bytes: Uint8Array): Uint8Array {
  if (role === 'client') return bytes;
  const [first, second] = bytes as unknown as [number, number];
  const header = second === 127 ? 10 : second === 126 ? 4 : 2;
  const payload = bytes.slice(header);
  for (let i = 0; i < payload.length; i++) payload[i]! ^= KEY[i & 3]!;
  return Buffer.concat([Uint8Array.of(first, second | 128), bytes.subarray(2, header), KEY, payload]);
}

/** Writes chunks one after the other, and comes to the connection's end as a peer of this target has to. */
export async function play(target: Target, chunks: readonly Uint8Array[]): Promise<WireFrame[]> {
  const raw = await target.open();
  for (const chunk of chunks) await raw.send(chunk);
  // §7.1.1: the server ends TCP first.
  await (target.role === 'server'
    ? raw.ended
    : Promise.race([raw.until(({ opcode }) => opcode === OP_CLOSE), raw.ended]));
  raw.socket.end();
  await raw.gone;
  assert.not.ok(raw.silent, 'the connection comes to its end by itself');
  assert.is(raw.rest, 0, 'the last frame is whole');
  // §5.1: "a client MUST mask all frames that it sends to the server", "A server MUST NOT mask any frames".
  assert.ok(raw.frames.every(({ key }) => (key === undefined) === (target.role === 'server')));
  return raw.frames;
}

function tell({ opcode, final, data, key }: WireFrame): string {
  if (opcode !== OP_CLOSE && !isUtf8(data)) {
    return data.length > 60
      ? describe({ opcode, final, data, masked: !!key })
      : `${NAMES[opcode]} <${data.toString('hex')}>`;
  }
  return describe({ opcode, final, data, masked: !!key }).replace(/^close (1002|1007|1009) .+/, 'fault $1');
}

const NAMES: Readonly<Record<number, string>> = { 2: 'binary', 10: 'pong' };

export async function judge(target: Target, [, , lines, answer]: Case): Promise<void> {
  const ends = /\b(close|fault)\b/.test(answer);
  const frames = (ends ? lines : [...lines, CLOSE]).map(line => frameFor(target, readLines(line)));
  const expected = ends ? answer : [answer, 'close 1000'].filter(Boolean).join(', ');
  const all = Buffer.concat(frames);
  const chop = all.length > OCTETS_MOST ? CHOP : 1;
  const octets = Array.from({ length: Math.ceil(all.length / chop) }, (_, i) => all.subarray(i * chop, (i + 1) * chop));
  for (const [way, chunks] of [
    ['at once', [all]],
    ['frame by frame', frames],
    ['octet by octet', octets],
  ] as const) {
    assert.is((await play(target, chunks)).map(tell).join(', '), expected, way);
  }
}
