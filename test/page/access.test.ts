/** The whole page for everyone: axe finds nothing in light and dark, on phones and on a desk, and keys reach all of it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite, DESKTOP, NARROW, PHONE } from '../support/browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const test = browserSuite('access');

/** Lets axe look at what is shown, in light and dark, on a desk and on phones. */
async function expectAccessible(page: Page, shown: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [DESKTOP, PHONE, NARROW]) {
      const where = `${shown}, ${colorScheme}, ${viewport.width} pixels wide`;
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResults;
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`);
      assert.equal(found, [], where);
      assert.ok(
        passes.some(({ id }) => id === 'color-contrast'),
        where,
      );
      const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content! <= width!, `nothing sticks out sideways: ${where}`);
    }
  }
}

test('nothing stands in anyone’s way, in any part', async ({ page }) => {
  await page.evaluate(AXE);
  await page.getByRole('heading', { name: 'Frame 0' }).waitFor();
  await expectAccessible(page, 'a frame');
  await page.getByLabel('Example').selectOption('utf8');
  await page.locator('#detail .byte.wrong').waitFor();
  await expectAccessible(page, 'a fault');
  await page.getByText('File', { exact: true }).click();
  await page.getByRole('button', { name: 'Inspect' }).click();
  await page.getByText('Choose a file first.').waitFor();
  await expectAccessible(page, 'a refusal');
  await page.getByText('Live connection').click();
  await expectAccessible(page, 'a connection to watch');
  await page.getByRole('tab', { name: 'Live' }).click();
  await expectAccessible(page, 'live');
  await page.getByRole('tab', { name: 'Bench' }).click();
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText('Measured in this browser').waitFor();
  await expectAccessible(page, 'bench');
});

test('tabs are moved through with arrow keys, and one of them is a stop for Tab', async ({ page, url }) => {
  await page.keyboard.press('Tab');
  const chosen = page.getByRole('tab', { selected: true });
  const keys: [key: string, tab: string][] = [
    ['ArrowRight', 'Live'],
    ['ArrowRight', 'Bench'],
    ['ArrowRight', 'Inspector'],
    ['ArrowLeft', 'Bench'],
    ['Home', 'Inspector'],
    ['End', 'Bench'],
  ];
  for (const [key, tab] of keys) {
    await page.keyboard.press(key);
    assert.is(await chosen.innerText(), tab);
    assert.is(await page.evaluate(() => document.activeElement!.textContent), tab);
    assert.equal(await page.getByRole('tabpanel').count(), 1);
  }
  assert.is(page.url(), `${url}#bench`);
  await page.keyboard.press('Tab');
  assert.is(await page.evaluate(() => document.activeElement!.id), 'bench-size');
  await page.reload();
  assert.is(await chosen.innerText(), 'Bench');
});

test('every control is reached with Tab and shows where it is', async ({ page }) => {
  await page.getByRole('heading', { name: 'Frame 0' }).waitFor();
  const reached: string[] = [];
  for (;;) {
    await page.keyboard.press('Tab');
    const { name, outlined } = await page.evaluate(() => {
      const active = document.activeElement!;
      const shown = active.matches('[type=radio]') ? active.nextElementSibling! : active;
      if (active === document.body) return { name: '', outlined: '' };
      return { name: active.id || active.textContent, outlined: getComputedStyle(shown).outlineStyle };
    });
    if (!name) break;
    assert.is(outlined, 'solid', name!);
    reached.push(name!);
  }
  assert.equal(reached, ['tab-inspector', 'kind-paste', 'pasted', 'role', 'format', 'example', 'Inspect', 'frames']);
});

test.run();
