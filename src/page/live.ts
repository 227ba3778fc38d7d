/**
 * Live: sends messages to a server that echoes them, and shows how long each takes to come back. Answers come in the order
 * of what was sent, so the oldest time that waits belongs to the next answer.
 */
import { Chart } from './chart.ts';
import { find } from './elements.ts';
import { bytes, count, significant } from './figures.ts';
import { endingOf } from './words.ts';

const MILLISECONDS_BETWEEN_BATCHES = 4;
const MILLISECONDS_BETWEEN_FIGURES = 250;
/** Messages under way where no rate is set. */
const WINDOW = 16;
/** Bytes the browser may hold unsent before sending waits. */
const UNSENT_MOST = 4_000_000;
const REMEMBERED = 4096;

/** The address of the server that served this page. */
export function homeAddress(): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/`;
}

/** The value below which `share` of the sorted `values` lie. */
function quantile(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
}

function payloadOf(size: number, text: boolean): string | Uint8Array<ArrayBuffer> {
  if (text) return 'websocket '.repeat(Math.ceil(size / 10)).slice(0, size);
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

/** Wires the live part of the page. */
export function startLive(): void {
  const form = find('live-form', HTMLFormElement);
  const url = find('live-url', HTMLInputElement);
  const size = find('live-size', HTMLInputElement);
  const rate = find('live-rate', HTMLInputElement);
  const fast = find('live-fast', HTMLInputElement);
  const text = find('live-text', HTMLInputElement);
  const toggle = find('live-toggle', HTMLButtonElement);
  const state = find('live-state', HTMLElement);
  const canvas = find('live-chart', HTMLCanvasElement);
  const chart = new Chart(canvas);
  const figures = ['rate', 'median', 'slowest', 'throughput', 'total', 'waiting'] as const;
  const outputs = figures.map(name => find(`live-${name}-figure`, HTMLElement));

  /** Who asked for less motion sees the chart step, not glide. */
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setInterval>;
  let frame = 0;
  let waiting: number[] = [];
  let trips: number[] = [];
  let answered = 0;
  let owed = 0;
  let payload: string | Uint8Array<ArrayBuffer> = '';
  let counted = { time: 0, answered: 0 };

  function send(now: number): void {
    waiting.push(now);
    socket!.send(payload);
  }

  function pump(elapsed: number): void {
    if (socket?.readyState !== WebSocket.OPEN) return;
    owed = fast.checked ? WINDOW - waiting.length : owed + (Number(rate.value) * elapsed) / 1000;
    const now = performance.now();
    while (owed >= 1 && socket.bufferedAmount < UNSENT_MOST) {
      owed--;
      send(now);
    }
    // What could not be sent in its time is not sent later all at once.
    owed = Math.min(owed, 1);
  }

  function receive(): void {
    const now = performance.now();
    const sent = waiting.shift();
    if (sent === undefined) return;
    answered++;
    trips.push(now - sent);
    if (trips.length > REMEMBERED) trips.splice(0, REMEMBERED / 2);
    chart.add(now, now - sent);
    if (fast.checked) pump(0);
  }

  function show(now: number): void {
    const seconds = (now - counted.time) / 1000;
    const speed = seconds > 0 ? (answered - counted.answered) / seconds : 0;
    counted = { time: now, answered };
    const sorted = trips.toSorted((a, b) => a - b);
    const median = quantile(sorted, 0.5);
    const slowest = quantile(sorted, 0.99);
    const values = [
      significant(Math.round(speed)),
      `${significant(median)} ms`,
      `${significant(slowest)} ms`,
      `${bytes(speed * payload.length)}/s`,
      count(answered),
      count(waiting.length),
    ];
    for (const [i, value] of values.entries()) outputs[i]!.textContent = value;
    canvas.ariaLabel = `Round trips of the last 30 seconds: median ${significant(median)} milliseconds`;
  }

  function animate(): void {
    const now = performance.now();
    const due = now - counted.time >= MILLISECONDS_BETWEEN_FIGURES;
    if (due || !calm.matches) chart.draw(now);
    if (due) show(now);
    frame = requestAnimationFrame(animate);
  }

  function end(words: string): void {
    clearInterval(timer);
    cancelAnimationFrame(frame);
    socket = undefined;
    waiting = [];
    toggle.textContent = 'Start';
    state.textContent = words;
  }

  function connect(): void {
    const opened = new WebSocket(url.value);
    opened.binaryType = 'arraybuffer';
    socket = opened;
    waiting = [];
    trips = [];
    answered = owed = 0;
    chart.clear();
    toggle.textContent = 'Stop';
    state.textContent = 'Connecting…';
    const address = url.value;
    let answers = false;
    opened.addEventListener('open', () => {
      answers = true;
      state.textContent = `Connected to ${address}.`;
      let before = performance.now();
      counted = { time: before, answered: 0 };
      timer = setInterval(() => {
        const now = performance.now();
        pump(now - before);
        before = now;
      }, MILLISECONDS_BETWEEN_BATCHES);
      animate();
    });
    opened.addEventListener('message', receive);
    opened.addEventListener('close', event => {
      if (socket === opened) end(endingOf(address, answers, event));
    });
  }

  /** Marks what is no number to go by, and returns words for the first. */
  function judge(): string {
    const wrong = [size, rate].filter(field => {
      const good = field.disabled || field.validity.valid;
      field.ariaInvalid = String(!good);
      return !good;
    });
    const [first] = wrong;
    if (!first) return '';
    const [least, most] = [first.min, first.max].map(limit => count(Number(limit)));
    return `${first.labels![0]!.textContent} must be a whole number from ${least} to ${most}.`;
  }

  function refill(): void {
    if (size.validity.valid) payload = payloadOf(size.valueAsNumber, text.checked);
  }

  url.value = homeAddress();
  refill();
  for (const control of [size, text, find('live-binary', HTMLInputElement)]) control.addEventListener('input', refill);
  fast.addEventListener('input', () => (rate.disabled = fast.checked));
  form.addEventListener('input', judge);
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (socket) {
      const open = socket;
      show(performance.now());
      end(`Stopped after ${count(answered)} round trips.`);
      open.close(1000);
      return;
    }
    const wrong = judge();
    if (wrong) {
      state.textContent = wrong;
      return;
    }
    try {
      connect();
    } catch {
      end('This is not a ws: or wss: address.');
    }
  });
}
