/** What a call answers beside its HRESULT: IIS's out-parameters, and its completion callback. */
import { FLAG_ASCII, FLAG_FINAL, FLAG_OPCODE, OP_TEXT } from '../../assembly/abi.ts';
import type { HResult } from './hresult.ts';
import { Pieces } from './pieces.ts';

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

/** The view that was made last, and where it lies: who is given it to write need not ask it. */
export const lent: { view: Uint8Array; bytes: Uint8Array; at: number; length: number } = {
  view: EMPTY,
  bytes: EMPTY,
  at: 0,
  length: 0,
};

/** Makes a view of `length` bytes of `bytes` from `at` on; to ask for their buffer costs as much, if it is not at hand. */
export function lend(bytes: Uint8Array, at: number, length: number, buffer = bytes.buffer): Uint8Array {
  const view = new Uint8Array(buffer, bytes.byteOffset + at, length);
  lent.view = view;
  lent.bytes = bytes;
  lent.at = at;
  lent.length = length;
  return view;
}

/** The walk of a window that is not ours. */
const ELSEWHERE = -1;

/**
 * The out-parameters of one call, reusable from call to call. Passing one says that the caller looks at
 * `completionExpected`, so the call may finish inline; without one, a call that does not fail always ends in its
 * completion. The other fields mean something only where `completionExpected` is false; after a pending read that brought a
 * piece they are filled in, and it is false again, before its completion runs.
 *
 * A view costs more than the bytes of a short piece, so an inline read makes none until `data` is asked for: who passes
 * the piece on gives the result itself to writeFragment, and who looks at it finds it in `bytes`. A lent piece that is
 * written so may go out from where it lies: it is not to be changed before the callback returns.
 */
export class FragmentResult {
  completionExpected = false;
  /** Payload bytes read or sent. */
  cbIO = 0;
  utf8Encoded = false;
  finalFragment = false;
  connectionClose = false;
  /** What holds the piece that was read, `cbIO` bytes from `at` on: as good, and for as long, as `data`. Else null. */
  bytes: Uint8Array | null = null;
  at = 0;
  /** The piece is text, every byte of it below 0x80. False says nothing. */
  ascii = false;
  /**
   * Set before a lent read that may have to wait, it has the completion be given an empty view, which costs nothing: the
   * piece is found here. Default false.
   */
  viewless = false;
  /** @internal Who takes the piece back when it is not looked at any more, so that its memory serves again. */
  pieces: Pieces | null = null;
  /** @internal Whether a piece that lies in the window is copied when the window is lost. */
  lasting = false;
  #walk = 0;
  #at = 0;
  #length = 0;
  #data: Uint8Array | null = EMPTY;

  /** For a read, the bytes: a view of the caller's buffer, or the lent view; empty otherwise. */
  get data(): Uint8Array {
    return (this.#data ??= lend(this.bytes!, this.at, this.cbIO));
  }

  /** For contexts that are not this package's. What they lend may be overwritten. */
  set data(data: Uint8Array) {
    this.locate(data, 0, data.length, ELSEWHERE, null);
    this.ascii = false;
    this.#data = data;
  }

  /** Whether the bytes are overwritten later, as a lent view's are, or the caller's to keep. */
  get reused(): boolean {
    return this.#walk !== 0;
  }

  /** @internal Says that a piece was read to which decode gave these flags. */
  describe(flags: number): void {
    this.completionExpected = this.connectionClose = false;
    this.utf8Encoded = (flags & FLAG_OPCODE) === OP_TEXT;
    this.finalFragment = (flags & FLAG_FINAL) !== 0;
    this.ascii = (flags & FLAG_ASCII) !== 0;
  }

  /** @internal Says where the piece lies that was read, and in which walk of the window, if in the window. */
  locate(bytes: Uint8Array, at: number, length: number, walk: number, pieces: Pieces | null): void {
    this.bytes = bytes;
    this.at = at;
    this.cbIO = length;
    this.pieces = pieces;
    this.#walk = walk;
    this.#at = at;
    this.#length = length;
    this.#data = null;
  }

  /** @internal Whether the piece lies in the window. */
  get inWindow(): boolean {
    return this.#walk > 0 && this.bytes !== null;
  }

  /** @internal Tells of a copy, if the piece lies in the window. */
  keep(): void {
    if (!this.inWindow) return;
    const pieces = Pieces.copyOf(this.bytes!, this.at, this.cbIO);
    this.locate(pieces.bytes, 0, this.cbIO, 0, pieces);
  }

  /** @internal Whether it still tells of the whole piece: in front of a part there is no room for a header. */
  get whole(): boolean {
    return this.at === this.#at && this.cbIO === this.#length;
  }

  /**
   * @internal Whether it stands for its piece, or a part: not while its call is pending, nor where the piece lay in the window
   * and that has been walked for others since, nor where its buffer was transferred.
   */
  usable(walk: number): boolean {
    const { bytes } = this;
    if (this.completionExpected || (this.#walk > 0 && this.#walk !== walk)) return false;
    if (bytes === null) return true;
    const { at, cbIO } = this;
    return at >= this.#at && cbIO >= 0 && at + cbIO <= this.#at + this.#length && at + cbIO <= bytes.length;
  }

  /** @internal Says that the call is over, without a piece. */
  finish(cbIO: number, utf8: boolean, final: boolean, close: boolean): void {
    this.completionExpected = false;
    this.cbIO = cbIO;
    this.utf8Encoded = utf8;
    this.finalFragment = final;
    this.connectionClose = close;
    this.bytes = this.pieces = null;
    this.#walk = 0;
    this.#data = EMPTY;
  }
}

/** The out-parameters of getCloseStatus. */
export class CloseStatus {
  statusCode = 0;
  reason = '';
}
