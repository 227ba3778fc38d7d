/**
 * The read of the context's: one at a time, for whoever needs it. It and its caller need not be there together: a caller who
 * is cancelled leaves it behind.
 */
import type { IWebSocketContext } from '../context/contract.ts';
import type { WebSocketError } from '../context/error.ts';
import {
  E_ILLEGAL_METHOD_CALL,
  E_IO_INCOMPLETE,
  E_OPERATION_ABORTED,
  FAILED,
  type HResult,
} from '../context/hresult.ts';
import { FragmentResult } from '../context/result.ts';
import { busy } from './failure.ts';

export interface ReadingOwner {
  /** The read that was under way has completed. */
  completed(hr: HResult, text: boolean, final: boolean, close: boolean, given: Uint8Array): void;
  /** The context has refused one for good; returns what its caller is told. */
  failed(hr: HResult): WebSocketError;
  /** Somebody reads past this connection: says whether he has read the peer's CLOSE, so that there is nothing more. */
  overtaken(): boolean;
}

/** For those who are lent nothing: looked at as soon as a call has returned, so one serves all. */
export const place: FragmentResult = new FragmentResult();

export class Reading {
  /** Whether one is under way. */
  underWay = false;
  /** Whether it reads to the caller's own buffer. */
  direct = false;
  /** What it tells the fragment that it lends, null where it lends none. */
  told: FragmentResult | null = null;
  readonly #context: IWebSocketContext;
  readonly #owner: ReadingOwner;
  #again = false;

  constructor(context: IWebSocketContext, owner: ReadingOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  /**
   * Starts one. True when it has finished, and `result` says how; false when its completion will, or if it is not `async`,
   * when there is nothing here; nor is there anything more where the peer's CLOSE was read past this connection.
   */
  begin(data: Uint8Array | null, result: FragmentResult, async: boolean): boolean {
    const hr = this.#context.readFragment(data, async, async ? onRead : null, this.#owner, result);
    if (hr === E_IO_INCOMPLETE && !async) return false;
    if (hr === E_ILLEGAL_METHOD_CALL) {
      if (this.#owner.overtaken()) return false;
      throw busy("a read of the context's");
    }
    if (FAILED(hr)) throw this.#owner.failed(hr);
    if (!result.completionExpected) return true;
    this.underWay = true;
    this.direct = data !== null;
    this.told = result === place ? null : result;
    return false;
  }

  /** Sees to it that one which is about to be cancelled, together with a send, is begun again. */
  beginAgain(): void {
    this.#again = this.underWay;
  }

  /** It has completed with `hr`; says whether it is to be begun again. */
  end(hr: HResult): boolean {
    const again = this.#again && hr === E_OPERATION_ABORTED;
    this.underWay = this.#again = false;
    return again;
  }
}

function onRead(
  hr: HResult,
  owner: unknown,
  _cbIO: number,
  text: boolean,
  final: boolean,
  close: boolean,
  data: Uint8Array,
): void {
  (owner as ReadingOwner).completed(hr, text, final, close, data);
}
