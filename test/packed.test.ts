import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILD_MS, buildTypes } from './build.js';
import { repository } from './prestage.js';

/** What `npm publish` would send, as two programs read it that npm's users check packages with. */
let folder = '';
let tarball = Buffer.alloc(0);

beforeAll(() => {
  buildTypes();
  folder = mkdtempSync(join(tmpdir(), 'prestage-packed-'));
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: repository,
    shell: process.platform === 'win32',
  });
  const [name = ''] = readdirSync(folder);
  tarball = readFileSync(join(folder, name));
}, BUILD_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('publint finds nothing in the package that would be published', async () => {
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: new Uint8Array(tarball).buffer },
  });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

/** As the profile `esm-only` of its command: the package is for `import`, and TypeScript's `node10` knows no `exports`. */
const ESM_ONLY = ['node16-esm', 'bundler'];

test('its types are found, and are right, wherever it is imported', async () => {
  const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
  if (!('problems' in checked)) return expect.fail('the package has no types');
  expect(Object.keys(checked.entrypoints)).toEqual(['.', './schema.json', './package.json']);
  const problems = checked.problems.filter(
    (problem) => !('resolutionKind' in problem) || ESM_ONLY.includes(problem.resolutionKind),
  );
  expect(problems).toEqual([]);
});
