/** What a call answers beside its HRESULT: IIS's out-parameters, and its completion callback. */
import type { HResult } from './hresult.ts';

/** The data of calls that have none. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * PFN_WEBSOCKET_COMPLETION. Runs exactly once for a call that answered with `completionExpected` true, never for one
 * that failed or finished inline, and never before that call has returned.
 */
export type WebSocketCompletion = (
  hrError: HResult,
  completionContext: unknown,
  cbIO: number,
  utf8Encoded: boolean,
  finalFragment: boolean,
  close: boolean,
  data: Uint8Array,
) => void;

/**
 * The out-parameters of one call, reusable from call to call. Passing one says that the caller looks at
 * `completionExpected`, so the call may finish inline; without one, a call that does not fail always ends in its
 * completion. The other fields mean something only where `completionExpected` is false.
 */
export class FragmentResult {
  completionExpected = false;
  /** Payload bytes read or sent. */
  cbIO = 0;
  utf8Encoded = false;
  finalFragment = false;
  connectionClose = false;
  /** For a read, the bytes: a view of the caller's buffer, or the lent view; empty otherwise. */
  data: Uint8Array = EMPTY;
}

/**
 * The out-parameters of a lent read that asks for no view: where the piece lies. A view costs more than a short piece's
 * bytes, so who makes something else of them, as text is made, reads them there.
 */
export class FragmentPlace extends FragmentResult {
  /** What holds the piece, `cbIO` bytes from `at` on; null where a context answered with `data` instead. */
  bytes: Uint8Array | null = null;
  at = 0;
  /** Text, every byte of it below 0x80. */
  ascii = false;
  /** Whether those bytes are overwritten later, as a lent view's are; if not, they are the caller's to keep. */
  reused = true;
}

/** The out-parameters of getCloseStatus. */
export class CloseStatus {
  statusCode = 0;
  reason = '';
}
