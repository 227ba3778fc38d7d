/** A watched context that hears whole messages, for tests that hold a conversation. */
import type { Context } from '../../src/context/context.ts';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { E_IO_INCOMPLETE, FAILED, type HResult } from '../../src/context/hresult.ts';
import { CloseStatus } from '../../src/context/result.ts';
import { Watched } from './watched.ts';

export type Heard =
  | { readonly kind: 'text' | 'binary'; readonly data: Buffer }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly hr: HResult };

export class Caller extends Watched {
  constructor(context: WebSocketContext) {
    super(context as Context);
  }

  /** Reads until a message is whole; what ends the connection instead is told as such. */
  async hear(): Promise<Heard> {
    const pieces: Buffer[] = [];
    for (;;) {
      const here = this.readNow();
      const { hr, utf8, final, close, data } = here.hr === E_IO_INCOMPLETE ? await this.read() : here;
      if (FAILED(hr)) return { kind: 'failed', hr };
      if (close) return { kind: 'close', ...this.#closeStatus() };
      pieces.push(data);
      if (final) return { kind: utf8 ? 'text' : 'binary', data: Buffer.concat(pieces) };
    }
  }

  /** The next message's text. */
  async hearText(): Promise<string | Heard> {
    const heard = await this.hear();
    return heard.kind === 'text' ? heard.data.toString() : heard;
  }

  /** Answers every message with itself, and CLOSE with the same; resolves with what ended it. */
  async echo(): Promise<Heard> {
    for (;;) {
      const heard = await this.hear();
      if (heard.kind === 'close') await this.close(heard.code, heard.reason);
      if (heard.kind === 'close' || heard.kind === 'failed') return heard;
      await this.write(heard.data, { text: heard.kind === 'text' });
    }
  }

  #closeStatus(): { code: number; reason: string } {
    const status = new CloseStatus();
    this.getCloseStatus(status);
    return { code: status.statusCode, reason: status.reason };
  }
}
