/**
 * A context under watch: every call is counted, and what it promised is held against what came. Calls started = finished
 * inline + completions run; a completion never runs inside the call that it belongs to, nor twice, nor after a call that
 * finished inline. Beside IIS's own methods it has each of them in a form that a test reads well.
 */
import * as assert from 'uvu/assert';
import type { Context } from '../../src/context/context.ts';
import type { IWebSocketContext } from '../../src/context/contract.ts';
import { FAILED, type HResult, S_OK } from '../../src/context/hresult.ts';
import { CloseStatus, FragmentResult, type WebSocketCompletion } from '../../src/context/result.ts';

/** What a call was told, inline or by its completion; `data` is a copy. */
export interface Told {
  readonly hr: HResult;
  readonly cbIO: number;
  readonly utf8: boolean;
  readonly final: boolean;
  readonly close: boolean;
  readonly data: Buffer;
  readonly text: string;
  readonly inline: boolean;
}

const COPY = (data: Uint8Array) => Buffer.from(data);

function tell(
  hr: HResult,
  cbIO: number,
  utf8: boolean,
  final: boolean,
  close: boolean,
  data: Uint8Array,
  inline: boolean,
): Told {
  const copy = COPY(data);
  return { hr, cbIO, utf8, final, close, data: copy, text: copy.toString(), inline };
}

export interface SendOptions {
  text?: boolean;
  final?: boolean;
}

export class Watched implements IWebSocketContext {
  readonly context: Context;
  started = 0;
  inline = 0;
  completed = 0;
  cleaned = 0;
  /** Calls of this context that have not returned. */
  #depth = 0;
  #cleaning = false;

  constructor(context: Context) {
    this.context = context;
  }

  get pending(): number {
    return this.started - this.inline - this.completed;
  }

  // ── IIS's methods ──

  writeFragment(
    data: Uint8Array | FragmentResult,
    async: boolean,
    utf8Encoded: boolean,
    finalFragment: boolean,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    const call = (watched: WebSocketCompletion | null | undefined) =>
      this.context.writeFragment(data, async, utf8Encoded, finalFragment, watched, completionContext, result);
    return this.#call(completion, async, result, call, data);
  }

  readFragment(
    data: Uint8Array | null,
    async: boolean,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    return this.#call(completion, async, result, watched =>
      this.context.readFragment(data, async, watched, completionContext, result),
    );
  }

  sendConnectionClose(
    async: boolean,
    statusCode: number,
    reason?: string | null,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult {
    return this.#call(completion, async, result, watched =>
      this.context.sendConnectionClose(async, statusCode, reason, watched, completionContext, result),
    );
  }

  getCloseStatus(status: CloseStatus): HResult {
    return this.context.getCloseStatus(status);
  }

  closeTcpConnection(): void {
    this.#within(() => this.context.closeTcpConnection());
  }

  cancelOutstandingIO(): void {
    this.#within(() => this.context.cancelOutstandingIO());
  }

  cleanupStoredContext(): void {
    this.#cleaning = true;
    this.context.cleanupStoredContext();
    this.#cleaning = false;
  }

  // ── the same, for reading ──

  /** Reads by completion: the call answers S_OK, or the promise rejects. */
  read(data: Uint8Array | null = null): Promise<Told> {
    return this.#promise(completion => this.readFragment(data, true, completion));
  }

  write(data: Uint8Array | string, { text = typeof data === 'string', final = true }: SendOptions = {}): Promise<Told> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return this.#promise(completion => this.writeFragment(bytes, true, text, final, completion));
  }

  close(code = 1000, reason: string | null = null): Promise<Told> {
    return this.#promise(completion => this.sendConnectionClose(true, code, reason, completion));
  }

  /** Reads inline; `hr` is E_IO_INCOMPLETE where nothing is here. */
  readNow(data: Uint8Array | null = null): Told {
    const result = new FragmentResult();
    return answer(this.readFragment(data, true, null, undefined, result), result);
  }

  writeNow(
    data: Uint8Array | FragmentResult | string,
    { text = typeof data === 'string', final = true }: SendOptions = {},
  ): Told {
    const result = new FragmentResult();
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return answer(this.writeFragment(bytes, true, text, final, null, undefined, result), result);
  }

  closeNow(code = 1000, reason: string | null = null): Told {
    const result = new FragmentResult();
    return answer(this.sendConnectionClose(true, code, reason, null, undefined, result), result);
  }

  /** The peer's status as "1000 reason", or the failing HRESULT. */
  get status(): string | HResult {
    const status = new CloseStatus();
    const hr = this.getCloseStatus(status);
    return hr === S_OK ? `${status.statusCode} ${status.reason}`.trimEnd() : hr;
  }

  #promise(call: (completion: WebSocketCompletion) => HResult): Promise<Told> {
    return new Promise((resolve, reject) => {
      const hr = call((hr, _context, cbIO, utf8, final, close, data) =>
        resolve(tell(hr, cbIO, utf8, final, close, data, false)),
      );
      if (FAILED(hr)) reject(new Error(`failed inline with ${hr.toString(16)}`));
    });
  }

  #call(
    completion: WebSocketCompletion | null | undefined,
    async: boolean,
    result: FragmentResult | undefined,
    call: (completion: WebSocketCompletion | null | undefined) => HResult,
    data: unknown = null,
  ): HResult {
    this.started++;
    let returned = false;
    let runs = 0;
    const told: WebSocketCompletion = (...args) => {
      runs++;
      this.completed++;
      assert.is(runs, 1, 'a completion runs once');
      assert.ok(returned, 'a completion runs after its call has returned');
      assert.ok(!this.#depth || this.#cleaning, 'no completion runs inside a call of its context');
      completion?.(...args);
    };
    // What is no function reaches the context as it is.
    const watched = typeof completion === 'function' ? told : completion;
    // One that stands for a piece says what its read said.
    if (result && result !== data) result.completionExpected = true;
    const hr = this.#within(() => call(watched));
    returned = true;
    const expected = !FAILED(hr) && async && (result ? result.completionExpected : true);
    if (FAILED(hr) && result) assert.not.ok(result.completionExpected, 'a call that failed expects no completion');
    if (!expected) {
      this.inline++;
      runs = 1;
    }
    return hr;
  }

  #within<T>(call: () => T): T {
    this.#depth++;
    try {
      return call();
    } finally {
      this.#depth--;
    }
  }
}

function answer(hr: HResult, result: FragmentResult): Told {
  const { cbIO, utf8Encoded, finalFragment, connectionClose, data } = result;
  return tell(hr, cbIO, utf8Encoded, finalFragment, connectionClose, data, true);
}
