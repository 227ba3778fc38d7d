/** The inspector as a person meets it: bytes are pasted, dropped or watched, and what is seen is compared. */
import type { Locator, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite, PHONE } from '../support/browser.ts';
import { readLines, writeFrame } from '../support/wire.ts';

const test = browserSuite('inspector');

const text = (data: string): Uint8Array => new TextEncoder().encode(data);

/** The rows of the list; the page has other options, in its selects. */
function options(page: Page, name?: string): Locator {
  return page.getByRole('listbox', { name: 'Frames' }).getByRole('option', name ? { name } : {});
}

/** What the list shows, a line a frame. */
async function rows(page: Page): Promise<string[]> {
  return (await options(page).allInnerTexts()).map(row => row.replaceAll('\n', ' '));
}

/** What the table of fields shows, by field. */
async function fields(page: Page): Promise<Record<string, string>> {
  const lines = await page.locator('#detail tbody tr').allInnerTexts();
  return Object.fromEntries(lines.map(line => [line.split('\t')[0]!.trim(), line.split('\t').slice(1).join(' ')]));
}

async function paste(page: Page, bytes: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Bytes of one direction' }).fill(bytes);
  await page.getByRole('button', { name: 'Inspect' }).click();
}

/** Drops files as a person does from outside the browser. */
async function drop(page: Page, name: string, data: Uint8Array): Promise<void> {
  await page.evaluate(
    ({ name, data }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(data)], name));
      for (const kind of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    },
    { name, data: Array.from(data) },
  );
}

test('opens with the masked Hello of the RFC, every field of it named', async ({ page }) => {
  await page.getByRole('heading', { name: 'Frame 0 text' }).waitFor();
  assert.equal(await fields(page), {
    FIN: '1 a whole message',
    RSV1: '0 not set',
    RSV2: '0 not set',
    RSV3: '0 not set',
    opcode: '0001 text',
    MASK: '1 masked, as clients send',
    'Payload len': '0000101 5 bytes of payload',
    'Masking-key': '37 fa 21 3d XORed with the payload, over and over',
  });
  const bits = await page.locator('.header-drawing .field').allInnerTexts();
  assert.is(
    bits.map(field => field.split('\n').at(-1)).join(' '),
    'FIN RSV1 RSV2 RSV3 opcode MASK Payload len Masking-key',
  );
  const payload = await page.locator('#detail .byte').allInnerTexts();
  assert.equal(payload[0]!.split('\n'), ['7f', '37', '48', 'H']);
  assert.is(payload.map(column => column.split('\n').at(-1)).join(''), 'Hello');
  assert.is(await page.locator('#detail pre').innerText(), 'Hello');
  assert.match(
    await page.getByRole('status').first().innerText(),
    /^1 frame and 1 whole message in 11 bytes\. Read as a server/,
  );
});

test('lists fragments, the ping between them and CLOSE, and shows the one that is clicked', async ({ page }) => {
  await page.getByLabel('Example').selectOption({ label: 'a ping between fragments, and CLOSE' });
  await options(page, '1000 normal closure: bye').waitFor();
  assert.equal(await rows(page), [
    '0 text 3 B Hel more follows',
    '1 ping 2 B hi',
    '2 … text 2 B lo',
    '3 close 5 B 1000 normal closure: bye',
  ]);
  await options(page, '2 … text').click();
  await page.getByRole('heading', { name: 'Frame 2 continuation of text' }).waitFor();
  assert.is((await fields(page)).FIN, '1 the last frame of its message');
  const chosen = page.getByRole('listbox', { name: 'Frames' }).getByRole('option', { selected: true });
  assert.match(await chosen.innerText(), /^2\n/);
});

