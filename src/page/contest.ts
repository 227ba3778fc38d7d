/**
 * The bench's worker: measures each job by each rival in turn, round by round, so that a busy moment of the machine hits
 * all alike, and reports the median. Rivals must agree on the answer before any is timed.
 */
import { Codec, OP_TEXT } from '../codec/index.ts';
import * as naive from './naive.ts';

export interface Measured {
  readonly job: string;
  readonly rival: string;
  /** Bytes a second. */
  readonly speed: number;
}

export type Report = { readonly measured: Measured } | { readonly finished: true } | { readonly failed: string };

interface Job {
  readonly name: string;
  readonly bytes: number;
  readonly rivals: Readonly<Record<string, () => unknown>>;
}

const KEY = 0x3d21fa37;
const KEY_BYTES = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const ROUNDS = 5;
const MILLISECONDS_A_ROUND = 40;
const STREAM_BYTES = 1 << 20;
/** Four scripts and an emoji, so that characters of one to four bytes all occur. */
const SENTENCE = 'Fragments as they arrive. Fragmente, wie sie kommen. Фрагменты по мере поступления. 断片が届く 🧩 ';

const WASM = 'this codec';
const PLAIN = 'plain JavaScript';

/** Makes text of exactly `size` bytes, cut between characters and filled up with dots. */
function textOf(size: number): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(size).fill(0x2e);
  const sentence = new TextEncoder().encode(SENTENCE);
  for (let at = 0; at + sentence.length <= size; at += sentence.length) text.set(sentence, at);
  return text;
}

function streamOf(codec: Codec, payload: Uint8Array): Uint8Array {
  const frame = codec.encodeFrame({ opcode: OP_TEXT, maskKey: KEY, data: payload });
  const times = Math.max(1, Math.round(STREAM_BYTES / frame.length));
  const stream = new Uint8Array(times * frame.length);
  for (let i = 0; i < times; i++) stream.set(frame, i * frame.length);
  return stream;
}

function decode(codec: Codec, stream: Uint8Array): number {
  const decoder = codec.decoder({ role: 'server' });
  let sum = 0;
  for (const { data } of decoder.decode(stream)) sum += data.length;
  decoder.free();
  return sum;
}

function decodesText(decoder: TextDecoder, data: Uint8Array): boolean {
  try {
    decoder.decode(data);
    return true;
  } catch {
    return false;
  }
}

function jobs(codec: Codec, size: number): Job[] {
  const text = textOf(size);
  const stream = streamOf(codec, text);
  const fatal = new TextDecoder('utf-8', { fatal: true });
  // Two unmaskings are none: each rival leaves the text as it was.
  const twice = (unmask: () => void): number => {
    unmask();
    const masked = text[0]!;
    unmask();
    return masked;
  };
  return [
    {
      name: 'Unmask',
      bytes: 2 * size,
      rivals: {
        [WASM]: () => twice(() => codec.unmask(text, KEY)),
        [PLAIN]: () => twice(() => naive.unmask(text, KEY_BYTES)),
      },
    },
    {
      name: 'Validate UTF-8',
      bytes: size,
      rivals: {
        [WASM]: () => codec.isValidUtf8(text),
        [PLAIN]: () => naive.validate(text),
        TextDecoder: () => decodesText(fatal, text),
      },
    },
    {
      name: 'Decode masked text frames',
      bytes: stream.length,
      rivals: { [WASM]: () => decode(codec, stream), [PLAIN]: () => naive.decode(stream) },
    },
  ];
}

/** Milliseconds of `times` calls. */
function time(call: () => unknown, times: number): number {
  const started = performance.now();
  for (let i = 0; i < times; i++) call();
  return performance.now() - started;
}

/** How many calls fill a round; finding out warms them up. */
function timesOf(call: () => unknown): number {
  let times = 1;
  for (;;) {
    const taken = time(call, times);
    if (taken >= MILLISECONDS_A_ROUND / 2) return Math.max(1, Math.round((times * MILLISECONDS_A_ROUND) / taken));
    times *= 2;
  }
}

function measure({ name, bytes, rivals }: Job): Measured[] {
  const calls = Object.entries(rivals);
  const answers = new Set(calls.map(([, call]) => call()));
  if (answers.size > 1) throw new Error(`${name}: the rivals disagree`);
  const times = calls.map(([, call]) => timesOf(call));
  const rounds = Array.from({ length: ROUNDS }, () => calls.map(([, call], i) => time(call, times[i]!) / times[i]!));
  return calls.map(([rival], i) => {
    const sorted = rounds.map(round => round[i]!).sort((a, b) => a - b);
    return { job: name, rival, speed: (bytes / sorted[ROUNDS >> 1]!) * 1000 };
  });
}

const report = (message: Report): void => postMessage(message);

addEventListener('message', ({ data: size }: MessageEvent<number>) => {
  try {
    for (const job of jobs(Codec.loadSync(), size)) for (const measured of measure(job)) report({ measured });
    report({ finished: true });
  } catch (error) {
    report({ failed: (error as Error).message });
  }
});
