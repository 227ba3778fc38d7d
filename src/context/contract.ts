/** The interfaces of a context: IIS's own, and what this package adds. */
import type { Role } from '../codec/decoder.ts';
import type { Fault } from '../codec/faults.ts';
import type { HResult } from './hresult.ts';
import type { CloseStatus, FragmentResult, WebSocketCompletion } from './result.ts';

export interface IHttpStoredContext {
  /** Ends the context's life: aborts what is open, completes every pending call, releases its memory. Idempotent. */
  cleanupStoredContext(): void;
}

/** IIS's IWebSocketContext, method for method, in v-table order. */
export interface IWebSocketContext extends IHttpStoredContext {
  /** Sends one frame. `data` belongs to the context until the call completes. */
  writeFragment(
    data: Uint8Array,
    async: boolean,
    utf8Encoded: boolean,
    finalFragment: boolean,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult;
  /**
   * Reads one piece of one message into `data` (at most `data.length` bytes; capacity 0 is E_INVALIDARG), or, where
   * `data` is null, lends the piece where it lies: the lent view is valid until the completion returns or, after an
   * inline read, until the callback from which the call was made returns. It may be passed to writeFragment of any
   * context of this thread; for anything that finishes later (another socket, fs, zlib, postMessage) take a `slice()`.
   * Its `buffer` is the engine's whole memory.
   */
  readFragment(
    data: Uint8Array | null,
    async: boolean,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult;
  /** Sends a CLOSE frame and closes the sending side; reading goes on. 1005 with a null reason sends an empty CLOSE. */
  sendConnectionClose(
    async: boolean,
    statusCode: number,
    reason?: string | null,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult;
  /** The status of the peer's CLOSE. E_NOT_SET before one was read; an empty CLOSE is S_OK, 1005, "". */
  getCloseStatus(status: CloseStatus): HResult;
  /** Ends TCP without a CLOSE frame; every pending call completes with E_OPERATION_ABORTED. Idempotent. */
  closeTcpConnection(): void;
  /**
   * Completes pending calls with E_OPERATION_ABORTED; the connection stays open. A frame already part-written is
   * finished, and its write completes once the socket has let go of the caller's bytes.
   */
  cancelOutstandingIO(): void;
}

/** Running totals; bytes are payload bytes of data frames. */
export interface Stats {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly fragmentsReceived: number;
  readonly fragmentsSent: number;
  /** Payload bytes received and not yet read. */
  readonly receiveBuffered: number;
  /** Bytes accepted from the caller and not yet handed to the operating system. */
  readonly sendBuffered: number;
}

/** What this package's contexts offer beside IIS's methods. */
export interface WebSocketContext extends IWebSocketContext {
  /**
   * IIS's method. `data` may also be the result of a read: it stands for its piece, without a view of it, for as long as a
   * lent view would be valid. E_INVALIDARG while that read is pending, or where the piece is no longer valid.
   */
  writeFragment(
    data: Uint8Array | FragmentResult,
    async: boolean,
    utf8Encoded: boolean,
    finalFragment: boolean,
    completion?: WebSocketCompletion | null,
    completionContext?: unknown,
    result?: FragmentResult,
  ): HResult;
  readonly role: Role;
  /** The negotiated subprotocol, '' for none. */
  readonly protocol: string;
  readonly remoteAddress: string | undefined;
  /** The rule that the peer broke, where a read failed with E_INVALID_PROTOCOL_FORMAT. */
  readonly fault: Fault | undefined;
  /**
   * Sends a PING (payload up to 125 bytes); resolves with the round trip in milliseconds when its PONG arrives. Rejects
   * with TypeError or RangeError for another payload, and with WebSocketError: ERR_STATE where CLOSE has been sent, ERR_LOST
   * or ERR_ABORTED when the connection ends first.
   */
  ping(payload?: Uint8Array): Promise<number>;
  /**
   * Gives the connection closeTimeout, from now on and from each move of its payload, as sending CLOSE does; then TCP is cut.
   * For who waits with CLOSE until a send is done.
   */
  hurry(): void;
  readonly stats: Stats;
}

export interface WebSocketOptions {
  /** IIS `<webSocket enabled>`; false refuses every upgrade with 404. For servers alone. Default true. */
  enabled?: boolean | undefined;
  /** Undelivered bytes held per connection before the socket is paused; each fragment counts 32 more. Default 4_194_304. */
  receiveBufferLimit?: number | undefined;
  /** Milliseconds between pings; 0 sends none. Default 0. */
  pingInterval?: number | undefined;
  /** Milliseconds of silence after a ping before the connection counts as lost (read fails E_NETNAME_DELETED); 0 never. Default 0. */
  pongTimeout?: number | undefined;
  /** Milliseconds that a closing connection may take before TCP is cut. Default 10_000. */
  closeTimeout?: number | undefined;
  /** Longest message accepted, summed over its fragments; a longer one is closed with 1009. Default 0: no limit, memory is bounded by receiveBufferLimit. */
  maxMessageSize?: number | undefined;
  /** Unsent bytes held per connection before a write is answered with completionExpected and waits. Default 65_536. */
  sendBufferLimit?: number | undefined;
  /** Whether sockets read straight into linear memory where Node allows it; false takes 'data' events, with one copy. Default true. */
  directReads?: boolean | undefined;
}
