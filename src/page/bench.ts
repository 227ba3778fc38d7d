/** The bench: starts the contest in its worker and draws what it reports as bars, to be copied as a table. */
import type { Measured, Report } from './contest.ts';
import { find, make } from './elements.ts';
import { bytes, significant } from './figures.ts';

function speedOf(measured: Measured): string {
  return `${bytes(measured.speed)}/s`;
}

/** Draws one job's rivals, the fastest over the whole width. */
function drawJob(job: string, rivals: readonly Measured[]): HTMLElement {
  const best = Math.max(...rivals.map(({ speed }) => speed));
  const plain = rivals.find(({ rival }) => rival.startsWith('plain'));
  const rows = rivals.map(measured => {
    const bar = make('span', 'bar');
    bar.style.width = `${(100 * measured.speed) / best}%`;
    const ratio = plain && plain !== measured ? `${significant(measured.speed / plain.speed)} ×` : '';
    return make(
      'li',
      measured.rival.startsWith('this') ? 'rival ours' : 'rival',
      make('span', 'who', measured.rival),
      make('span', 'track', bar),
      make('span', 'speed', speedOf(measured)),
      make('span', 'ratio', ratio),
    );
  });
  return make('section', 'job', make('h2', '', job), make('ul', 'rivals', ...rows));
}

function tableOf(size: string, results: readonly Measured[]): string {
  const rows = results.map(measured => `${measured.job}\t${measured.rival}\t${speedOf(measured)}`);
  return [`websocket-context, ${size} of payload, ${navigator.userAgent}`, ...rows].join('\n');
}

/** Wires the bench's part of the page. */
export function startBench(): void {
  const run = find('bench-run', HTMLButtonElement);
  const copy = find('bench-copy', HTMLButtonElement);
  const size = find('bench-size', HTMLSelectElement);
  const state = find('bench-state', HTMLElement);
  const place = find('bench-results', HTMLElement);
  let results: Measured[] = [];
  let measuredSize = '';

  function draw(): void {
    const jobs = new Set(results.map(({ job }) => job));
    place.replaceChildren(
      ...Array.from(jobs, job =>
        drawJob(
          job,
          results.filter(result => result.job === job),
        ),
      ),
    );
  }

  function end(worker: Worker, words: string): void {
    worker.terminate();
    state.textContent = words;
    run.disabled = false;
    copy.disabled = !results.length;
  }

  run.addEventListener('click', () => {
    const worker = new Worker(new URL('./contest.js', import.meta.url), { type: 'module' });
    results = [];
    measuredSize = size.selectedOptions[0]!.text;
    run.disabled = copy.disabled = true;
    state.textContent = 'Measuring…';
    draw();
    worker.addEventListener('error', () => end(worker, 'The worker could not be started.'));
    worker.addEventListener('message', ({ data }: MessageEvent<Report>) => {
      if ('failed' in data) end(worker, data.failed);
      else if ('finished' in data) end(worker, `Measured in this browser with ${measuredSize} of payload.`);
      else {
        results.push(data.measured);
        draw();
      }
    });
    worker.postMessage(Number(size.value));
  });

  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(tableOf(measuredSize, results));
      state.textContent = 'Copied.';
    } catch {
      state.textContent = 'This browser does not let the page copy.';
    }
  });
}
