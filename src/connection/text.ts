/**
 * Bytes to strings and back. What is quickest depends on the length: a short ASCII piece becomes a string without a call
 * into Node, everything else by the one that its kind needs; a string is encoded into a scratch that serves all
 * connections of the thread, unless it is long or the scratch is still in a context's hands.
 */
import { isAscii, transcode } from 'node:buffer';

/** A string this long or shorter is quicker made here than by a call. */
const HERE_MOST = 8;
/** A string of this many units or fewer is encoded into a scratch: 3 bytes of UTF-8 each at the most. */
const SCRATCH_UNITS = 16_384;
/** Views of a scratch are kept up to this length. */
const VIEWS_MOST = 128;

/** Of a text this long it pays to ask whether it is ASCII: Node 20 decodes UTF-8 at a sixth of the speed. */
const ASK_LEAST = 1024;
/** Before Node 24 V8 goes letter by letter to UTF-8 and back: longer text is two to five times as quick by way of UTF-16. */
const BY_UTF16 = Number.parseInt(process.versions.node, 10) < 24;
/** That way a string needs so many units at least, and one beyond Latin-1: others V8 keeps as bytes, which is seen at once. */
const UNITS_LEAST = 2048;
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

type Slice = (this: Uint8Array, start: number, end: number) => string;
const { latin1Slice, ucs2Slice, utf8Slice } = Buffer.prototype as unknown as Record<string, Slice>;
const encoder = new TextEncoder();

/** Returns the text of `length` bytes from `at` on, which are known to be UTF-8, or ASCII where so said. */
export function decodeText(bytes: Uint8Array, at: number, length: number, ascii: boolean): string {
  if (!ascii && length < ASK_LEAST) return utf8Slice!.call(bytes, at, at + length);
  if (!ascii) {
    const text = bytes.subarray(at, at + length);
    if (!isAscii(text)) return BY_UTF16 ? decodeByUtf16(text) : utf8Slice!.call(text, 0, length);
  }
  if (length > HERE_MOST) return latin1Slice!.call(bytes, at, at + length);
  let text = '';
  for (const end = at + length; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

function decodeByUtf16(text: Uint8Array): string {
  try {
    const units = transcode(text, 'utf8', 'utf16le');
    return ucs2Slice!.call(units, 0, units.length);
  } catch {
    // A context that is not this package's may have told of text that is no UTF-8.
    return utf8Slice!.call(text, 0, text.length);
  }
}

function encodeByUtf16(text: string): Uint8Array {
  try {
    return transcode(Buffer.from(text, 'utf16le'), 'utf16le', 'utf8');
  } catch {
    // It has a lone surrogate.
    return Buffer.from(text);
  }
}

export class Scratch {
  readonly #bytes = new Uint8Array(SCRATCH_UNITS * 3);
  readonly #views: Uint8Array[] = [];
  static readonly #idle: Scratch[] = [];

  /** Returns a scratch that nobody uses. */
  static take(): Scratch {
    return Scratch.#idle.pop() ?? new Scratch();
  }

  giveBack(): void {
    Scratch.#idle.push(this);
  }

  /** Returns `text` as UTF-8; a lone surrogate becomes U+FFFD. The bytes are good until the next text. */
  encode(text: string): Uint8Array {
    if (BY_UTF16 && text.length >= UNITS_LEAST && BEYOND_LATIN1.test(text)) return encodeByUtf16(text);
    if (text.length > SCRATCH_UNITS) return Buffer.from(text);
    const length = encoder.encodeInto(text, this.#bytes).written;
    if (length > VIEWS_MOST) return new Uint8Array(this.#bytes.buffer, 0, length);
    return (this.#views[length] ??= new Uint8Array(this.#bytes.buffer, 0, length));
  }
}
