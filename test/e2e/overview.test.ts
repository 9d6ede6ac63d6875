import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

test('prestage alone says the state of the project, or what is wrong with its configuration', async () => {
  const sample = await sampleProject((config) => {
    config.services = {};
  });
  const before = await sample.run('');
  expect([before.status, before.stderr]).toEqual([0, '']);
  expect(before.stdout).toContain('nothing is prepared');
  const { release } = (await sample.run('deploy --json')).result;
  const after = await sample.run('');
  expect(after.stdout).toContain(`release ${release}`);
  expect(after.stdout).toMatch(/^ {2}(npx )?prestage plan /m);

  await writeFile(join(sample.folder, 'prestage.config.json'), '{ "nam": "shop" }');
  const broken = await sample.run('');
  expect([broken.status, broken.stdout]).toEqual([2, '']);
  expect(broken.stderr).toContain('CONFIG_INVALID');
});
