/**
 * One context as a simple model sees it: what was accepted for sending is a list of frames, what is read must be that
 * list, in order and cut anywhere, and every answer must be one that this much knowledge allows. Bytes lent by a caller
 * are spoiled the moment that they are the caller's again.
 */
import * as assert from 'uvu/assert';
import { closePayload, readClose } from '../../src/context/close.ts';
import {
  E_CONNECTION_INVALID,
  E_HANDLE_EOF,
  E_ILLEGAL_METHOD_CALL,
  E_INVALID_PROTOCOL_OPERATION,
  E_IO_INCOMPLETE,
  E_NETNAME_DELETED,
  E_OPERATION_ABORTED,
  FAILED,
  type HResult,
  S_OK,
} from '../../src/context/hresult.ts';
import { FragmentResult, type WebSocketCompletion } from '../../src/context/result.ts';
import type { Watched } from '../support/watched.ts';
import type { Wire } from './network.ts';

/** How a call says how it ended. */
export const WAYS = ['completion', 'either', 'inline'] as const;
export type Way = (typeof WAYS)[number];

/** What is done with a piece that was read: it is written as its view or as its result, again, or to the other side. */
export const ECHOES = ['none', 'view', 'result', 'twice', 'other'] as const;
export type Echo = (typeof ECHOES)[number];

interface Sent {
  readonly utf8: boolean;
  readonly final: boolean;
  readonly data: Uint8Array;
  /** "1000 bye" of a CLOSE. */
  readonly close: string | undefined;
}

const MANY = 1 << 18;
const BYTES = Uint8Array.from({ length: MANY }, (_, at) => (at * 31 + (at >> 7)) & 0x7f);

export class Side {
  readonly context: Watched;
  readonly wire: Wire;
  other!: Side;

  /** What the other side is to read, and how far it has come. */
  readonly sent: Sent[] = [];
  #at = 0;
  #offset = 0;

  // What is known without looking inside.
  #message: 'text' | 'binary' | undefined;
  #messageBefore: 'text' | 'binary' | undefined;
  #closeSent = false;
  /** This side ended the connection itself, at once or behind what was accepted. */
  #down = false;
  #reading = false;
  #writing: Sent | undefined;
  #closeRead = false;
  #endRead = false;
  /** A frame was cut, or bytes thrown away: what was sent does not all arrive. */
  lossy = false;
  /** PINGs not answered yet. */
  pings = 0;
  #seed = 0;

  constructor(context: Watched, wire: Wire) {
    this.context = context;
    this.wire = wire;
  }