test('reads base64, and says in words what it cannot read', async ({ page }) => {
  await paste(page, 'gQVIZWxsbw==');
  await page.getByText('Read as a client').waitFor();
  assert.equal(await rows(page), ['0 text 5 B Hello']);
  await paste(page, '81 05 4?');
  const alert = page.locator('#refusal');
  await alert.waitFor();
  assert.is(await alert.innerText(), '“?” is neither hex nor base64.');
  assert.is(await page.getByRole('textbox', { name: 'Bytes of one direction' }).getAttribute('aria-invalid'), 'true');
  assert.not.ok(await page.locator('#results').isVisible());
  await paste(page, '81 00');
  await page.getByRole('heading', { name: 'Frame 0' }).waitFor();
  assert.not.ok(await alert.isVisible());
});

test('reads as the role that is chosen, whatever the first frame looks like', async ({ page }) => {
  await page.getByLabel('Read as').selectOption({ label: 'client: unmasked frames' });
  await paste(page, '81 85 37 fa 21 3d 7f 9f 4d 51 58');
  await page.getByText('Fault at byte 1').first().waitFor();
  const wrong = await page.locator('#detail .field.wrong .name').allInnerTexts();
  assert.equal(wrong, ['MASK']);
});

const FAULTS: readonly [title: string, bytes: string, at: number, rule: RegExp, marked: string][] = [
  ['a reserved bit', '81 00 c1 00', 2, /a reserved bit is set .* \(§5\.2\)/, 'RSV1'],
  ['an opcode', '83 00', 0, /the opcode is reserved/, 'opcode'],
  ['a continuation of nothing', '80 00', 0, /a message is continued that was not begun/, 'opcode'],
  ['a long ping', '89 7e 00 7e', 1, /a control frame is fragmented or longer/, 'Payload len'],
  ['a fragmented ping', '09 00', 0, /a control frame is fragmented or longer/, 'FIN'],
  [
    'a long form of a short length',
    '82 7e 00 05',
    2,
    /the length is not in its shortest form/,
    'Extended payload length',
  ],
];

test('marks the field that broke the rule, and says the rule', async ({ page }) => {
  for (const [title, bytes, at, rule, marked] of FAULTS) {
    await paste(page, bytes);
    await page.locator('#fault').getByText(`Fault at byte ${at}:`).waitFor();
    assert.match(await page.locator('#fault').innerText(), rule, title);
    await page.locator('#detail .field.wrong').first().waitFor();
    assert.equal(await page.locator('#detail .field.wrong .name').allInnerTexts(), [marked], title);
    assert.ok((await rows(page)).at(-1)!.endsWith('fault'), title);
  }
});

test('marks the payload byte that is not UTF-8, deep inside a long masked frame', async ({ page }) => {
  const data = text('a'.repeat(1000));
  data[777] = 0xff;
  const stream = writeFrame({ opcode: 1, data, key: Uint8Array.of(1, 2, 3, 4) });
  await paste(page, Buffer.from(stream).toString('hex'));
  const byte = page.locator('#detail .byte.wrong');
  await byte.waitFor();
  assert.is(await byte.count(), 1);
  assert.is((await byte.innerText()).split('\n')[2], 'ff', 'unmasked');
  assert.match((await byte.getAttribute('title'))!, /^byte 777 of the payload, 785 of the stream$/);
  assert.match(await page.locator('#detail .pager').innerText(), /768 to 999 of 1,000/);
  await page.getByRole('button', { name: 'First' }).click();
  await page.getByText('0 to 255 of 1,000').waitFor();
  await page.getByRole('button', { name: 'Show frame 0' }).click();
  await page.getByText('768 to 999 of 1,000').waitFor();
});

test('reads a dropped file of raw bytes', async ({ page }) => {
  const stream = Buffer.concat(['one', 'two', 'three'].map(word => writeFrame({ opcode: 1, data: text(word) })));
  await drop(page, 'received.bin', stream);
  await page.getByText('received.bin, 17 bytes').waitFor();
  await options(page, 'three').waitFor();
  assert.equal(await rows(page), ['0 text 3 B one', '1 text 3 B two', '2 text 5 B three']);
});

