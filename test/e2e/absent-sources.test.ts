import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Sample, sampleProject } from '../sample-project.js';

/** A file and a folder as sources, and one host that ends at once. */
async function small(): Promise<Sample> {
  const sample = await sampleProject((config) => {
    config.services = { jump: config.services.jump ?? {} };
    config.packages.theme = { source: 'theme' };
  });
  await sample.write('theme/page.html', '<p>theme</p>\n');
  return sample;
}

const away = async ({ folder }: Sample) => {
  await rename(join(folder, 'files'), join(folder, 'elsewhere'));
  await rename(join(folder, 'theme'), join(folder, 'theme-elsewhere'));
};

test('what is prepared and locked is planned and deployed without its sources', async () => {
  const sample = await small();
  const { release } = (await sample.run('deploy --prepare-files-only --json')).result;
  await away(sample);
  const plan = (await sample.run('plan --json')).result;
  expect(plan).toMatchObject({ ok: true, release, sources: [], phase1: { needed: false } });
  const deployed = (await sample.run('deploy --skip-file-prep --json')).result;
  expect(deployed).toMatchObject({ ok: true, release, phase1: 'ready', phase2: 'applied' });
  // Both phases as well: there is nothing to prepare.
  expect((await sample.run('deploy --json')).result).toMatchObject({ ok: true, phase1: 'ready', phase2: 'unchanged' });
});

test('a source that is not there is missing where its tree is not prepared, or not as locked', async () => {
  const sample = await small();
  await sample.run('deploy --prepare-files-only --json');
  await away(sample);
  await rm(sample.root, { recursive: true });
  for (const line of ['plan --json', 'deploy --skip-file-prep --json', 'deploy --json']) {
    const { status, result } = await sample.run(line);
    expect([status, result.error.code]).toEqual([2, 'CONFIG_FILE_MISSING']);
    expect(result.error.message).toContain('packages.app.source: expected a file or a folder, found nothing at');
    expect(result.error.message).toContain('packages.theme.source');
  }
});

test('a source that is there and differs from the lockfile is told of', async () => {
  const sample = await small();
  await sample.run('deploy --prepare-files-only --json');
  await sample.archive('extras', { 'readme.txt': 'changed\n' });
  const [changed] = (await sample.run('plan --json')).result.sources;
  expect(changed).toMatchObject({ source: 'files/extras.tar.gz', previous: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const { result } = await sample.run('deploy --skip-file-prep --json');
  expect(result.error).toMatchObject({ code: 'FILES_NOT_READY', context: { missing: ['extras'] } });
  expect(result.error.context.changed).toEqual([
    expect.stringMatching(
      /^files\/extras\.tar\.gz differs from prestage\.lock: locked sha256:\w{16}, found sha256:\w{16}$/,
    ),
  ]);
});
