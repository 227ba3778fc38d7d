/** A hundred megabytes in the inspector: the page answers while they are read, and reading can be cancelled. */
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite } from '../support/browser.ts';
import { writeFrame } from '../support/wire.ts';

const PIECES = 1600;
/** How many times as large the file is that is cancelled: half a minute's reading, which no slow click comes after. */
const TIMES_TOO_LARGE_TO_END = 16;
const MILLISECONDS_OF_SILENCE_MOST = 3000;

const test = browserSuite('100 MB');

/** 64 KB of text messages of a hundred bytes; the file is so many of them. */
const piece = Buffer.concat(
  Array.from({ length: 630 }, (_, i) =>
    writeFrame({ opcode: 1, data: Buffer.from(`message ${i} `.padEnd(98, '.')), key: Uint8Array.of(1, 2, 3, i & 255) }),
  ),
);
const FRAMES = 630 * PIECES;

/** Drops the file, and has the page note the longest time for which its main thread did not answer. */
async function dropLarge(page: Page, pieces: number): Promise<void> {
  await page.evaluate(
    ({ base64, pieces }) => {
      const bytes = new Blob([Uint8Array.from(atob(base64), char => char.charCodeAt(0))]);
      const transfer = new DataTransfer();
      transfer.items.add(new File(new Array(pieces).fill(bytes), 'large.bin'));
      const noted = globalThis as unknown as { silence: number };
      noted.silence = 0;
      let before = performance.now();
      setInterval(() => {
        const now = performance.now();
        noted.silence = Math.max(noted.silence, now - before);
        before = now;
      }, 5);
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    },
    { base64: piece.toString('base64'), pieces },
  );
}

/** Has the page itself ask for the last frame there is, each time that it draws, and note whether one came while others were read. */
function askEarly(page: Page): Promise<void> {
  return page.evaluate(() => {
    const noted = globalThis as unknown as { early?: boolean };
    function ask(): void {
      if (/^Frame [1-9]/.test(document.querySelector('#detail h3')?.textContent ?? '')) {
        noted.early = document.querySelector('progress')!.checkVisibility();
        return;
      }
      const list = document.querySelector('[role=listbox]')!;
      list.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
      requestAnimationFrame(ask);
    }
    requestAnimationFrame(ask);
  });
}

test('is read to the end while the page answers, and any frame of it can be shown', async ({ page }) => {
  const started = performance.now();
  const bar = page.getByRole('progressbar');
  await askEarly(page);
  await dropLarge(page, PIECES);
  await page.getByText(`${FRAMES.toLocaleString('en')} frames and`).waitFor();
  const seconds = (performance.now() - started) / 1000;
  assert.not.ok(await bar.isVisible());
  const early = await page.evaluate(() => (globalThis as unknown as { early?: boolean }).early);
  assert.is(early, true, 'a frame is shown before all are read');

  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
  await page.getByRole('heading', { name: `Frame ${(FRAMES - 1).toLocaleString('en')} text` }).waitFor();
  assert.match(await page.locator('#detail pre').innerText(), /^message 629 \.+$/);
  const list = page.getByRole('listbox');
  await list.evaluate(box => (box.scrollTop = box.scrollHeight / 2));
  await page
    .getByRole('option', { name: /^50[34],\d{3} text/ })
    .first()
    .waitFor();
  assert.ok((await page.getByRole('option').count()) < 60, 'only rows in view exist');
  const silence = await page.evaluate(() => (globalThis as unknown as { silence: number }).silence);
  console.log(
    `\nnote: 104 MB in ${FRAMES} frames took ${seconds.toFixed(1)} s, longest silence ${silence.toFixed(0)} ms`,
  );
  assert.ok(silence < MILLISECONDS_OF_SILENCE_MOST, `${silence} ms`);
});

test('reading is cancelled, and what was read stays', async ({ page }) => {
  await dropLarge(page, PIECES * TIMES_TOO_LARGE_TO_END);
  await page.getByRole('button', { name: 'Cancel' }).click();
  const status = page.getByText(/^Cancelled after/);
  await status.waitFor();
  const [, frames] = /: ([\d,]+) frames/.exec(await status.innerText())!;
  const count = Number(frames!.replaceAll(',', ''));
  assert.ok(count > 0 && count < FRAMES * TIMES_TOO_LARGE_TO_END, `${count} frames`);
  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
  await page.getByRole('heading', { name: `Frame ${(count - 1).toLocaleString('en')} ` }).waitFor();
});

test.run();
