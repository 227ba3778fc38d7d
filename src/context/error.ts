/** Misuse and ends as exceptions, for what answers with a promise. */
import type { HResult } from './hresult.ts';

export class WebSocketError extends Error {
  /** 'ERR_BUSY', 'ERR_STATE', 'ERR_CANCELLED', 'ERR_TOO_LARGE', 'ERR_PROTOCOL', 'ERR_LOST', 'ERR_ABORTED', 'ERR_FULL'. */
  readonly code: string;
  readonly hr: HResult;

  constructor(code: string, message: string, hr: HResult, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WebSocketError';
    this.code = code;
    this.hr = hr;
  }
}
