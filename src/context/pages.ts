/**
 * Send pages: frames of one turn lie in them one behind the other, a stretch per connection. A page is free again when
 * no stretch of it is held, by a connection or by a write. Where linear memory has no page left, the heap lends one.
 */
import { type LinearMemory, PAGE_SIZE } from '../codec/memory.ts';

/** A write of at most this many bytes is given a view that was given before, where it lies at its page's start. */
const SMALL_MOST = 512;

export class Page {
  /** Address in linear memory, 0 for a page on the heap. */
  readonly ptr: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Stretches held. */
  held = 0;
  /** Views of the page's first bytes, by their number. */
  readonly #small: Uint8Array[] = [];

  constructor(ptr: number, bytes: Uint8Array<ArrayBuffer>) {
    this.ptr = ptr;
    this.bytes = bytes;
  }

  /** The bytes from `start` to `end`, for one write: a page that is held is not filled again. */
  view(start: number, end: number): Uint8Array {
    if (start === 0 && end <= SMALL_MOST)
      return (this.#small[end] ??= new Uint8Array(this.bytes.buffer, this.ptr, end));
    return new Uint8Array(this.bytes.buffer, this.ptr + start, end - start);
  }
}

export class Pages {
  /** The page being filled. */
  current: Page;
  /** Bytes of it that are taken. */
  fill = 0;
  readonly #memory: LinearMemory;
  readonly #idle: Page[] = [];

  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.current = this.#take();
  }

  /** Begins another page. */
  next(): void {
    this.current = this.#take();
    this.fill = 0;
  }

  /** Lets go of a stretch of `page`. */
  release(page: Page): void {
    if (--page.held) return;
    if (page === this.current) this.fill = 0;
    else if (page.ptr) this.#give(page);
  }

  #take(): Page {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const ptr = this.#memory.pages.take();
    return ptr
      ? new Page(ptr, new Uint8Array(this.#memory.buffer, ptr, PAGE_SIZE))
      : new Page(0, new Uint8Array(PAGE_SIZE));
  }

  /** A few pages stay warm; the others go back to linear memory's list. */
  #give(page: Page): void {
    if (this.#idle.length < 8) this.#idle.push(page);
    else this.#memory.pages.give(page.ptr);
  }
}