test('reads a file that is chosen, one that is no HAR as little as an empty one', async ({ page }) => {
  await page.getByText('File', { exact: true }).click();
  const choose = (name: string, content: Uint8Array): Promise<void> =>
    page.locator('#file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
  await choose('one.bin', readLines('1 000 1001 | 0 0000000'));
  await options(page, 'ping').waitFor();
  await choose('empty.bin', new Uint8Array());
  await page.getByText('The file is empty.').waitFor();
  await choose('broken.har', text('{"log": '));
  await page.getByText('not JSON').waitFor();
});

test('reads a HAR, each of its connections, both directions told apart', async ({ page }) => {
  const entry = (url: string, messages: object[]) => ({ request: { url }, _webSocketMessages: messages });
  const har = {
    log: {
      entries: [
        { request: { url: 'http://a.test/' } },
        entry('ws://a.test/chat', [
          { type: 'send', opcode: 1, data: 'question' },
          { type: 'receive', opcode: 2, data: 'AQID' },
        ]),
        entry('ws://a.test/news', [{ type: 'receive', opcode: 1, data: 'Grüße' }]),
      ],
    },
  };
  await drop(page, 'session.har', text(JSON.stringify(har)));
  await options(page, '01 02 03').waitFor();
  assert.equal(await rows(page), ['0 → text 8 B question', '1 ← binary 3 B 01 02 03']);
  await page.getByText('Masking keys and frame boundaries are made up').waitFor();
  await page.getByLabel('Connection of the HAR').selectOption('ws://a.test/news');
  await options(page, 'Grüße').waitFor();
  assert.equal(await rows(page), ['0 ← text 7 B Grüße']);
});

/** A HAR with a connection for each list of messages. */
function harOf(...connections: readonly (readonly unknown[])[]): string {
  const entries = connections.map((messages, i) => ({
    request: { url: `ws://a.test/${i}` },
    _webSocketMessages: messages,
  }));
  return JSON.stringify({ log: { entries } });
}

const sent = (data: string): object => ({ type: 'send', opcode: 1, data });

test('reads each connection of a HAR that was pasted, also after another that was dropped', async ({ page }) => {
  const connection = page.getByLabel('Connection of the HAR');
  await paste(page, harOf([sent('one')], [sent('two')]));
  await options(page, 'one').waitFor();
  await connection.selectOption('ws://a.test/1');
  await options(page, 'two').waitFor();
  await drop(page, 'other.har', text(harOf([sent('three')], [sent('four')])));
  await options(page, 'three').waitFor();
  assert.is(await connection.inputValue(), '0');
  await page.getByText('Paste', { exact: true }).click();
  await paste(page, harOf([sent('five')], [sent('six')]));
  await options(page, 'five').waitFor();
  await connection.selectOption('ws://a.test/1');
  await options(page, 'six').waitFor();
  assert.ok(await page.getByRole('textbox', { name: 'Bytes of one direction' }).isVisible());
});

test('a connection of a HAR that carried nothing has no frames, and the next one is read', async ({ page }) => {
  await paste(page, harOf([], [sent('something')]));
  await page.getByText('No message in this connection.').waitFor();
  await page.getByLabel('Connection of the HAR').selectOption('ws://a.test/1');
  await options(page, 'something').waitFor();
});

test('counts messages while it reads a HAR, and bytes when it has', async ({ page }) => {
  await options(page, 'Hello').waitFor();
  await page.evaluate(() => {
    const seen: string[] = [];
    const place = document.getElementById('progress-text')!;
    new MutationObserver(() => {
      if (place.textContent) seen.push(place.textContent);
    }).observe(place, { childList: true });
    Object.assign(globalThis, { seen });
  });
  await page.getByText('File', { exact: true }).click();
  const har = Buffer.from(harOf(Array.from({ length: 30 }, () => sent('x'.repeat(200_000)))));
  await page.locator('#file').setInputFiles({ name: 'long.har', mimeType: 'application/json', buffer: har });
  await page.getByText('30 frames and 30 whole messages in 6.00 MB').waitFor();
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
  assert.ok(seen.length > 0);
  for (const words of seen) assert.match(words, /^\d+ of 30 messages, \d+ frames$/);
});

test('goes on without the server that it came from', async ({ page }) => {
  await options(page, 'Hello').waitFor();
  await page.context().setOffline(true);
  await paste(page, '89 02 68 69');
  await options(page, 'hi').waitFor();
});

test('shows all digits of a length of eight bytes', async ({ page }) => {
  await paste(page, '82 7f 7f ff ff ff ff ff ff ff');
  await page.locator('#detail tbody').waitFor();
  await page.getByText('9,223,372,036,854,775,807 bytes of payload').waitFor();
});

test('takes files that are dropped, and leaves text to where it is dropped', async ({ page }) => {
  const taken = await page.evaluate(() =>
    ['text', 'file'].map(kind => {
      const dataTransfer = new DataTransfer();
      if (kind === 'text') dataTransfer.setData('text/plain', '81 00');
      else dataTransfer.items.add(new File(['x'], 'x.bin'));
      const over = new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true });
      const drop = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
      return [over, drop].map(event => !document.getElementById('pasted')!.dispatchEvent(event));
    }),
  );
  assert.equal(taken, [
    [false, false],
    [true, true],
  ]);
});

