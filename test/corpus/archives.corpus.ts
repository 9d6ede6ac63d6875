import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../prestage.js';
import { PROGRAMS, type Reader, startPython } from '../readers/readers.js';
import { lacks } from '../requirements.js';
import { archivesOf, collectSuites } from './collected.js';
import { outcomeOf } from './outcome.js';
import { SUITES, type Suite, TOO_LARGE } from './suites.js';
import { type Row, summaryOf, tableOf } from './table.js';

/**
 * Archives that nobody here made: those in the test suites of programs that read archives. What we unpack is what bsdtar, or
 * another program that reads it, unpacks; what we refuse stands with its reason in `outcomes/`, which `-u` writes again.
 */
const isMissing = lacks('dpkgSource', 'bsdtar', 'python3', 'sevenZip', 'zip', 'go', 'cpio', 'ar');

describe.skipIf(isMissing)('the archives in the tests of', () => {
  let folders = new Map<Suite, string>();
  let python: ReturnType<typeof startPython>;
  beforeAll(async () => {
    folders = await collectSuites();
    python = startPython();
  }, 300_000);
  afterAll(() => python.stop());

  test.for(SUITES)('$name', async (suite, { skip }) => {
    const folder = folders.get(suite);
    if (folder === undefined) {
      if (process.env.CI) throw new Error(`${suite.name} cannot be had as it is pinned in test/corpus/suites.ts`);
      return skip('it cannot be had as it is pinned');
    }
    const all = archivesOf(folder);
    const rows = await outcomesOf(
      folder,
      [...PROGRAMS, python.reader],
      all.filter((path) => !(path in TOO_LARGE)),
    );
    const wrong = rows.filter(([, { bsdtar, others }]) => bsdtar === 'other tree' && others.same.length === 0);
    expect.soft(wrong, 'nobody else sees the tree that we make').toEqual([]);
    expect.soft(summaryInDocs(suite), 'the row in docs/formats.md').toBe(summaryOf(suite, rows));
    const leftOut = all.filter((path) => path in TOO_LARGE);
    await expect(tableOf(suite, rows, leftOut)).toMatchFileSnapshot(`outcomes/${suite.name}.md`);
  });
});

function summaryInDocs({ name }: Suite): string | undefined {
  const text = readFileSync(join(repository, 'docs/formats.md'), 'utf8');
  return text.split('\n').find((line) => line.startsWith(`| ${name} |`));
}

/** Two at a time: while another program works on one, we do on the other. */
async function outcomesOf(folder: string, readers: readonly Reader[], paths: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  const queue = paths.values();
  const work = async () => {
    for (const path of queue) rows.push([path, await outcomeOf(join(folder, path), readers)]);
  };
  await Promise.all([work(), work()]);
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}
