/** What a failing HRESULT, or a call without a place, is called in the promise layer. */
import type { IWebSocketContext, WebSocketContext } from '../context/contract.ts';
import { WebSocketError } from '../context/error.ts';
import {
  E_CONNECTION_INVALID,
  E_HANDLE_EOF,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_FORMAT,
  E_INVALID_PROTOCOL_OPERATION,
  E_NETNAME_DELETED,
  E_OPERATION_ABORTED,
  type HResult,
} from '../context/hresult.ts';

const FAILURES = new Map<HResult, readonly [code: string, message: string]>([
  [E_HANDLE_EOF, ['ERR_LOST', 'the peer ended TCP without a CLOSE']],
  [E_NETNAME_DELETED, ['ERR_LOST', 'the connection was reset, or its peer fell silent']],
  [E_CONNECTION_INVALID, ['ERR_LOST', 'the connection is gone']],
  [
    E_OPERATION_ABORTED,
    ['ERR_ABORTED', 'the connection was ended on this side: aborted, or not closed within closeTimeout'],
  ],
  [
    E_INVALID_PROTOCOL_OPERATION,
    [
      'ERR_STATE',
      'CLOSE has been sent, by module.close() or by the context itself, or a piece has another type than its message',
    ],
  ],
  [E_ILLEGAL_METHOD_CALL, ['ERR_STATE', 'the call has no place in this state']],
]);

/** Returns the error that says `hr`; for a broken rule, with the rule. */
export function failure(hr: HResult, context: IWebSocketContext): WebSocketError {
  if (hr === E_INVALID_PROTOCOL_FORMAT) {
    const { fault } = context as Partial<WebSocketContext>;
    return new WebSocketError('ERR_PROTOCOL', fault?.message ?? 'the peer broke the protocol', hr);
  }
  const [code, message] = FAILURES.get(hr) ?? ['ERR_FAILED', `the call failed with 0x${hr.toString(16)}`];
  return new WebSocketError(code, message, hr);
}

export function busy(what: string): WebSocketError {
  return new WebSocketError('ERR_BUSY', `${what} is under way`, E_ILLEGAL_METHOD_CALL);
}

/** What has no place any more. */
export function misplaced(message: string): WebSocketError {
  return new WebSocketError('ERR_STATE', message, E_ILLEGAL_METHOD_CALL);
}

export function returned(): WebSocketError {
  return misplaced('a lent fragment is good until the next receive');
}

export function cancelled(signal: AbortSignal): WebSocketError {
  return new WebSocketError('ERR_CANCELLED', 'cancelled by its signal', E_OPERATION_ABORTED, { cause: signal.reason });
}

/** Throws where `signal` has aborted, or is none. */
export function checkSignal(signal: AbortSignal): void {
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw new TypeError('signal must be an AbortSignal: of an AbortController, its signal');
  }
  if (signal.aborted) throw cancelled(signal);
}

/** Why there is nothing more to read: reading has failed with `cause`, or ended. */
export function over(cause: WebSocketError | undefined): WebSocketError {
  if (!cause) return misplaced("the peer's CLOSE has been read");
  return new WebSocketError(cause.code, cause.message, cause.hr, { cause });
}