test('says that a connection was lost, and that there never was one', async ({ page, sever }) => {
  await page.getByText('Live connection').click();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('Connected. Send something.').waitFor();
  await page.getByRole('button', { name: 'Send' }).click();
  await options(page).nth(1).waitFor();
  sever();
  await page.getByText(/2 frames .* The connection to ws:\S+ was lost\.$/).waitFor();
  assert.is(await options(page).count(), 2, 'what was seen stays');
});

test('watches a live connection to the echo server', async ({ page }) => {
  await page.getByText('Live connection').click();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('Connected. Send something.').waitFor();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('wie geht’s?');
  await page.keyboard.press('Enter');
  await options(page).nth(1).waitFor();
  assert.equal(await rows(page), ['0 → text 13 B wie geht’s?', '1 ← text 13 B wie geht’s?']);
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText('Disconnected.').waitFor();
  assert.ok(await page.getByRole('textbox', { name: 'Message' }).isDisabled());
  assert.is(await options(page).count(), 2, 'what was seen stays');
});

test('is moved through by keyboard', async ({ page }) => {
  const stream = Array.from({ length: 300 }, (_, i) => writeFrame({ opcode: 1, data: text(`number ${i}`) }));
  await paste(page, Buffer.concat(stream).toString('hex'));
  await page.getByText('300 frames and').waitFor();
  const list = page.getByRole('listbox', { name: 'Frames' });
  await list.focus();
  const keys: [key: string, frame: number][] = [
    ['ArrowDown', 1],
    ['ArrowDown', 2],
    ['ArrowUp', 1],
    ['End', 299],
    ['ArrowUp', 298],
    ['Home', 0],
    ['ArrowUp', 0],
  ];
  for (const [key, frame] of keys) {
    await page.keyboard.press(key);
    await page.getByRole('heading', { name: `Frame ${frame} text`, exact: true }).waitFor();
    const chosen = page.getByRole('listbox', { name: 'Frames' }).getByRole('option', { selected: true });
    await chosen.waitFor();
    assert.match(await chosen.innerText(), new RegExp(`number ${frame}\\b`));
    assert.is(await list.getAttribute('aria-activedescendant'), await chosen.getAttribute('id'));
    const [box, row] = [(await list.boundingBox())!, (await chosen.boundingBox())!];
    assert.ok(row.y >= box.y - 1 && row.y + row.height <= box.y + box.height + 2, `${key}: the row is in view`);
  }
});

test('fits a phone', async ({ open }) => {
  const page = await open({ viewport: PHONE, hasTouch: true });
  await page.getByLabel('Example').selectOption('utf8');
  await page.getByText('Fault at byte 14').first().waitFor();
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content! <= width!, `${content} pixels of content in ${width}`);
  await options(page, 'Laé!!').tap();
  await page.getByRole('heading', { name: 'Frame 0 text' }).waitFor();
});

test.run();
