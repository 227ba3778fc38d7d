/** The inspector's worker: reads one source with the codec, tells how far it is, and answers for rows and frames. */
import { Codec, type Role } from '../codec/index.ts';
import { beginsJson, frameOf, MADE_UP_KEY, readHar, readText } from './input.ts';
import type { Answer, Question, Source, Summary } from './questions.ts';
import { Recording } from './recording.ts';

/** Bytes between two looks at what the page has asked. */
const STRIDE = 1 << 20;
const MILLISECONDS_BETWEEN_SUMMARIES = 50;

const codec = Codec.loadSync();
const BOTH: readonly Role[] = ['server', 'client'];

let recording = new Recording(codec, BOTH);
let role: Role | 'both' = 'both';
let total = 0;
let connections: readonly string[] = [];
let cancelled = false;
let told = 0;

function answer(message: Answer): void {
  postMessage(message);
}

function tell(state: Summary['state'], read = recording.length): void {
  const now = performance.now();
  if (state === 'reading' && now - told < MILLISECONDS_BETWEEN_SUMMARIES) return;
  told = now;
  const { frames, messages, fault } = recording;
  const stop = recording.stop !== undefined && recording.stop < total ? recording.stop : undefined;
  answer({ is: 'summary', summary: { state, read, total, frames, messages, stop, fault, role, connections } });
}

/** Lets the page's questions in. */
function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve));
}

async function readBytes(source: Blob, asked: Role | 'guess'): Promise<void> {
  total = source.size;
  for (let offset = 0; offset < total && !cancelled && !recording.ended; offset += STRIDE) {
    const chunk = new Uint8Array(await source.slice(offset, offset + STRIDE).arrayBuffer());
    if (!offset) {
      // §5.1: a client masks every frame, a server none, so the first frame's MASK bit tells who reads.
      const guessed = (chunk[1] ?? 0) & 0b1000_0000 ? 'server' : 'client';
      role = asked === 'guess' ? guessed : asked;
      recording = new Recording(codec, [role]);
      recording.reserve(total);
    }
    recording.append(chunk, role as Role);
    tell('reading');
  }
}

async function readConversation(json: string, chosen: number): Promise<void> {
  const found = readHar(json);
  connections = found.map(({ url }) => url);
  const { messages } = found[chosen]!;
  total = messages.length;
  let paused = 0;
  for (const [read, message] of messages.entries()) {
    const frame = frameOf(codec, message);
    if (frame) recording.append(frame.bytes, frame.role);
    if (recording.length - paused < STRIDE) continue;
    paused = recording.length;
    tell('reading', read);
    await pause();
    if (cancelled) return;
  }
  total = recording.length;
}

async function open(source: Source, asked: Role | 'guess'): Promise<void> {
  if (source.kind === 'live') return;
  if (source.kind === 'text') {
    if (source.text.trimStart().startsWith('{')) await readConversation(source.text, 0);
    else await readBytes(new Blob([readText(source.text, source.format)]), asked);
  } else {
    const { file, connection } = source;
    if (!file.size) throw new Error('The file is empty.');
    const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer());
    if (beginsJson(first)) await readConversation(await file.text(), connection);
    else await readBytes(file, asked);
  }
  tell(cancelled ? 'cancelled' : 'done');
}

function append(type: 'send' | 'receive', data: string | ArrayBuffer): void {
  const sent = type === 'send';
  const text = typeof data === 'string';
  const payload = text ? new TextEncoder().encode(data) : new Uint8Array(data);
  const frame = codec.encodeFrame({ opcode: text ? 1 : 2, data: payload, ...(sent && { maskKey: MADE_UP_KEY }) });
  recording.append(frame, sent ? 'server' : 'client');
  total = recording.length;
  tell('done');
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  if (data.ask === 'open') {
    open(data.source, data.role).catch((error: Error) => answer({ is: 'refused', message: error.message }));
  } else if (data.ask === 'append') append(data.type, data.data);
  else if (data.ask === 'cancel') cancelled = true;
  else if (data.ask === 'rows') answer({ is: 'rows', from: data.from, rows: recording.rows(data.from, data.count) });
  else answer({ is: 'frame', frame: recording.frame(data.index, data.from) });
});
