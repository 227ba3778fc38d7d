/** The bench: runs in the browser, draws bars, and can be copied. */
import * as assert from 'uvu/assert';
import { browserSuite } from '../support/browser.ts';

const test = browserSuite('bench');

test('three jobs are measured, drawn as bars and copied as a table', async ({ page }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('tab', { name: 'Bench' }).click();
  const copy = page.getByRole('button', { name: 'Copy' });
  assert.ok(await copy.isDisabled());
  await page.getByLabel('Payload', { exact: true }).selectOption('64 KiB');
  await page.getByRole('button', { name: 'Run' }).click();
  assert.ok(await page.getByRole('button', { name: 'Run' }).isDisabled());
  await page.getByText('Measured in this browser with 64 KiB of payload.').waitFor();

  const jobs = page.locator('.job');
  assert.equal(await jobs.getByRole('heading').allInnerTexts(), [
    'Unmask',
    'Validate UTF-8',
    'Decode masked text frames',
  ]);
  for (const job of await jobs.all()) {
    const bars = await job.locator('.bar').evaluateAll(all => all.map(bar => bar.getBoundingClientRect().width));
    const tracks = await job
      .locator('.track')
      .evaluateAll(all => all.map(track => track.getBoundingClientRect().width));
    assert.is(Math.round(Math.max(...bars)), Math.round(tracks[0]!), 'the fastest fills its track');
    for (const speed of await job.locator('.speed').allInnerTexts()) assert.match(speed, /^[\d.,]+ [KMG]B\/s$/);
    assert.match(await job.locator('.ours .ratio').innerText(), /^[\d.,]+ ×$/);
  }

  await copy.click();
  await page.getByText('Copied.').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.is(copied.split('\n').length, 8);
  assert.match(copied, /^websocket-context, 64 KiB of payload, Mozilla.*\nUnmask\tthis codec\t[\d.]+ GB\/s\n/);
});

test.run();
