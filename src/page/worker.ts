/**
 * The inspector's worker: reads one source after another with the codec, tells how far it is, and answers for rows and
 * frames. Opening a source ends the reading of the one before.
 */
import { Codec, type Role } from '../codec/index.ts';
import { BEGINNING, beginsJson, frameOf, MADE_UP_KEY, readHar, readText } from './input.ts';
import type { Answer, Progress, Question, Source, Summary } from './questions.ts';
import { Recording } from './recording.ts';

/** Bytes between two looks at what the page has asked. */
const STRIDE = 1 << 20;
const MILLISECONDS_BETWEEN_SUMMARIES = 50;

const codec = Codec.loadSync();
const BOTH: readonly Role[] = ['server', 'client'];

/** Lets the page's questions in. */
function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve));
}

/** One source, as far as it is read. */
class Reading {
  readonly #number: number;
  #recording = new Recording(codec, BOTH);
  #role: Role | 'both' = 'both';
  #total: number | undefined;
  #messages: Progress | undefined;
  #connections: readonly string[] = [];
  #cancelled = false;
  #told = 0;

  constructor(number: number) {
    this.#number = number;
  }

  /** Reads all of `source`, a live one as its messages come. */
  async open(source: Source, asked: Role | 'guess'): Promise<void> {
    if (source.kind === 'live') return;
    try {
      if (source.kind === 'text') await this.#readText(source, asked);
      else await this.#readFile(source, asked);
      this.#tell(this.#cancelled ? 'cancelled' : 'done');
    } catch (error) {
      postMessage({ number: this.#number, is: 'refused', message: (error as Error).message } satisfies Answer);
    }
  }

  /** Ends the reading; what was read stays. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Ends the reading, and gives back what the codec has lent. */
  close(): void {
    this.#cancelled = true;
    this.#recording.free();
  }

  append(type: 'send' | 'receive', data: string | ArrayBuffer): void {
    const sent = type === 'send';
    const text = typeof data === 'string';
    const payload = text ? new TextEncoder().encode(data) : new Uint8Array(data);
    const frame = codec.encodeFrame({ opcode: text ? 1 : 2, data: payload, ...(sent && { maskKey: MADE_UP_KEY }) });
    this.#recording.append(frame, sent ? 'server' : 'client');
    this.#tell('done');
  }

  tellRows(from: number, count: number): void {
    const rows = this.#recording.rows(from, count);
    postMessage({ number: this.#number, is: 'rows', from, rows } satisfies Answer);
  }

  tellFrame(index: number, from: number | undefined): void {
    const frame = this.#recording.frame(index, from);
    postMessage({ number: this.#number, is: 'frame', frame } satisfies Answer);
  }

  async #readText({ text, format, connection }: Source & { kind: 'text' }, asked: Role | 'guess'): Promise<void> {
    if (text.trimStart().startsWith('{')) await this.#readConversation(text, connection);
    else await this.#readBytes(new Blob([readText(text, format)]), asked);
  }

  async #readFile({ file, connection }: Source & { kind: 'file' }, asked: Role | 'guess'): Promise<void> {
    if (!file.size) throw new Error('The file is empty.');
    const beginning = new Uint8Array(await file.slice(0, BEGINNING).arrayBuffer());
    if (beginsJson(beginning)) await this.#readConversation(await file.text(), connection);
    else await this.#readBytes(file, asked);
  }

  async #readBytes(source: Blob, asked: Role | 'guess'): Promise<void> {
    const total = source.size;
    this.#total = total;
    for (let offset = 0; offset < total && !this.#recording.ended; offset += STRIDE) {
      const chunk = new Uint8Array(await source.slice(offset, offset + STRIDE).arrayBuffer());
      if (this.#cancelled) return;
      if (!offset) {
        // §5.1: a client masks every frame, a server none, so the first frame's MASK bit tells who reads.
        const guessed = (chunk[1] ?? 0) & 0b1000_0000 ? 'server' : 'client';
        this.#role = asked === 'guess' ? guessed : asked;
        this.#recording.free();
        this.#recording = new Recording(codec, [this.#role]);
        this.#recording.reserve(total);
      }
      this.#recording.append(chunk, this.#role as Role);
      this.#tell('reading');
    }
  }

  async #readConversation(json: string, chosen: number): Promise<void> {
    if (this.#cancelled) return;
    const found = readHar(json);
    this.#connections = found.map(({ url }) => url);
    const { messages } = found[chosen]!;
    let paused = 0;
    for (const [read, message] of messages.entries()) {
      const frame = frameOf(codec, message);
      if (frame) this.#recording.append(frame.bytes, frame.role);
      this.#messages = { done: read + 1, of: messages.length, unit: 'message' };
      if (this.#recording.length - paused < STRIDE) continue;
      paused = this.#recording.length;
      this.#tell('reading');
      await pause();
      if (this.#cancelled) return;
    }
  }

  #tell(state: Summary['state']): void {
    const now = performance.now();
    if (state === 'reading' && now - this.#told < MILLISECONDS_BETWEEN_SUMMARIES) return;
    this.#told = now;
    const { frames, messages, fault, length: read, stop: end } = this.#recording;
    const total = this.#total ?? read;
    const stop = end !== undefined && end < total ? end : undefined;
    const progress = this.#messages ?? { done: read, of: total, unit: 'byte' };
    const [role, connections] = [this.#role, this.#connections];
    const summary = { state, progress, read, total, frames, messages, stop, fault, role, connections };
    postMessage({ number: this.#number, is: 'summary', summary } satisfies Answer);
  }
}

let reading = new Reading(0);

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  if (data.ask === 'open') {
    reading.close();
    reading = new Reading(data.number);
    reading.open(data.source, data.role);
  } else if (data.ask === 'append') reading.append(data.type, data.data);
  else if (data.ask === 'cancel') reading.cancel();
  else if (data.ask === 'rows') reading.tellRows(data.from, data.count);
  else reading.tellFrame(data.index, data.from);
});
