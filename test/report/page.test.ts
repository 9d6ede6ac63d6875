import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReportFacts } from '../../src/deploy/report/facts.js';
import { reportPage } from '../../src/deploy/report/page/page.js';
import { launchChromium, quietPage } from '../browser.js';
import { lacks } from '../requirements.js';
import { HOSTILE, sampleFacts } from './facts.js';

/** Folders of different sizes, one of them with many files. */
const MANY = Array.from({ length: 60_000 }, (_, i) =>
  i < 20_000 ? `lib/flat/file-${String(i).padStart(5, '0')}.class` : `lib/d${i % 200}/e${i % 7}/file-${i}.class`,
).sort();

/** Milliseconds until the page was there, and the folder with the most files was opened, laid out, and on the screen. */
const LOADED_AND_LOOKED_INTO = `(async () => {
  const [{ loadEventEnd }] = performance.getEntriesByType('navigation');
  const started = performance.now();
  for (const title of ['opt/app/', 'lib/', 'flat/']) {
    const names = [...document.querySelectorAll('#tree summary > code')];
    const folder = names.find((name) => name.textContent === title).closest('details');
    folder.open = true;
    await new Promise((opened) => folder.addEventListener('toggle', opened, { once: true }));
  }
  await new Promise(requestAnimationFrame);
  return loadEventEnd + performance.now() - started;
})()`;

describe.skipIf(lacks('chromium'))('the page of a report in Chromium', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prestage-page-'));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens a page from its file. */
  async function open(facts: ReportFacts, options: Parameters<Browser['newContext']>[0] = {}) {
    const file = join(folder, 'report.html');
    await writeFile(file, reportPage(facts));
    const page = await quietPage(browser, options);
    await page.goto(pathToFileURL(file).href);
    return { page };
  }

  // What runs in the page is text: its types are none of Node's.
  const openAll = (page: Page) =>
    page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');

  test.each([
    ['light', 390],
    ['light', 1280],
    ['dark', 390],
    ['dark', 1280],
  ] as const)('has nothing that axe objects to: %s, %i wide', async (colorScheme, width) => {
    const { page } = await open(sampleFacts(), { colorScheme, viewport: { width, height: 900 } });
    await openAll(page);
    await page.locator('#tree .leaf').first().waitFor();
    await openAll(page);
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    expect(passes.length).toBeGreaterThan(20);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  test('is dark where the system is', async () => {
    const ground = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open(sampleFacts(), { colorScheme });
      return page.evaluate('getComputedStyle(document.body).backgroundColor');
    };
    expect(await ground('light')).toBe('rgb(255, 255, 255)');
    expect(await ground('dark')).not.toBe('rgb(255, 255, 255)');
  });

  test('shows names and texts as they are, and runs none of them', async () => {
    const { page } = await open(sampleFacts());
    await openAll(page);
    await page.getByLabel('Find in').fill('onerror');
    await page.getByText('1 path with onerror').waitFor();
    expect(await page.locator('#matches code').first().textContent()).toBe(`opt/app/${HOSTILE}`);
    expect(await page.title()).toBe('shop: release 0123456789abcdef in local');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    expect(await page.locator('.error').textContent()).toContain(HOSTILE);
  });

  test('60,000 files are there to be looked at within a second', async () => {
    const { page } = await open(sampleFacts(MANY));
    // By the page's own clock, and the best of three: other tests use the machine as well.
    const tries: number[] = [];
    for (let i = 0; i < 3; i++) {
      await page.reload();
      tries.push(await page.evaluate<number>(LOADED_AND_LOOKED_INTO));
    }
    expect(Math.min(...tries)).toBeLessThan(1000);
    await page.getByText('file-00000.class').waitFor();
    expect(await page.locator('#tree .leaf').count()).toBeLessThan(1000);
    await page.getByRole('button', { name: 'Show 300 of 19700 more' }).click();
    await page.getByText('file-00599.class').waitFor();

    await page.getByLabel('Find in 60,001 paths').fill('d17 file-40017');
    await page.getByText('1 path with d17 and file-40017').waitFor();
    expect(await page.locator('#matches code').first().textContent()).toMatch(
      /^opt\/app\/lib\/d17\/.*file-40017\.class$/,
    );
  });

  test('says where a file comes from, and leads to the step that changed it, by the keyboard alone', async () => {
    const { page } = await open(sampleFacts());
    await page.getByLabel('Find in').focus();
    await page.keyboard.type('properties');
    await page.getByText('2 paths with properties').waitFor();
    const rows = await page.locator('#matches .from').allTextContents();
    expect(rows).toEqual(['app.tar.gz; changed by step 1', 'by step 2']);
    expect(await page.locator('#step-app-1').getAttribute('open')).toBeNull();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('#step-app-1').getAttribute('open')).toBe('');
    await expect.poll(() => page.evaluate('document.activeElement.parentElement.id')).toBe('step-app-1');
  });

  test('a table is sorted by the column that is asked for', async () => {
    const { page } = await open(sampleFacts());
    const first = () => page.locator('table.sortable tbody th').first().textContent();
    expect(await first()).toBe('app');
    await page.getByRole('button', { name: 'Package' }).click();
    await page.getByRole('button', { name: 'Package' }).click();
    expect(await first()).toBe(HOSTILE);
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
  });

  test('on paper, steps and logs are open, and nothing is there to be clicked', async () => {
    const { page } = await open(sampleFacts(), { colorScheme: 'dark' });
    expect(await page.locator('details[open]').count()).toBe(0);
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('pre.diff').first().isVisible()).toBe(true);
    expect(await page.locator('nav').isVisible()).toBe(false);
    // Dark on white, also where the screen is dark.
    await page.evaluate(axe.source);
    expect((await page.evaluate<AxeResults>('axe.run()')).violations).toEqual([]);
    const ground = 'getComputedStyle(document.querySelector("ins")).backgroundColor';
    expect(await page.evaluate(ground)).toBe('rgb(226, 244, 232)');
    expect((await page.pdf()).length).toBeGreaterThan(10_000);
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await page.locator('details[open]').count()).toBe(0);
  });
});
