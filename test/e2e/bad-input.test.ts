import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { prestage, repository } from '../prestage.js';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';

/** What a user has after a failed command must be what was there before it: no lockfile, no tree, no host. */
async function expectNothingChanged(sample: Sample): Promise<void> {
  expect(existsSync(join(sample.folder, 'prestage.lock'))).toBe(false);
  for (const folder of ['trees', 'releases', 'hosts', 'current'])
    expect(existsSync(join(sample.root, folder)), folder).toBe(false);
}

test('says that the working folder is gone, where it is', async () => {
  const script = `cd "$(mktemp -d)" && rmdir "$PWD" && exec "$0" "$1" plan --json`;
  const cli = join(repository, 'dist/cli.cjs');
  const { status, stdout } = spawnSync('sh', ['-c', script, process.execPath, cli], { encoding: 'utf8' });
  expect([status, JSON.parse(stdout).error.code]).toEqual([2, 'USAGE']);
});

describe('what is wrong with the configuration is said before anything is changed', () => {
  const app = (config: Sample['config']) => config.packages.app as { [key: string]: unknown; steps: unknown[] };

  test.each<[string, (sample: Sample) => unknown, string, RegExp]>([
    ['an unknown key', ({ config }) => Object.assign(app(config), { sourc: 'x' }), 'CONFIG_INVALID', /sourc.*source/s],
    [
      'a wrong type',
      ({ config }) => Object.assign(config.services.api ?? {}, { count: 'two' }),
      'CONFIG_INVALID',
      /services\.api\.count/,
    ],
    [
      'a missing file',
      ({ config }) => Object.assign(app(config), { source: 'files/nothing.tar.gz' }),
      'CONFIG_FILE_MISSING',
      /nothing\.tar\.gz/,
    ],
    [
      'a bad integrity',
      ({ config }) => Object.assign(app(config), { integrity: `sha256:${'0'.repeat(64)}` }),
      'INTEGRITY_MISMATCH',
      /0{64}/,
    ],
    [
      'a circle in after',
      ({ config }) => Object.assign(config.services.jump ?? {}, { after: ['web'] }),
      'CONFIG_CYCLE',
      /jump.*web|web.*jump/s,
    ],
    [
      'a second configuration',
      (sample) => sample.write('prestage.config.yaml', 'name: other\n'),
      'CONFIG_AMBIGUOUS',
      /prestage\.config\.json/,
    ],
    [
      'a service that needs no package',
      ({ config }) => Object.assign(config.services.api ?? {}, { needs: ['ap'] }),
      'CONFIG_INVALID',
      /ap.*app/s,
    ],
  ])('%s', async (_, spoil, code, message) => {
    const sample = await sampleProject();
    await spoil(sample);
    await sample.save();
    const run = await sample.run('deploy --json');
    expect(run.status).toBe(2);
    expect(run.result).toMatchObject({ ok: false, error: { code } });
    expect(`${run.result.error.message} ${run.result.error.hint}`).toMatch(message);
    await expectNothingChanged(sample);
  });

  test('no configuration', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prestage-empty-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const run = await prestage('deploy --json', { cwd: folder });
    expect(run.status).toBe(2);
    expect(run.result.error).toMatchObject({ code: 'CONFIG_NOT_FOUND' });
    expect(run.result.error.hint).toMatch(/prestage init/);
  });

  test('prestage deploy --prepare-file-only, an unknown flag', async () => {
    const sample = await sampleProject();
    const run = await sample.run('deploy --prepare-file-only --json');
    expect(run.status).toBe(2);
    expect(run.result.error).toMatchObject({ code: 'USAGE' });
    expect(`${run.result.error.message} ${run.result.error.hint}`).toMatch(/--prepare-files-only/);
    await expectNothingChanged(sample);
  });
});

describe('a step that cannot be carried out fails the preparation, and publishes nothing of its package', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['a patch that does not apply', { patch: 'patches/bad.patch' }, 'PATCH_FAILED', /bad\.patch/],
    [
      'a replace with the wrong count',
      { replace: { files: 'bin/*.sh', from: 'hello', to: 'bye', expect: 2 } },
      'STEP_COUNT',
      /2/,
    ],
    [
      "a set on a missing key's file",
      { set: { file: 'conf/ap.properties', values: { a: '1' } } },
      'STEP_FILE_MISSING',
      /ap\.properties/,
    ],
    [
      'a template with an unknown variable',
      { template: { files: '*.tmpl', values: { name: 'x' } } },
      'TEMPLATE_UNKNOWN',
      /nam/,
    ],
    [
      'a replace that finds nothing',
      { replace: { files: 'bin/*.sh', from: 'absent', to: 'x' } },
      'STEP_NO_EFFECT',
      /absent/,
    ],
    ['a remove that matches nothing', { remove: ['nowhere/**'] }, 'STEP_FILE_MISSING', /nowhere/],
  ])('%s', async (_, step, code, message) => {
    const sample = await sampleProject();
    await sample.archive('app', {
      'conf/app.properties': 'color=red\nmode=plain\n',
      'bin/run.sh': '#!/bin/sh\necho hello\n',
      'a.tmpl': '{{ nam }}',
    });
    await sample.write(
      'patches/bad.patch',
      '--- a/bin/run.sh\n+++ b/bin/run.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo good day\n+echo good night\n',
    );
    (sample.config.packages.app as { steps: unknown[] }).steps.push(step);
    await sample.save();
    const run = await sample.run('deploy --json');
    expect(run.status).toBe(1);
    expect(run.result.error).toMatchObject({ code, context: { package: 'app', step: 3 } });
    expect(`${run.result.error.message} ${run.result.error.hint}`).toMatch(message);
    const trees = await readdir(join(sample.root, 'trees')).catch(() => []);
    expect(trees.filter((name) => name.startsWith('app-'))).toEqual([]);
    expect(await readdir(join(sample.root, 'releases')).catch(() => [])).toEqual([]);
    expect(await readdir(join(sample.root, '.staging')).catch(() => [])).toEqual([]);
    expect(existsSync(join(sample.root, 'current'))).toBe(false);
  });
});

