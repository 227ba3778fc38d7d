/**
 * One conversation of `connect`. Two streams of things meet here: what the input says goes to the server, what the server
 * says goes to the output; each waits where its other end does not keep up. The session ends when the connection does.
 */
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { type WebSocketConnection, type WebSocketContext, WebSocketError } from '../index.ts';
import { hex } from '../page/figures.ts';
import { linesOf } from './lines.ts';
import { printable, styled, write } from './terminal.ts';

export interface Options {
  readonly binary: boolean;
  /** Messages to send instead of the input's lines. */
  readonly execute: readonly string[] | undefined;
  /** Seconds to stay when all is sent. */
  readonly wait: number;
  /** Seconds between PINGs, 0 for none. */
  readonly ping: number;
}

export interface Streams {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

const SHOWN_MOST = 64;
const COMMANDS: Readonly<Record<string, string>> = {
  '/ping': 'send a PING, show its round trip',
  '/binary': 'send bytes given in hexadecimal: /binary 01 02 ff',
  '/close': 'close: /close [code] [reason]',
  '/stats': 'show what was sent and received',
  '/help': 'show this',
};

export class Session {
  readonly #connection: WebSocketConnection;
  readonly #context: WebSocketContext;
  readonly #streams: Streams;
  readonly #terminal: boolean;
  readonly #options: Options;
  #prompt: Interface | undefined;
  /** Ends the pings and the waiting when the connection ends. */
  readonly #over = new AbortController();
  /** Why the input could not be sent to its end. */
  #unsent: unknown;

  constructor(
    connection: WebSocketConnection,
    context: WebSocketContext,
    streams: Streams,
    terminal: boolean,
    options: Options,
  ) {
    this.#connection = connection;
    this.#context = context;
    this.#streams = streams;
    this.#terminal = terminal;
    this.#options = options;
  }

  /** Resolves when both sides have said CLOSE; rejects where the connection is lost, or the input cannot be sent. */
  async run(): Promise<void> {
    const receiving = this.#receive();
    const sending = this.#terminal ? this.#converse() : this.#send();
    // Nobody awaits these once the connection has ended, and then they end by failing.
    sending.catch(() => {});
    if (this.#options.ping) this.#keepPinging().catch(() => {});
    try {
      await receiving;
    } catch (error) {
      const late = error instanceof WebSocketError && error.code === 'ERR_ABORTED';
      throw late ? new Error('the connection was not closed in time') : error;
    } finally {
      this.#over.abort();
      this.#prompt?.close();
      if ('unref' in this.#streams.stdin) (this.#streams.stdin as NodeJS.ReadStream).unref();
      this.#streams.stdin.pause();
    }
    if (this.#unsent) throw this.#unsent;
  }

  async #receive(): Promise<void> {
    const { stdout } = this.#streams;
    const shown = (stdout as Partial<WriteStream>).isTTY === true;
    for await (const message of this.#connection) {
      if (this.#terminal) this.#show(styled(stdout, 'cyan', `< ${describe(message)}`));
      else if (typeof message === 'string') await write(stdout, `${shown ? printable(message) : message}\n`);
      else await write(stdout, this.#options.binary && !shown ? message : `${hex(message)}\n`);
    }
  }

  /** Sends what is given, or the input line by line, then closes. */
  async #send(): Promise<void> {
    const { binary, execute, wait } = this.#options;
    const stdin = this.#streams.stdin as AsyncIterable<Buffer>;
    try {
      for await (const line of execute ?? linesOf(stdin, !binary)) await this.#sendLine(line);
    } catch (error) {
      if (error instanceof WebSocketError) throw error;
      this.#unsent = error;
    }
    await sleep(wait * 1000, undefined, { signal: this.#over.signal });
    await this.#connection.closeOutput();
  }

  #sendLine(line: string | Uint8Array): Promise<void> {
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    return this.#connection.send(bytes, { text: !this.#options.binary });
  }

  async #converse(): Promise<void> {
    const { stdin, stdout } = this.#streams;
    const prompt = createInterface({ input: stdin, output: stdout, terminal: true, prompt: '> ', completer });
    this.#prompt = prompt;
    const { protocol } = this.#context;
    this.#show(`connected${protocol && `, subprotocol ${protocol}`}; /help for commands, Ctrl+C to close`);
    prompt.on('SIGINT', () => prompt.close());
    prompt.on('close', () => (this.#prompt = undefined));
    prompt.on('line', line => {
      this.#obey(line).then(
        () => this.#prompt?.prompt(),
        (error: Error) => this.#show(error.message),
      );
    });
    await once(prompt, 'close');
    await this.#connection.closeOutput();
  }

  async #obey(line: string): Promise<void> {
    const [command = '', ...words] = line.trim().split(/\s+/);
    if (!line.trim()) return;
    if (!line.startsWith('/')) await this.#sendLine(line);
    else if (line.startsWith('//')) await this.#sendLine(line.slice(1));
    else if (command === '/ping') await this.#ping();
    else if (command === '/binary') await this.#connection.send(bytesOf(words.join('')));
    else if (command === '/stats') this.#show(JSON.stringify(this.#context.stats, null, 2));
    else if (command === '/close') await this.#close(words);
    else if (command === '/help') {
      for (const [name, what] of Object.entries(COMMANDS)) this.#show(`${name.padEnd(8)} ${what}`);
    } else this.#show(`there is no command ${command}; to send it as a message, begin with //`);
  }

  async #close([code, ...reason]: string[]): Promise<void> {
    await this.#connection.closeOutput(code === undefined ? 1000 : Number(code), reason.join(' '));
  }

  async #ping(): Promise<void> {
    const milliseconds = await this.#context.ping();
    const text = styled(this.#streams.stderr, 'dim', `pong after ${milliseconds.toFixed(2)} ms`);
    if (this.#terminal) this.#show(text);
    else this.#streams.stderr.write(`${text}\n`);
  }

  async #keepPinging(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await sleep(this.#options.ping * 1000, undefined, { signal, ref: false });
      await this.#ping();
    }
  }

  /** Prints above the line that is being typed. */
  #show(text: string): void {
    this.#streams.stdout.write(`\r\u001b[K${text}\n`);
    this.#prompt?.prompt(true);
  }
}

function completer(line: string): [string[], string] {
  return [line.startsWith('/') ? Object.keys(COMMANDS).filter(name => name.startsWith(line)) : [], line];
}

function describe(message: string | Uint8Array): string {
  if (typeof message === 'string') return printable(message);
  const shown = hex(message.subarray(0, SHOWN_MOST));
  return `${message.length} bytes: ${shown}${message.length > SHOWN_MOST ? ' ...' : ''}`;
}

function bytesOf(digits: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('bytes are pairs of hexadecimal digits');
  return Buffer.from(digits, 'hex');
}