  get #over(): boolean {
    return this.#down || this.wire.ended || this.wire.closed;
  }

  write(length: number, utf8: boolean, final: boolean, way: Way, then: () => void): void {
    const start = (this.#seed = (this.#seed * 7 + 1031) % (MANY - length));
    this.#write(BYTES.slice(start, start + length), utf8, final, way, then);
  }

  #write(
    data: Uint8Array | FragmentResult,
    utf8: boolean,
    final: boolean,
    way: Way,
    then: () => void,
    lent = false,
  ): void {
    const type = utf8 ? 'text' : 'binary';
    const lies = data instanceof FragmentResult;
    const frame: Sent = { utf8, final, data: lies ? bytesOf(data) : data.slice(), close: undefined };
    const spoil = () => lent || lies || data.fill(0xff);
    const told: WebSocketCompletion = (hr, _context, cbIO, wasText, wasFinal, close, nothing) => {
      this.#writing = undefined;
      spoil();
      assert.equal([wasText, wasFinal, close, nothing.length], [utf8, final, false, 0]);
      if (hr === S_OK) assert.is(cbIO, frame.data.length);
      else this.#checkLoss(hr);
      then();
    };
    const { hr, result } = this.#call(way, told, (completion, result) =>
      this.context.writeFragment(data, true, utf8, final, completion, undefined, result),
    );
    if (!this.#accepted(hr, way, this.#message !== undefined && this.#message !== type)) return;
    this.sent.push(frame);
    this.#messageBefore = this.#message;
    this.#message = final ? undefined : type;
    if (!result || result.completionExpected) {
      this.#writing = frame;
      return;
    }
    assert.is(result.cbIO, frame.data.length);
    spoil();
  }

  /** Whether a piece was read inline. */
  read(capacity: number, way: Way, then: () => void, echo: Echo): boolean {
    const own = capacity ? new Uint8Array(capacity).fill(0xee) : null;
    const take = (bytes: number, utf8: boolean, final: boolean, close: boolean, data: Uint8Array) => {
      assert.is(data.length, bytes);
      if (own) assert.ok(own.subarray(bytes).every(byte => byte === 0xee));
      this.other.#heard(data, utf8, final, close);
      if (close) this.#closeRead = true;
      else this.#echo(echo, data, result, utf8, final);
    };
    const told: WebSocketCompletion = (hr, _context, cbIO, utf8, final, close, data) => {
      this.#reading = false;
      if (hr === S_OK) take(cbIO, utf8, final, close, data);
      else this.#checkEnd(hr, true);
      then();
    };
    const { hr, result } = this.#call(way, told, (completion, result) =>
      this.context.readFragment(own, true, completion, undefined, result),
    );
    if (this.#reading) assert.is(hr, E_ILLEGAL_METHOD_CALL, 'one read at a time');
    else if (hr === E_IO_INCOMPLETE) assert.is(way, 'inline');
    else if (hr === E_ILLEGAL_METHOD_CALL) assert.ok(this.#closeRead, 'a read after CLOSE');
    else if (hr === E_CONNECTION_INVALID) assert.ok(this.#endRead || this.#down, 'a read after the end');
    else if (FAILED(hr)) this.#checkEnd(hr, false);
    else if (!result || result.completionExpected) this.#reading = true;
    else {
      take(result.cbIO, result.utf8Encoded, result.finalFragment, result.connectionClose, result.data);
      return !result.connectionClose;
    }
    return false;
  }

  #echo(echo: Echo, data: Uint8Array, result: FragmentResult | undefined, utf8: boolean, final: boolean): void {
    if (echo === 'none') return;
    const piece = echo === 'view' ? data : (result ?? data);
    const to = echo === 'other' ? this.other : this;
    for (let times = echo === 'twice' ? 2 : 1; times; times--) to.#write(piece, utf8, final, 'either', () => {}, true);
  }

  close(code: number, reason: string, way: Way, then: () => void): void {
    const frame = closeFrame(code, reason);
    const told: WebSocketCompletion = (hr, _context, cbIO, utf8, final, close) => {
      this.#writing = undefined;
      assert.equal([cbIO, utf8, final, close], [0, true, true, false]);
      if (FAILED(hr)) this.#checkLoss(hr);
      then();
    };
    const { hr, result } = this.#call(way, told, (completion, result) =>
      this.context.sendConnectionClose(true, code, reason, completion, undefined, result),
    );
    if (!this.#accepted(hr, way, false)) return;
    this.#closeSent = true;
    this.sent.push(frame);
    if (!result || result.completionExpected) this.#writing = frame;
  }

  /** The engine's own CLOSE, as a module that closes sends it. */
  shutDown(): void {
    this.context.context.shutDown(closePayload(1001, '')!);
    if (this.#closeSent || this.#over) return;
    this.#closeSent = true;
    this.sent.push(closeFrame(1001, ''));
  }

  cancel(): void {
    if (this.#takesBack(() => this.context.cancelOutstandingIO())) this.#message = this.#messageBefore;
  }

  closeTcp(): void {
    if (!this.wire.closed) {
      this.lossy ||= this.#writing !== undefined;
      this.other.lossy = true;
      this.#down = true;
    }
    this.#takesBack(() => this.context.closeTcpConnection());
  }

  /** Whether the frame that waits was taken back as if it had never been written: not a byte of it had gone. */
  #takesBack(act: () => void): boolean {
    const writing = this.#writing;
    const before = this.context.context.stats.bytesSent;
    act();
    const bytes = before - this.context.context.stats.bytesSent;
    if (!bytes) return false;
    assert.is(bytes, writing!.data.length);
    this.sent.splice(this.sent.indexOf(writing!), 1);
    return true;
  }

  cleanup(): void {
    this.#ends();
    this.context.cleanupStoredContext();
  }

  ping(): void {
    this.pings++;
    const answered = () => this.pings--;
    this.context.context.ping().then(answered, () => {});
  }

  reset(): void {
    this.lossy = this.other.lossy = true;
    this.wire.reset();
  }

  /** All that was accepted has been read by the other side. */
  get heard(): boolean {
    return this.#at === this.sent.length;
  }

  get idle(): boolean {
    return !this.#writing;
  }

  /** Whether a read could still bring something. */
  get reads(): boolean {
    return !this.#closeRead && !this.#endRead && !this.#down && !this.#reading;
  }

  #ends(): void {
    this.#down = true;
    this.lossy = this.other.lossy = true;
  }

  /** Whether a send was accepted; what it answered must be what the model knows, or that there is no room just now. */
  #accepted(hr: HResult, way: Way, mixes: boolean): boolean {
    let expected: HResult = S_OK;
    if (this.#writing) expected = E_ILLEGAL_METHOD_CALL;
    else if (this.#closeSent || mixes) expected = E_INVALID_PROTOCOL_OPERATION;
    else if (this.#over) expected = E_CONNECTION_INVALID;
    else if (way === 'inline' && hr === E_IO_INCOMPLETE) expected = E_IO_INCOMPLETE;
    assert.is(hr, expected);
    return hr === S_OK;
  }

  /** The other side has read these bytes: they are the next that were sent, of one frame. */
  #heard(data: Uint8Array, utf8: boolean, final: boolean, close: boolean): void {
    const frame = this.sent[this.#at];
    assert.ok(frame, `${data.length} bytes were read that nobody sent`);
    if (close || frame.close !== undefined) {
      assert.equal([close, this.other.context.status], [true, frame.close], 'CLOSE stands where it was sent');
      this.#at++;
      return;
    }
    const end = this.#offset + data.length;
    assert.ok(Buffer.from(data).equals(frame.data.subarray(this.#offset, end)), 'the bytes that were sent');
    assert.is(utf8, frame.utf8);
    assert.is(final, frame.final && end === frame.data.length, 'final on the last piece of a message');
    this.#offset = end;
    if (end < frame.data.length) return;
    this.#at++;
    this.#offset = 0;
  }

  #checkLoss(hr: HResult): void {
    assert.ok([E_OPERATION_ABORTED, E_NETNAME_DELETED].includes(hr as never), `a write ended with ${hr.toString(16)}`);
  }

  /** What ends a read: an abort, or the end that the network brought. */
  #checkEnd(hr: HResult, pending: boolean): void {
    if (hr === E_OPERATION_ABORTED && pending) return;
    this.#endRead = true;
    if (hr === E_HANDLE_EOF) assert.ok(this.wire.ended, 'FIN has come');
    else if (hr === E_NETNAME_DELETED) assert.ok(this.wire.closed, 'the connection was lost');
    else assert.ok(hr === E_OPERATION_ABORTED && this.wire.closed, `a read ended with ${hr.toString(16)}`);
  }

  #call(
    way: Way,
    told: WebSocketCompletion,
    call: (completion: WebSocketCompletion | null, result?: FragmentResult) => HResult,
  ): { hr: HResult; result: FragmentResult | undefined } {
    const result = way === 'completion' ? undefined : new FragmentResult();
    return { hr: call(way === 'inline' ? null : told, result), result };
  }
}

function bytesOf({ bytes, at, cbIO }: FragmentResult): Uint8Array {
  return bytes!.slice(at, at + cbIO);
}

function closeFrame(code: number, reason: string): Sent {
  const { code: told, reason: why } = readClose(closePayload(code, reason)!);
  return { utf8: true, final: true, data: new Uint8Array(), close: `${told} ${why}`.trimEnd() };
}
