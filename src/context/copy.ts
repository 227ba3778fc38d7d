/**
 * Bytes from one typed array to another, in the way that is quickest for so many: `set` and the view that it needs cost more
 * than a few bytes do.
 */

/** A copy of this many bytes or fewer is quicker by a loop: byte by byte, or eight at a time where there are views for it. */
const BYTES_MOST = 48;
const EIGHTS_MOST = 192;

/** Bytes, with what costs as much to ask them for as a view. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly buffer: ArrayBuffer;
  /** All of them. */
  readonly view: DataView;
}

/** What was taken from last, whose bytes are likely to be copied next, and where such went last. */
let recent: Source | null = null;
let target: Uint8Array = new Uint8Array(0);
let targetView = new DataView(target.buffer);

/** Says whose bytes are likely to be copied next. */
export function remember(source: Source): void {
  recent = source;
}

/** Copies `length` bytes to memory of the engine's own. */
export function copy(to: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  if (recent?.bytes === source && length >= 8) {
    if (length > EIGHTS_MOST) {
      to.set(new Uint8Array(recent.buffer, from, length), at);
      return;
    }
    if (to !== target) {
      target = to;
      targetView = new DataView(to.buffer, to.byteOffset, to.length);
    }
    copyEights(targetView, at, recent.view, from, length);
  } else if (length > BYTES_MOST) {
    to.set(length === source.length ? source : source.subarray(from, from + length), at);
  } else copyBytes(to, at, source, from, length);
}

/** The last eight may have been copied in part. */
function copyEights(to: DataView, at: number, source: DataView, from: number, length: number): void {
  const last = from + length - 8;
  const moved = at - from;
  for (; from < last; from += 8) {
    to.setInt32(from + moved, source.getInt32(from, true), true);
    to.setInt32(from + moved + 4, source.getInt32(from + 4, true), true);
  }
  to.setInt32(last + moved, source.getInt32(last, true), true);
  to.setInt32(last + moved + 4, source.getInt32(last + 4, true), true);
}

function copyBytes(to: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  const end = from + length;
  // Four a round are a third quicker than one.
  for (; from + 4 <= end; from += 4, at += 4) {
    to[at] = source[from]!;
    to[at + 1] = source[from + 1]!;
    to[at + 2] = source[from + 2]!;
    to[at + 3] = source[from + 3]!;
  }
  for (; from < end; from++, at++) to[at] = source[from]!;
}

/** Copies `length` bytes to memory of the caller's. */
export function copyOut(to: Uint8Array, source: Uint8Array, from: number, length: number): void {
  if (length > BYTES_MOST) to.set(source.subarray(from, from + length));
  else copyBytes(to, 0, source, from, length);
}
