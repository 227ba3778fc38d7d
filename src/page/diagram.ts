/**
 * One frame drawn from its bytes: the header bit by bit as RFC 6455 §5.2 has it, the same fields in words, and the payload
 * with each byte as it came, the key byte it meets and what it was before masking.
 */
import { OP_BINARY } from '../codec/index.ts';
import { make } from './elements.ts';
import { bytes as asBytes, count, hex } from './figures.ts';
import { type Field, faulty, fieldsOf } from './layout.ts';
import { type Fault, type Frame, SHOWN_MOST } from './recording.ts';
import { charOf, opcodeName } from './words.ts';

function mark<E extends HTMLElement>(element: E, wrong: boolean): E {
  element.classList.toggle('wrong', wrong);
  return element;
}

/** Draws the fields; hidden from assistive technology, to which the table below says the same. */
function drawHeader(fields: readonly Field[], wrong: (field: Field) => boolean): HTMLElement {
  const bitFields = fields.filter(field => field.bits);
  const byteFields = fields.filter(field => field.bytes.length);
  const cell = (field: Field, cells: readonly string[]): HTMLElement => {
    const element = make(
      'div',
      `field ${field.look}`,
      make('span', 'cells', ...cells.map(text => make('span', 'cell', text))),
      make('span', 'name', field.name),
    );
    element.style.setProperty('--span', String(cells.length));
    return mark(element, wrong(field));
  };
  const drawing = make(
    'div',
    'header-drawing',
    make('div', 'bits', ...bitFields.map(field => cell(field, [...field.bits]))),
    make('div', 'octets', ...byteFields.map(field => cell(field, hex(field.bytes).split(' ')))),
  );
  drawing.ariaHidden = 'true';
  return drawing;
}

function tabulate(fields: readonly Field[], wrong: (field: Field) => boolean): HTMLElement {
  const rows = fields.map(field =>
    mark(
      make(
        'tr',
        field.look,
        Object.assign(make('th', '', make('span', 'swatch'), field.name), { scope: 'row' }),
        make('td', 'value', field.bits || hex(field.bytes)),
        make('td', 'meaning', field.meaning),
      ),
      wrong(field),
    ),
  );
  const heads = ['Field', 'Value', 'Meaning'].map(text => Object.assign(make('th', '', text), { scope: 'col' }));
  return make('table', 'fields', make('thead', '', make('tr', '', ...heads)), make('tbody', '', ...rows));
}

/** Draws payload bytes, each a column: as it came, the key byte, unmasked, as a character. */
function drawPayload(frame: Frame, fault: Fault | undefined): HTMLElement {
  const { wire, plain, head, from, offset, header } = frame;
  const key = header?.masked ? head.subarray(head.length - 4) : undefined;
  const cells = Array.from(wire, (byte, i) => {
    const place = offset + head.length + from + i;
    const lines = [make('span', 'wire', hex([byte]))];
    if (key) lines.push(make('span', 'key', hex([key[(from + i) % 4]!])), make('span', 'plain', hex([plain[i]!])));
    lines.push(make('span', 'char', charOf(plain[i]!)));
    const cell = mark(make('li', 'byte', ...lines), fault?.offset === place);
    cell.title = `byte ${count(from + i)} of the payload, ${count(place)} of the stream`;
    return cell;
  });
  const grid = make('ol', `payload${key ? ' masked' : ''}`, ...cells);
  grid.ariaLabel = 'Payload, byte by byte';
  return grid;
}

function legend(masked: boolean): HTMLElement {
  const item = (look: string, words: string): HTMLElement => make('li', look, make('span', 'swatch'), words);
  const items = masked
    ? [item('wire', 'as received'), item('key', 'XOR key'), item('plain', 'unmasked, and as ASCII')]
    : [item('wire', 'as received'), item('char', 'as ASCII')];
  return make('ul', 'legend', ...items);
}

function pager(frame: Frame, turn: (from: number) => void): HTMLElement {
  const { from, wire, size } = frame;
  const button = (text: string, target: number, possible: boolean): HTMLButtonElement => {
    const element = make('button', '', text);
    element.type = 'button';
    element.disabled = !possible;
    element.addEventListener('click', () => turn(target));
    return element;
  };
  const last = Math.floor((size - 1) / SHOWN_MOST) * SHOWN_MOST;
  return make(
    'div',
    'pager',
    button('First', 0, from > 0),
    button('Earlier', Math.max(0, from - SHOWN_MOST), from > 0),
    make('span', '', `${count(from)} to ${count(from + wire.length - 1)} of ${count(size)}`),
    button('Later', from + SHOWN_MOST, from + wire.length < size),
    button('Last', last, from < last),
  );
}

/** Says in words what is wrong with a frame. */
export function describeFault(fault: Fault): HTMLElement {
  return make(
    'div',
    'fault',
    make('strong', '', `Fault at byte ${count(fault.offset)}:`),
    ` ${fault.message}. `,
    make('span', 'codes', `${fault.name}, close code ${fault.closeCode}`),
  );
}

/** Draws `frame` into `place`; `turn` asks for another stretch of its payload. */
export function drawFrame(
  place: HTMLElement,
  frame: Frame,
  fault: Fault | undefined,
  turn: (from: number) => void,
): void {
  const { index, offset, head, header, message, size } = frame;
  const own = fault?.frame === index ? fault : undefined;
  const wrong = (field: Field): boolean => own !== undefined && faulty(field, own, offset);
  const fields = fieldsOf(head);
  const opcode = head.length ? head[0]! & 0b0000_1111 : 0;
  const name = opcode || !message ? opcodeName(opcode) : `continuation of ${opcodeName(message)}`;
  const parts: (Node | string)[] = [
    make('h3', '', `Frame ${count(index)}`, make('span', 'kind', name)),
    make('p', 'where', `${asBytes(head.length + size)} from byte ${count(offset)} of the stream on`),
  ];
  if (own) parts.push(describeFault(own));
  parts.push(drawHeader(fields, wrong), tabulate(fields, wrong));
  if (!header) parts.push(make('p', 'note', 'The bytes end inside this header.'));
  else if (!size) parts.push(make('p', 'note', header.payloadLength ? 'No payload byte is here yet.' : 'No payload.'));
  else {
    parts.push(make('h4', '', 'Payload'), legend(header.masked));
    if (size > SHOWN_MOST) parts.push(pager(frame, turn));
    parts.push(drawPayload(frame, own));
    if (frame.text) {
      parts.push(make('h4', '', message === OP_BINARY ? 'In hexadecimal' : 'In words'));
      parts.push(make('pre', 'words', frame.text));
    }
    if (size < header.payloadLength) {
      const missing = asBytes(header.payloadLength - size);
      parts.push(make('p', 'note', `${missing} of this payload are not here.`));
    }
  }
  place.replaceChildren(...parts);
}
