/** Live: round trips to the echo server, as figures and as a chart that moves. */
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite } from '../support/browser.ts';

const test = browserSuite('live');

/** How many pixels of the chart have the line's colour. */
function inked(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas')!;
    const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
    pen.drawImage(canvas, 0, 0);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 2]! - data[i]! > 60 && data[i + 3]! > 60) pixels++;
    return pixels;
  });
}

async function figure(page: Page, name: string): Promise<string> {
  return await page
    .locator('dl div', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .innerText();
}

/** Waits until so many round trips are done. */
async function waitForTrips(page: Page, least: number): Promise<void> {
  await page.waitForFunction(
    least => Number(document.getElementById('live-total-figure')!.textContent!.replace(/\D/g, '') || 0) >= least,
    least,
  );
}

/** Waits until the page shows that so many go round in a second: after one in which it had no time to send, they are more. */
async function waitForSpeed(page: Page, least: number, most: number): Promise<void> {
  await page.waitForFunction(
    ([least, most]) => {
      const speed = Number(document.getElementById('live-rate-figure')!.textContent!.replaceAll(',', ''));
      return speed >= least! && speed <= most!;
    },
    [least, most],
  );
}

test('messages go round at the rate that is asked for, and the chart shows them', async ({ page }) => {
  await page.getByRole('tab', { name: 'Live' }).click();
  assert.is(await inked(page), 0);
  await page.getByLabel('Bytes a message').fill('1000');
  await page.getByLabel('Messages a second').fill('200');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText(/^Connected to ws:/).waitFor();
  await waitForTrips(page, 150);
  await waitForSpeed(page, 100, 300);
  assert.match(await figure(page, 'Median round trip'), /^[\d.]+ ms$/);
  assert.match(await figure(page, '99 of 100 within'), /^[\d.]+ ms$/);
  assert.match(await figure(page, 'Payload each way'), /^\d.* KB\/s$/);
  const before = await inked(page);
  assert.ok(before > 20, `${before} pixels are inked`);
  await waitForTrips(page, 300);
  assert.is.not(await inked(page), before);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText(/^Stopped after [\d,]+ round trips\.$/).waitFor();
  assert.match((await page.getByRole('img').getAttribute('aria-label'))!, /median [\d.]+ milliseconds/);
});

test('binary messages go as fast as answers come', async ({ page }) => {
  const kinds = new Set<string>();
  page.on('websocket', socket => socket.on('framereceived', ({ payload }) => kinds.add(typeof payload)));
  await page.getByRole('tab', { name: 'Live' }).click();
  await page.getByText('Binary').click();
  await page.getByLabel('as fast as answers come').check();
  assert.ok(await page.getByLabel('Messages a second').isDisabled());
  await page.getByRole('button', { name: 'Start' }).click();
  await waitForTrips(page, 1000);
  await page.getByRole('button', { name: 'Stop' }).click();
  assert.equal([...kinds], ['object'], 'playwright gives binary frames as buffers');
});

test('numbers that cannot be gone by are refused in words', async ({ page }) => {
  await page.getByRole('tab', { name: 'Live' }).click();
  const [size, rate] = [page.getByLabel('Bytes a message'), page.getByLabel('Messages a second')];
  const cases: [size: string, rate: string, words: string][] = [
    ['1000000000', '10', 'Bytes a message must be a whole number from 0 to 16,777,216.'],
    ['-1', '10', 'Bytes a message must be a whole number from 0 to 16,777,216.'],
    ['', '10', 'Bytes a message must be a whole number from 0 to 16,777,216.'],
    ['64', '0', 'Messages a second must be a whole number from 1 to 100,000.'],
  ];
  for (const [bytes, speed, words] of cases) {
    await size.fill(bytes);
    await rate.fill(speed);
    const wrong = words.startsWith('Bytes') ? size : rate;
    assert.is(await wrong.getAttribute('aria-invalid'), 'true');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText(words).waitFor();
  }
  await rate.fill('100');
  await page.getByRole('button', { name: 'Start' }).click();
  await waitForTrips(page, 1);
});

test('a connection that is lost is told from one that never was', async ({ page, sever }) => {
  await page.getByRole('tab', { name: 'Live' }).click();
  await page.getByRole('button', { name: 'Start' }).click();
  await waitForTrips(page, 1);
  sever();
  await page.getByText(/^The connection to ws:\S+ was lost\.$/).waitFor();
});

test('an address that is none is refused in words', async ({ page }) => {
  await page.getByRole('tab', { name: 'Live' }).click();
  await page.getByLabel('Server that echoes').fill('nonsense://');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('This is not a ws: or wss: address.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Start' }).isVisible());
});

test.run();
