/**
 * The call that waits: whom to tell how it ended. Each side of a connection has one at a time (IIS: one outstanding read, one
 * outstanding write); until it has ended, another is refused.
 */
import { type HResult, S_OK } from './hresult.ts';
import { Payload } from './payload.ts';
import { EMPTY, FragmentResult, type WebSocketCompletion } from './result.ts';
import { rethrow } from './turn.ts';

/** Has `result` say that no call of its waits; false where it is no FragmentResult. */
export function reset(result: FragmentResult): boolean {
  if (!(result instanceof FragmentResult)) return false;
  result.completionExpected = false;
  return true;
}

/** Whether a call's end has nobody to tell: an asynchronous one tells it by a completion or by a result. */
export function badCall(
  async: boolean,
  completion: WebSocketCompletion | null,
  result: FragmentResult | undefined,
): boolean {
  if (completion !== null && typeof completion !== 'function') return true;
  return async && !completion && !result;
}

export class PendingCall {
  /** Whether there is one. */
  waiting = false;
  /** It was cancelled, and its completion is still to come. */
  aborted = false;
  #completion: WebSocketCompletion | null = null;
  #completionContext: unknown = undefined;

  begin(completion: WebSocketCompletion, completionContext: unknown, result: FragmentResult | undefined): void {
    this.waiting = true;
    this.#completion = completion;
    this.#completionContext = completionContext;
    if (result) result.completionExpected = true;
  }

  /** Runs the completion, in which another call may begin. */
  end(hr: HResult, cbIO: number, utf8: boolean, final: boolean, close: boolean, data: Uint8Array): void {
    const completion = this.#completion!;
    const completionContext = this.#completionContext;
    this.forget();
    try {
      completion(hr, completionContext, cbIO, utf8, final, close, data);
    } catch (error) {
      rethrow(error);
    }
  }

  /** Ends it without a completion. */
  forget(): void {
    this.waiting = this.aborted = false;
    this.#completion = null;
    this.#completionContext = undefined;
  }
}

/** For calls that were given no result. */
export const untold = new FragmentResult();

/** A read: where the next piece goes, and who tells of it. */
export class PendingRead extends PendingCall {
  /** The caller's buffer, null for a piece that is lent as it lies. */
  data: Uint8Array | null = null;
  result = untold;

  beginRead(
    data: Uint8Array | null,
    completion: WebSocketCompletion,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): void {
    this.data = data;
    this.result = result ?? untold;
    this.begin(completion, completionContext, result);
  }

  /** Ends it with the piece that `result` tells of. */
  endTaken(): void {
    const { data, result } = this;
    const { cbIO, utf8Encoded, finalFragment } = result;
    let part = EMPTY;
    if (data !== null) part = data.length === cbIO ? data : new Uint8Array(data.buffer, data.byteOffset, cbIO);
    else if (!result.viewless) part = result.data;
    this.#forget();
    this.end(S_OK, cbIO, utf8Encoded, finalFragment, false, part);
  }

  /** Ends it without one. */
  endRead(hr: HResult, close: boolean): void {
    this.#forget();
    this.end(hr, 0, false, close, close, EMPTY);
  }

  #forget(): void {
    this.data = null;
    this.result = untold;
  }
}

/** A write: it is known from its beginning what will be told. */
export class PendingWrite extends PendingCall {
  /** Stands in for those who have never waited. */
  static readonly none = new PendingWrite();

  hr: HResult = S_OK;
  /** Payload bytes. */
  cbIO = 0;
  /** Whether the completion is to run in this turn. */
  due = false;
  /** What of it is sent from where it lies. */
  readonly payload = new Payload();
  #utf8 = false;
  #final = false;

  beginWrite(
    cbIO: number,
    utf8: boolean,
    final: boolean,
    completion: WebSocketCompletion,
    completionContext: unknown,
    result: FragmentResult | undefined,
  ): void {
    this.hr = S_OK;
    this.due = false;
    this.cbIO = cbIO;
    this.#utf8 = utf8;
    this.#final = final;
    this.begin(completion, completionContext, result);
  }

  endWrite(hr: HResult): void {
    this.due = false;
    this.end(hr, hr === S_OK ? this.cbIO : 0, this.#utf8, this.#final, false, EMPTY);
  }
}
