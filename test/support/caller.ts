/**
 * A context with promises around IIS's verbs, for tests that hold a conversation. It counts calls and what became of
 * them: those started are those that failed or finished inline and those whose completion ran, once each and never
 * inside the call.
 */
import * as assert from 'uvu/assert';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { FAILED, type HResult } from '../../src/context/hresult.ts';
import { CloseStatus, type WebSocketCompletion } from '../../src/context/result.ts';

export type Heard =
  | { readonly kind: 'text' | 'binary'; readonly data: Buffer; readonly pieces: number }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly hr: HResult };

interface Completed {
  readonly hr: HResult;
  readonly text: boolean;
  readonly final: boolean;
  readonly close: boolean;
  readonly data: Buffer;
}

export class Caller {
  readonly context: WebSocketContext;
  #pending = 0;

  constructor(context: WebSocketContext) {
    this.context = context;
  }

  /** Reads until a message is whole; what ends the connection instead is told as such. */
  async hear(): Promise<Heard> {
    const pieces: Buffer[] = [];
    for (;;) {
      const { hr, text, final, close, data } = await this.#call(done => this.context.readFragment(null, true, done));
      if (FAILED(hr)) return { kind: 'failed', hr };
      if (close) return this.#status();
      pieces.push(data);
      if (final) return { kind: text ? 'text' : 'binary', data: Buffer.concat(pieces), pieces: pieces.length };
    }
  }

  /** Sends one frame: text for a string, else binary; `text` says it for bytes. Resolves when the call has completed. */
  async send(data: string | Uint8Array, final = true, text = typeof data === 'string'): Promise<HResult> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return (await this.#call(done => this.context.writeFragment(bytes, true, text, final, done))).hr;
  }

  async close(code = 1000, reason = ''): Promise<HResult> {
    return (await this.#call(done => this.context.sendConnectionClose(true, code, reason, done))).hr;
  }

  /** Answers every message with itself, and CLOSE with the same; resolves with what ended it. */
  async echo(): Promise<Heard> {
    for (;;) {
      const heard = await this.hear();
      if (heard.kind === 'close') await this.close(heard.code, heard.reason);
      if (heard.kind === 'close' || heard.kind === 'failed') return heard;
      await this.send(heard.data, true, heard.kind === 'text');
    }
  }

  /** Fails unless every call has come to its end. */
  settled(): void {
    assert.is(this.#pending, 0, 'every call has failed, finished inline or completed');
  }

  #status(): Heard {
    const status = new CloseStatus();
    assert.is(this.context.getCloseStatus(status), 0);
    return { kind: 'close', code: status.statusCode, reason: status.reason };
  }

  #call(start: (done: WebSocketCompletion) => HResult): Promise<Completed> {
    return new Promise(resolve => {
      let returned = false;
      let completed = false;
      this.#pending++;
      const end = (completion: Completed) => {
        assert.not(completed, 'a call completes once');
        completed = true;
        this.#pending--;
        resolve(completion);
      };
      const hr = start((hr, _context, length, text, final, close, data) => {
        assert.ok(returned, 'no completion runs inside its call');
        assert.is(data.length === length || data.length === 0, true, 'a view is as long as what was read');
        end({ hr, text, final, close, data: Buffer.from(data) });
      });
      returned = true;
      if (FAILED(hr)) end({ hr, text: false, final: false, close: false, data: Buffer.alloc(0) });
    });
  }
}
