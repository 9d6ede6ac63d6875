import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parseXml } from '@rgrove/parse-xml';
import axe, { type AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, quietPage } from '../browser.js';
import { repository } from '../prestage.js';
import { lacks } from '../requirements.js';

const site = join(repository, 'site/dist');

test('a link to a page, a heading or a picture that is not there is found', async () => {
  const { brokenLinks } = await import(join(repository, 'site/links.js'));
  const html = '<h1 id="one">1</h1><a href="#one">1</a><a href="#two">2</a><a href="b.html">b</a><img src="c.svg">';
  const pages = [{ place: 'a.html', html, folder: site }];
  expect(brokenLinks(pages)).toEqual(['a.html: #two', 'a.html: b.html', 'a.html: c.svg']);
});

test('the recorded session is a small picture that runs nothing and asks for nothing', async () => {
  const svg = await readFile(join(repository, 'docs/session.svg'), 'utf8');
  expect(svg.length).toBeLessThan(300_000);
  expect(parseXml(svg).root?.name).toBe('svg');
  expect(svg).not.toMatch(/<script|<foreignObject|href=|url\(|@import|\son\w+=/);
  expect(svg).toContain('prefers-reduced-motion');
  // It is of this version: what it shows is still said.
  for (const text of ['Phase 1, files', 'Phase 2, hosts', 'is deployed already in local']) expect(svg).toContain(text);
});

describe.skipIf(lacks('site', 'chromium'))('the documentation as a site', () => {
  let browser: Browser;

  beforeAll(async () => {
    // It ends with an error where a link leads nowhere.
    await promisify(execFile)('npm', ['run', '--prefix', join(repository, 'site'), 'build']);
    browser = await launchChromium();
  }, 180_000);
  afterAll(() => browser?.close());

  /** Opens a page of it as a file, without any server. */
  async function open(place: string, options: Parameters<Browser['newContext']>[0] = {}) {
    const page = await quietPage(browser, options);
    await page.goto(pathToFileURL(join(site, place)).href);
    return page;
  }

  test('the search finds a section, shows where, and opens it, by the keyboard alone', async () => {
    const page = await open('decisions/0001-dependencies.html');
    await page.keyboard.press('/');
    await page.keyboard.type('rollback');
    await page.locator('#found a').first().waitFor();
    expect(await page.locator('#found strong').first().textContent()).toBe('The command line › prestage rollback');
    expect(await page.locator('#found mark').first().textContent()).toBe('rollback');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/cli.html#prestage-rollback');
    await page.getByRole('searchbox').fill('wurzelbrunft');
    await page.getByText('Nothing has all of: wurzelbrunft').waitFor();
  });

  test.each([
    ['an error by its code', 'STEP_NO_EFFECT', 'errors.html'],
    ['a flag', '--prepare-files-only', 'cli.html#prestage-deploy'],
    ['a key of the configuration, mistyped', 'integrty', 'configuration.html#packages'],
    ['what somebody wants', 'full disk', 'local-target.html#a-full-disk'],
  ])('the search finds %s', async (_, words, wanted) => {
    const page = await open('index.html');
    await page.getByRole('searchbox').fill(words);
    const links = page.locator('#found a');
    await links.first().waitFor();
    const found = await Promise.all((await links.all()).map((link) => link.getAttribute('href')));
    expect(found.slice(0, 3)).toContainEqual(expect.stringContaining(wanted));
  });

  test.each([
    ['dark', 390],
    ['light', 1280],
  ] as const)('has nothing that axe objects to: %s, %i wide', async (colorScheme, width) => {
    const page = await open('ci.html', { colorScheme, viewport: { width, height: 900 } });
    await page.getByRole('searchbox').fill('proxy');
    await page.locator('#found a').first().waitFor();
    await page.evaluate(axe.source);
    // Files may not be read by a page's scripts, styles among them.
    const { violations, passes } = await page.evaluate<AxeResults>('axe.run({ preload: false })');
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    expect(passes.length).toBeGreaterThan(20);
  });

  test('no page is wider than a phone', async () => {
    const page = await open('index.html', { viewport: { width: 390, height: 900 } });
    const places = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
    expect(places.length).toBeGreaterThan(30);
    const wide: string[] = [];
    for (const place of places) {
      await page.goto(pathToFileURL(join(site, place)).href);
      if ((await page.evaluate('document.documentElement.scrollWidth')) !== 390) wide.push(place);
    }
    expect(wide).toEqual([]);
  });
});
