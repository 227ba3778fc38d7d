/**
 * The inspector: hands what a person gives it to a worker, shows how far that is, its frames as a list and the chosen one as
 * a diagram. Sources are numbered, so that an answer about an old one which arrives late is known. The worker is made once:
 * a page that is open needs its server no more.
 */

import type { Role } from '../codec/index.ts';
import { describeFault, drawFrame } from './diagram.ts';
import { find, make } from './elements.ts';
import { bytes, count, counted } from './figures.ts';
import type { Format } from './input.ts';
import { FrameList } from './list.ts';
import type { Answer, Question, Source, Summary } from './questions.ts';
import { describeProgress, describeSummary } from './summary.ts';
import { Watch } from './watch.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  hello: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
  fragments: '01 03 48 65 6c\n89 02 68 69\n80 02 6c 6f\n88 05 03 e8 62 79 65',
  utf8: '81 06 4c 61 c3 a9 21 21\n81 08 4f 76 65 72 c0 af 21 21',
  reserved: '82 83 01 02 03 04 60 60 60\nc1 85 37 fa 21 3d 7f 9f 4d 51 58',
  length: '82 fe 00 05 37 fa 21 3d 7f 9f 4d 51 58',
};

/** Wires the inspector's part of the page. */
export function startInspector(): void {
  const form = find('source', HTMLFormElement);
  const pasted = find('pasted', HTMLTextAreaElement);
  const format = find('format', HTMLSelectElement);
  const example = find('example', HTMLSelectElement);
  const role = find('role', HTMLSelectElement);
  const file = find('file', HTMLInputElement);
  const drop = find('drop', HTMLElement);
  const fileName = find('file-name', HTMLElement);
  const refusal = find('refusal', HTMLElement);
  const progress = find('progress', HTMLElement);
  const bar = find('progress-bar', HTMLProgressElement);
  const progressText = find('progress-text', HTMLElement);
  const status = find('summary', HTMLElement);
  const faultPlace = find('fault', HTMLElement);
  const connection = find('connection', HTMLSelectElement);
  const connections = find('connections', HTMLElement);
  const results = find('results', HTMLElement);
  const frameBox = find('frames', HTMLElement);
  const detail = find('detail', HTMLElement);

  let worker: Worker | undefined;
  let source: Source | undefined;
  let number = 0;
  let summary: Summary | undefined;
  /** How it stands with a live connection. */
  let standing = '';
  let picked: File | undefined;
  /** A person has chosen a frame; before that the page does. */
  let chose = false;

  const ask = (question: Question): void => worker?.postMessage(question);

  const list = new FrameList(frameBox, {
    want: (from, wanted) => ask({ ask: 'rows', from, count: wanted }),
    choose: index => {
      chose = true;
      ask({ ask: 'frame', index, from: undefined });
    },
  });

  function kind(): string {
    return new FormData(form).get('kind') as string;
  }

  function refuse(words: string): void {
    refusal.textContent = words;
    refusal.hidden = !words;
    pasted.ariaInvalid = String(Boolean(words) && kind() === 'paste');
    if (words) progress.hidden = results.hidden = true;
  }

  function showStatus(): void {
    status.textContent = [summary ? describeSummary(summary) : '', standing].join(' ').trim();
  }

  function showSummary(latest: Summary): void {
    const before = summary;
    summary = latest;
    const { state, progress: far, frames, fault } = latest;
    const reading = state === 'reading';
    progress.hidden = !reading;
    results.hidden = !frames;
    if (reading) {
      bar.max = far.of;
      bar.value = far.done;
      progressText.textContent = `${describeProgress(far)}, ${counted(frames, 'frame')}`;
    } else showStatus();
    frameBox.classList.toggle('both', latest.role === 'both');
    list.resize(frames, fault?.frame ?? -1);
    if (fault && !before?.fault) showFault(latest);
    showConnections(latest.connections);
    if (!chose && frames && (!before?.frames || fault)) {
      list.choose(fault?.frame ?? 0);
      chose = false;
    } else if (list.chosen >= 0 && frames !== before?.frames && list.chosen === (before?.frames ?? 0) - 1) {
      // The frame that was the last may have become whole.
      ask({ ask: 'frame', index: list.chosen, from: undefined });
    }
  }

  function showFault({ fault }: Summary): void {
    const show = make('button', '', `Show frame ${count(fault!.frame)}`);
    show.type = 'button';
    show.addEventListener('click', () => list.choose(fault!.frame));
    faultPlace.replaceChildren(describeFault(fault!), show);
    faultPlace.hidden = false;
  }

  function showConnections(addresses: readonly string[]): void {
    connections.hidden = addresses.length < 2;
    if (connection.options.length === addresses.length) return;
    connection.replaceChildren(...addresses.map((address, i) => new Option(address, String(i))));
  }

  function take(answer: Answer): void {
    if (answer.number !== number) return;
    if (answer.is === 'summary') showSummary(answer.summary);
    else if (answer.is === 'rows') list.take(answer.from, answer.rows);
    else if (answer.is === 'refused') refuse(answer.message);
    else if (answer.frame.index === list.chosen) {
      const { frame } = answer;
      drawFrame(detail, frame, summary?.fault, from => ask({ ask: 'frame', index: frame.index, from }));
    }
  }

  function work(): Worker {
    const started = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    started.addEventListener('message', ({ data }: MessageEvent<Answer>) => take(data));
    started.addEventListener('error', ({ message }) => {
      if (worker === started) worker = undefined;
      started.terminate();
      // An event without words: the worker's file could not be fetched.
      refuse(
        message ? `The worker failed: ${message}` : 'The worker could not be loaded: is the page’s server running?',
      );
    });
    return started;
  }

  function read(next: Source): void {
    worker ??= work();
    source = next;
    number++;
    summary = undefined;
    standing = '';
    chose = false;
    refuse('');
    status.textContent = '';
    results.hidden = faultPlace.hidden = true;
    detail.replaceChildren();
    list.clear();
    ask({ ask: 'open', number, source, role: role.value as Role | 'guess' });
  }

  function open(next: Source): void {
    if (next.kind !== 'live') watch.close();
    showConnections([]);
    read(next);
  }

  function openFile(file: File): void {
    picked = file;
    fileName.textContent = `${file.name}, ${bytes(file.size)}`;
    choose('file');
    open({ kind: 'file', file, connection: 0 });
  }

  function inspect(): void {
    const written = format.value as Format;
    if (kind() === 'paste') open({ kind: 'text', text: pasted.value, format: written, connection: 0 });
    else if (picked) openFile(picked);
    else refuse('Choose a file first.');
  }

  function choose(chosen: string): void {
    for (const name of ['paste', 'file', 'live']) {
      find(`from-${name}`, HTMLElement).hidden = name !== chosen;
      find(`kind-${name}`, HTMLInputElement).checked = name === chosen;
    }
    find('reading', HTMLElement).hidden = chosen === 'live';
    find('written', HTMLElement).hidden = chosen !== 'paste';
  }

  const watch = new Watch({
    begin: () => open({ kind: 'live' }),
    message(type, data) {
      standing = '';
      ask({ ask: 'append', type, data });
    },
    say(words) {
      standing = words;
      showStatus();
    },
    refuse,
  });

  form.addEventListener('submit', event => {
    event.preventDefault();
    if (kind() === 'live') watch.send();
    else inspect();
  });
  form.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && target.name === 'kind') choose(target.value);
  });
  example.addEventListener('change', () => {
    pasted.value = EXAMPLES[example.value] ?? '';
    if (pasted.value) inspect();
  });
  file.addEventListener('change', () => {
    if (file.files?.[0]) openFile(file.files[0]);
  });
  connection.addEventListener('change', () => {
    if (source && source.kind !== 'live') read({ ...source, connection: Number(connection.value) });
  });
  find('cancel', HTMLButtonElement).addEventListener('click', () => ask({ ask: 'cancel' }));

  // A file may be dropped anywhere on the page; the drop zone lights up to say so. Text goes where text goes.
  const carriesFile = ({ dataTransfer }: DragEvent): boolean => Boolean(dataTransfer?.types.includes('Files'));
  document.addEventListener('dragover', event => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    drop.classList.add('over');
  });
  for (const name of ['dragleave', 'drop']) document.addEventListener(name, () => drop.classList.remove('over'));
  document.addEventListener('drop', event => {
    if (carriesFile(event)) event.preventDefault();
    if (event.dataTransfer?.files[0]) openFile(event.dataTransfer.files[0]);
  });

  pasted.value = EXAMPLES.hello!;
  inspect();
}
