/**
 * Round trips of the last half minute as a moving chart: a band from the shortest to the longest of every tenth of a
 * second, and their mean as a line, on a logarithmic scale.
 */
const SECONDS = 30;
const SLOTS_A_SECOND = 10;
const SLOTS = SECONDS * SLOTS_A_SECOND;
const MARGIN = { top: 12, right: 12, bottom: 24, left: 56 };

interface Slot {
  /** Tenths of a second since the page began. */
  readonly time: number;
  count: number;
  sum: number;
  least: number;
  most: number;
}

export class Chart {
  readonly #canvas: HTMLCanvasElement;
  #slots: Slot[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw(performance.now())).observe(canvas);
  }

  clear(): void {
    this.#slots = [];
  }

  /** Adds a round trip of so many milliseconds that ended `now`. */
  add(now: number, milliseconds: number): void {
    const time = Math.floor((now / 1000) * SLOTS_A_SECOND);
    let slot = this.#slots.at(-1);
    if (slot?.time !== time) {
      slot = { time, count: 0, sum: 0, least: milliseconds, most: milliseconds };
      this.#slots.push(slot);
      if (this.#slots.length > SLOTS + 2) this.#slots.shift();
    }
    slot.count++;
    slot.sum += milliseconds;
    slot.least = Math.min(slot.least, milliseconds);
    slot.most = Math.max(slot.most, milliseconds);
  }

  /** Draws the half minute that ends `now`. */
  draw(now: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    if (!pen || !width) return;
    const density = devicePixelRatio;
    this.#canvas.width = Math.round(width * density);
    this.#canvas.height = Math.round(height * density);
    pen.scale(density, density);

    const style = getComputedStyle(this.#canvas);
    const colour = (name: string): string => style.getPropertyValue(name);
    const end = (now / 1000) * SLOTS_A_SECOND;
    const slots = this.#slots.filter(slot => slot.time >= end - SLOTS);
    const low = Math.floor(Math.log10(Math.max(0.01, Math.min(0.1, ...slots.map(slot => slot.least)))));
    const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1, ...slots.map(slot => slot.most)))));
    const x = (time: number): number =>
      width - MARGIN.right - ((end - time) / SLOTS) * (width - MARGIN.left - MARGIN.right);
    const y = (milliseconds: number): number => {
      const share = (Math.log10(Math.max(milliseconds, 10 ** low)) - low) / (high - low);
      return height - MARGIN.bottom - share * (height - MARGIN.top - MARGIN.bottom);
    };

    pen.font = `12px ${style.fontFamily}`;
    pen.lineWidth = 1;
    pen.strokeStyle = colour('--line');
    pen.fillStyle = colour('--muted');
    pen.textBaseline = 'middle';
    pen.textAlign = 'right';
    for (let power = low; power <= high; power++) {
      const level = Math.round(y(10 ** power)) + 0.5;
      pen.beginPath();
      pen.moveTo(MARGIN.left, level);
      pen.lineTo(width - MARGIN.right, level);
      pen.stroke();
      pen.fillText(`${Number((10 ** power).toPrecision(1))} ms`, MARGIN.left - 8, level);
    }
    pen.textBaseline = 'alphabetic';
    for (let ago = 0; ago <= SECONDS; ago += 10) {
      pen.textAlign = ago ? (ago === SECONDS ? 'left' : 'center') : 'right';
      pen.fillText(ago ? `−${ago} s` : 'now', x(end - ago * SLOTS_A_SECOND), height - 6);
    }
    if (!slots.length) return;

    pen.beginPath();
    for (const slot of slots) pen.lineTo(x(slot.time), y(slot.most));
    for (const slot of slots.toReversed()) pen.lineTo(x(slot.time), y(slot.least));
    pen.closePath();
    pen.globalAlpha = 0.25;
    pen.fillStyle = colour('--accent');
    pen.fill();
    pen.globalAlpha = 1;

    pen.beginPath();
    for (const slot of slots) pen.lineTo(x(slot.time), y(slot.sum / slot.count));
    pen.strokeStyle = colour('--accent');
    pen.lineWidth = 2;
    pen.lineJoin = 'round';
    pen.stroke();
  }
}
