/**
 * The frames as a list of which only the rows in view exist. Its scroll height is capped, for browsers lose precision
 * beyond some ten million pixels: a longer list is scrolled proportionally, and moved through exactly by keyboard.
 *
 * Rows are asked for and arrive later. To assistive technology it is a listbox whose active option is the chosen frame.
 */
import { OP_CONTINUATION } from '../codec/index.ts';
import { make } from './elements.ts';
import { count } from './figures.ts';
import type { Row } from './recording.ts';
import { opcodeName } from './words.ts';

const HEIGHT_MOST = 8_000_000;
const ROWS_BEYOND = 8;

export interface FrameListEvents {
  /** Rows are wanted; they are handed to `take`. */
  want(from: number, count: number): void;
  choose(index: number): void;
}

export class FrameList {
  readonly #box: HTMLElement;
  readonly #spacer = make('div', 'spacer');
  readonly #window = make('div', 'rows');
  readonly #events: FrameListEvents;
  readonly #rowHeight: number;
  #length = 0;
  #from = 0;
  #rows: readonly Row[] = [];
  #fault = -1;
  /** The frame that is shown, -1 for none. */
  chosen = -1;

  constructor(box: HTMLElement, events: FrameListEvents) {
    this.#box = box;
    this.#events = events;
    this.#rowHeight = Number.parseFloat(getComputedStyle(box).getPropertyValue('--row'));
    for (const part of [this.#spacer, this.#window]) part.role = 'presentation';
    box.replaceChildren(this.#spacer, this.#window);
    box.addEventListener('scroll', () => this.#ask());
    box.addEventListener('keydown', event => this.#onKey(event));
    // By its place, for the row that was pressed may have been drawn anew before the button was let go.
    box.addEventListener('click', ({ clientY }) => {
      const row = Math.floor((clientY - this.#window.getBoundingClientRect().top) / this.#rowHeight);
      if (this.#from + row < this.#length) this.choose(this.#from + row);
    });
    new ResizeObserver(() => this.#ask()).observe(box);
  }

  get #visible(): number {
    return Math.ceil(this.#box.clientHeight / this.#rowHeight);
  }

  get #height(): number {
    return Math.min(this.#length * this.#rowHeight, HEIGHT_MOST);
  }

  /** The row at the top of the view, with its fraction. */
  get #top(): number {
    const scrollable = this.#height - this.#box.clientHeight;
    if (scrollable <= 0) return 0;
    const rows = this.#length - this.#box.clientHeight / this.#rowHeight;
    return Math.min(this.#box.scrollTop / scrollable, 1) * rows;
  }

  /** Forgets everything. */
  clear(): void {
    this.#rows = [];
    this.#fault = -1;
    this.chosen = -1;
    this.#box.scrollTop = 0;
    this.resize(0, -1);
    this.#draw();
  }

  /** Says how many frames there are, and which of them breaks a rule, -1 for none. */
  resize(length: number, fault: number): void {
    this.#length = length;
    this.#fault = fault;
    this.#spacer.style.height = `${this.#height}px`;
    this.#box.style.setProperty('--height', `${this.#height}px`);
    this.#box.style.setProperty('--digits', String(count(length).length));
    this.#ask();
  }

  #ask(): void {
    const from = Math.max(0, Math.floor(this.#top) - ROWS_BEYOND);
    const wanted = Math.min(this.#length - from, this.#visible + 2 * ROWS_BEYOND);
    this.#draw();
    if (wanted > 0) this.#events.want(from, wanted);
  }

  /** Takes rows that were wanted. */
  take(from: number, rows: readonly Row[]): void {
    this.#from = from;
    this.#rows = rows;
    this.#draw();
  }

  /** Chooses a frame and brings it into view. */
  choose(index: number): void {
    this.chosen = Math.max(0, Math.min(index, this.#length - 1));
    this.#reveal(this.chosen);
    this.#draw();
    this.#events.choose(this.chosen);
  }

  #reveal(index: number): void {
    const shown = this.#box.clientHeight / this.#rowHeight;
    const top = this.#top;
    if (index >= top && index + 1 <= top + shown) return;
    const wanted = index < top ? index : index + 1 - shown;
    const rows = this.#length - shown;
    this.#box.scrollTop = rows > 0 ? (wanted / rows) * (this.#height - this.#box.clientHeight) : 0;
  }

  #onKey(event: KeyboardEvent): void {
    const page = Math.max(1, this.#visible - 2);
    const steps: Record<string, number> = {
      ArrowDown: this.chosen + 1,
      ArrowUp: this.chosen - 1,
      PageDown: this.chosen + page,
      PageUp: this.chosen - page,
      Home: 0,
      End: this.#length - 1,
    };
    const target = steps[event.key];
    if (target === undefined || !this.#length) return;
    event.preventDefault();
    this.choose(target);
  }

  #draw(): void {
    const top = this.#top;
    this.#window.style.transform = `translateY(${this.#box.scrollTop + (this.#from - top) * this.#rowHeight}px)`;
    this.#window.replaceChildren(...this.#rows.map(row => this.#drawRow(row)));
    const active = this.#rows.some(row => row.index === this.chosen);
    if (active) this.#box.setAttribute('aria-activedescendant', `frame-${this.chosen}`);
    else this.#box.removeAttribute('aria-activedescendant');
  }

  #drawRow({ index, header, message, preview }: Row): HTMLElement {
    const name = header ? opcodeName(header.opcode) : 'incomplete';
    const continued = header?.opcode === OP_CONTINUATION && message;
    const line = make(
      'div',
      `row${index === this.#fault ? ' wrong' : ''}`,
      make('span', 'index', count(index)),
      make('span', 'arrow', header ? (header.masked ? '→' : '←') : ''),
      make('span', `chip of-${name}`, continued ? `… ${opcodeName(message)}` : name),
      make('span', 'size', header ? `${count(header.payloadLength)} B` : ''),
      make('span', 'preview', preview),
    );
    if (index === this.#fault) line.append(make('span', 'flag', 'fault'));
    else if (header && !header.final) line.append(make('span', 'more', 'more follows'));
    line.role = 'option';
    line.id = `frame-${index}`;
    line.ariaSelected = String(index === this.chosen);
    line.ariaPosInSet = String(index + 1);
    line.ariaSetSize = String(this.#length);
    return line;
  }
}
