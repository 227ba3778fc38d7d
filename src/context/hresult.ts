/** HRESULTs as unsigned 32-bit numbers: what the methods of a context answer, and what completions are told. */

export type HResult = number;

export function SUCCEEDED(hr: HResult): boolean {
  return (hr | 0) >= 0;
}

export function FAILED(hr: HResult): boolean {
  return (hr | 0) < 0;
}

export const S_OK = 0x00000000;
export const E_NOTIMPL = 0x80004001;
/** Another call of the same direction is under way, or the call has no place in this state. */
export const E_ILLEGAL_METHOD_CALL = 0x8000000e;
export const E_OUTOFMEMORY = 0x8007000e;
/** An argument is of the wrong kind or size; the context is untouched. */
export const E_INVALIDARG = 0x80070057;
/** The peer ended TCP without a CLOSE frame. HRESULT_FROM_WIN32(ERROR_HANDLE_EOF). */
export const E_HANDLE_EOF = 0x80070026;
/** The peer reset the connection, or fell silent. HRESULT_FROM_WIN32(ERROR_NETNAME_DELETED). */
export const E_NETNAME_DELETED = 0x80070040;
/** The operation was cancelled, or the connection was torn down on this side. ERROR_OPERATION_ABORTED. */
export const E_OPERATION_ABORTED = 0x800703e3;
/** A synchronous call (`async` false) could not finish at once; nothing was consumed. ERROR_IO_INCOMPLETE. */
export const E_IO_INCOMPLETE = 0x800703e4;
/** No close status is recorded. HRESULT_FROM_WIN32(ERROR_NOT_FOUND), also E_NOT_SET. */
export const E_NOT_SET = 0x80070490;
/** The connection is already gone. HRESULT_FROM_WIN32(ERROR_CONNECTION_INVALID). */
export const E_CONNECTION_INVALID = 0x800704cd;
/** The caller broke the protocol: data after CLOSE, a second CLOSE, a message changing its type. */
export const E_INVALID_PROTOCOL_OPERATION = 0x83760001;
/** The peer broke the protocol: see `fault` on the context for which rule. */
export const E_INVALID_PROTOCOL_FORMAT = 0x83760002;

/** Name under which IIS stores this context on a request. */
export const IIS_WEBSOCKET = 'websockets';