describe('errors of several packages', () => {
  const broken = async () => {
    const sample = await sampleProject();
    const { packages } = sample.config as { packages: Record<string, { steps?: unknown[] }> };
    packages.app?.steps?.push({ set: { file: 'conf/app.properties', values: { colour: 'green' } } });
    packages.series = { ...packages.extras, steps: [{ patch: 'series' }, { remove: 'nothing' }] };
    await sample.write('series/series', 'a.patch\nb.patch -p0\n');
    await sample.write('series/a.patch', '--- a/readme.txt\n+++ b/readme.txt\n@@ -1 +1 @@\n-extras\n+more\n');
    await sample.write('series/b.patch', '--- data/one.txt\n+++ data/one.txt\n@@ -1 +1 @@\n-1\n+2\n');
    await sample.save();
    const text = (await readFile(join(sample.folder, 'prestage.config.json'), 'utf8')).split('\n');
    return { sample, lineOf: (word: string) => text.findIndex((line) => line.includes(word)) + 1 };
  };

  test('are told all at once, with the line of the configuration, when the others are prepared', async () => {
    const { sample, lineOf } = await broken();
    const run = await sample.run('deploy --json');
    expect(run.status).toBe(1);
    const config = { configFile: join(sample.folder, 'prestage.config.json') };
    expect(run.result.error).toMatchObject({
      code: 'STEP_INVALID',
      errors: [
        {
          code: 'STEP_INVALID',
          message: 'conf/app.properties has no key colour.',
          hint: expect.stringContaining('Nearest: color for colour'),
          context: { package: 'app', step: 3, stepKind: 'set', ...config, configLine: lineOf('"colour"') },
        },
        {
          code: 'STEP_FILE_MISSING',
          // The series is two steps of the recipe, for it has two strips.
          context: { package: 'series', step: 2, stepKind: 'remove', ...config, configLine: lineOf('"remove"') - 1 },
        },
      ],
    });
    const trees = await readdir(join(sample.root, 'trees'));
    expect(trees.filter((name) => !name.endsWith('.mtree'))).toEqual([expect.stringMatching(/^extras-/)]);
    const said = (await sample.run('deploy')).stderr;
    expect(said).toContain('has no key colour');
    expect(said).toContain(`prestage.config.json:${lineOf('"colour"')}`);
    expect(said).toMatch(/"?nothing"?/);
    expect(said).toContain('2 errors. Correct them');
  });

  test('are one where it is to fail fast', async () => {
    const { sample } = await broken();
    const run = await sample.run('deploy --json --fail-fast');
    expect([run.status, run.result.error.code]).toEqual([1, expect.stringMatching(/^STEP_/)]);
    expect(run.result.error.errors).toBeUndefined();
  });
});

test('a port in use is found before anything is changed, with the service and the port', async () => {
  const sample = await sampleProject();
  const port = sample.config.services.web?.port as number;
  const stranger = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void stranger.close());
  const run = await sample.run('deploy --json');
  expect(run.status).toBe(1);
  expect(run.result.error).toMatchObject({ code: 'PORT_IN_USE', context: { service: 'web' } });
  expect(run.result.error.message).toContain(String(port));
  await expectNothingChanged(sample);
});

test.skipIf(lacks('tmpfs'))(
  'a full disk is found before the first byte is written (needs root: a small tmpfs)',
  async () => {
    const sample = await sampleProject((config) => {
      config.services = {};
    });
    await mkdir(sample.root);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', sample.root]);
    onTestFinished(() => {
      execFileSync('umount', ['-l', sample.root]);
    });
    await sample.archive('extras', { 'large.bin': 'x'.repeat(8 * 1024 * 1024) });
    const run = await sample.run('deploy --json');
    expect(run.status).toBe(1);
    expect(run.result.error).toMatchObject({ code: 'DISK_FULL' });
    expect(await readdir(join(sample.root, 'trees')).catch(() => [])).toEqual([]);

    // What cannot be known before: the disk fills up while it is being written.
    await writeFile(join(sample.root, 'ballast'), Buffer.alloc(1024 * 1024));
    await sample.archive('extras', Object.fromEntries(Array.from({ length: 1200 }, (_, n) => [`f${n}`, 'y'])));
    const filling = await sample.run('deploy --json');
    expect(filling.result.error).toMatchObject({ code: 'DISK_FULL' });
    await rm(join(sample.root, 'ballast'));
    execFileSync('mount', ['-o', 'remount,size=64m', sample.root]);
    expect((await sample.run('deploy --json')).result).toMatchObject({ ok: true });
  },
);
