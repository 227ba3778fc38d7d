/**
 * The inspector: hands what a person gives it to a worker of its own, shows how far that is, its frames as a list and the
 * chosen one as a diagram. Each source gets a new worker, so no answer about an old one can arrive late.
 */

import type { Role } from '../codec/index.ts';
import { describeFault, drawFrame } from './diagram.ts';
import { find, make } from './elements.ts';
import { bytes, count, counted } from './figures.ts';
import type { Format } from './input.ts';
import { FrameList } from './list.ts';
import { homeAddress } from './live.ts';
import type { Answer, Question, Source, Summary } from './questions.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  hello: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
  fragments: '01 03 48 65 6c\n89 02 68 69\n80 02 6c 6f\n88 05 03 e8 62 79 65',
  utf8: '81 06 4c 61 c3 a9 21 21\n81 08 4f 76 65 72 c0 af 21 21',
  reserved: '82 83 01 02 03 04 60 60 60\nc1 85 37 fa 21 3d 7f 9f 4d 51 58',
  length: '82 fe 00 05 37 fa 21 3d 7f 9f 4d 51 58',
};

const READERS: Readonly<Record<Summary['role'], string>> = {
  server: 'Read as a server: masked frames.',
  client: 'Read as a client: unmasked frames.',
  both: 'Both directions, told apart by the MASK bit. Masking keys and frame boundaries are made up: messages are all that a page or a HAR can see.',
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
  const url = find('watch-url', HTMLInputElement);
  const connect = find('watch-connect', HTMLButtonElement);
  const message = find('watch-message', HTMLInputElement);
  const send = find('watch-send', HTMLButtonElement);

  let worker: Worker | undefined;
  let socket: WebSocket | undefined;
  let summary: Summary | undefined;
  let opened: File | undefined;
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

  function describe({ state, read, total, frames, messages, stop, fault, role: reader }: Summary): string {
    const parts = [`${counted(frames, 'frame')} and ${counted(messages, 'whole message')} in ${bytes(read)}.`];
    if (state === 'cancelled') parts.unshift(`Cancelled after ${bytes(read)} of ${bytes(total)}:`);
    if (stop !== undefined && !fault) parts.push(`${bytes(total - stop)} after CLOSE are not looked at (§5.5.1).`);
    if (fault) parts.push(`Reading ended at byte ${count(fault.offset)} of ${count(total)}.`);
    parts.push(READERS[reader]);
    return parts.join(' ');
  }

  function showSummary(latest: Summary): void {
    const before = summary;
    summary = latest;
    const { state, read, total, frames, fault } = latest;
    const reading = state === 'reading';
    progress.hidden = !reading;
    results.hidden = !frames;
    if (reading) {
      bar.max = total;
      bar.value = read;
      progressText.textContent = `${bytes(read)} of ${bytes(total)}, ${counted(frames, 'frame')}`;
    } else status.textContent = describe(latest);
    frameBox.classList.toggle('both', latest.role === 'both');
    list.resize(frames, fault?.frame ?? -1);
    if (fault && !before?.fault) showFault(latest);
    showConnections(latest.connections);
    if (!chose && frames && (!before?.frames || fault)) {
      list.choose(fault?.frame ?? 0);
      chose = false;
    } else if (frames !== before?.frames && list.chosen === (before?.frames ?? 0) - 1) {
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
    if (answer.is === 'summary') showSummary(answer.summary);
    else if (answer.is === 'rows') list.take(answer.from, answer.rows);
    else if (answer.is === 'refused') refuse(answer.message);
    else if (answer.frame.index === list.chosen) {
      const { frame } = answer;
      drawFrame(detail, frame, summary?.fault, from => ask({ ask: 'frame', index: frame.index, from }));
    }
  }

  function open(source: Source): void {
    if (source.kind !== 'live') disconnect();
    worker?.terminate();
    worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => take(data));
    worker.addEventListener('error', event => refuse(`The worker failed: ${event.message}`));
    summary = undefined;
    chose = false;
    refuse('');
    status.textContent = '';
    results.hidden = faultPlace.hidden = true;
    detail.replaceChildren();
    list.clear();
    ask({ ask: 'open', source, role: role.value as Role | 'guess' });
  }

  function openFile(dropped: File, chosen = 0): void {
    opened = dropped;
    fileName.textContent = `${dropped.name}, ${bytes(dropped.size)}`;
    choose('file');
    if (!chosen) connection.replaceChildren();
    open({ kind: 'file', file: dropped, connection: chosen });
  }

  function inspect(): void {
    connection.replaceChildren();
    if (kind() === 'paste') open({ kind: 'text', text: pasted.value, format: format.value as Format });
    else if (opened) openFile(opened);
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

  function disconnect(): void {
    const watched = socket;
    socket = undefined;
    watched?.close(1000);
    connect.textContent = 'Connect';
    message.disabled = send.disabled = true;
  }

  function watch(): void {
    if (socket) {
      disconnect();
      status.textContent += ' Disconnected.';
      return;
    }
    try {
      socket = new WebSocket(url.value);
    } catch {
      refuse('This is not a ws: or wss: address.');
      return;
    }
    const watched = socket;
    watched.binaryType = 'arraybuffer';
    open({ kind: 'live' });
    connect.textContent = 'Disconnect';
    status.textContent = 'Connecting…';
    watched.addEventListener('open', () => {
      if (socket !== watched) return;
      message.disabled = send.disabled = false;
      status.textContent = 'Connected. Send something.';
      message.focus();
    });
    watched.addEventListener('message', ({ data }) => {
      if (socket === watched) ask({ ask: 'append', type: 'receive', data });
    });
    watched.addEventListener('close', ({ code }) => {
      if (socket !== watched) return;
      disconnect();
      status.textContent = code === 1006 ? `No WebSocket at ${url.value}.` : `The server closed with ${code}.`;
    });
  }

  function sendMessage(): void {
    if (socket?.readyState !== WebSocket.OPEN) return;
    ask({ ask: 'append', type: 'send', data: message.value });
    socket.send(message.value);
  }

  form.addEventListener('submit', event => {
    event.preventDefault();
    if (kind() === 'live') sendMessage();
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
  connection.addEventListener('change', () => openFile(opened!, Number(connection.value)));
  find('cancel', HTMLButtonElement).addEventListener('click', () => ask({ ask: 'cancel' }));
  connect.addEventListener('click', watch);

  // A file may be dropped anywhere on the page; the drop zone lights up to say so.
  document.addEventListener('dragover', event => {
    event.preventDefault();
    drop.classList.add('over');
  });
  for (const name of ['dragleave', 'drop']) document.addEventListener(name, () => drop.classList.remove('over'));
  document.addEventListener('drop', event => {
    event.preventDefault();
    if (event.dataTransfer?.files[0]) openFile(event.dataTransfer.files[0]);
  });

  url.value = homeAddress();
  pasted.value = EXAMPLES.hello!;
  inspect();
}
