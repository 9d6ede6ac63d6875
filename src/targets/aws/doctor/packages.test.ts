import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith } from '../../../../test/folder-with.js';
import { installedFile } from '../../../core/installation.js';
import { installAwsPackages } from '../api/aws-packages.js';
import { checkPackages } from './packages.js';

test('packages are found where they are installed, also those that only ES modules may import', async () => {
  const folder = await folderWith({
    'node_modules/aws-cdk-lib/index.js': '',
    'node_modules/@aws-cdk/toolkit-lib/package.json': '{"exports": {"import": "./index.js"}}',
  });
  await writeFile(join(folder, 'program.js'), '');
  expect(checkPackages(join(folder, 'program.js'))).toEqual({
    state: 'failed',
    found: 'The packages that deploy to AWS are not all installed: constructs is missing.',
    remedy: expect.stringMatching(/`npm install --save-dev .* constructs@10\.\S+`/),
  });
  expect(checkPackages()).toEqual({ state: 'ok', found: 'The packages that deploy to AWS are installed.' });
});

test('docs/aws.md has the command that installs them', () => {
  expect(readFileSync(installedFile('docs/aws.md'), 'utf8')).toContain(`\n${installAwsPackages()}\n`);
});
