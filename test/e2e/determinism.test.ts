import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { repository } from '../prestage.js';
import { lacks } from '../requirements.js';
import { cloneOf, type Sample, sampleProject } from '../sample-project.js';

const digests = (packages: readonly { id: string }[]) =>
  packages.map((item) => ({ id: item.id, digest: 'digest' in item && item.digest }));

async function prepared(sample: Sample, line = 'deploy --prepare-files-only --json') {
  const run = await sample.run(line);
  expect(run.result.ok, run.stdout).toBe(true);
  return run.result;
}

/** The built package with what it needs to run, as npm would install it: this repository may be closed to other users. */
async function packageCopy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-installed-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const wanted = ['.'];
  const copied = new Set<string>();
  for (const path of wanted) {
    if (copied.has(path)) continue;
    copied.add(path);
    const manifest = await readFile(join(repository, path, 'package.json'), 'utf8');
    const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> };
    wanted.push(...Object.keys(dependencies).map((name) => join('node_modules', name)));
    if (path !== '.') await cp(join(repository, path), join(folder, path), { recursive: true });
  }
  await cp(join(repository, 'package.json'), join(folder, 'package.json'));
  await cp(join(repository, 'dist'), join(folder, 'dist'), { recursive: true });
  return folder;
}

describe('the same inputs give the same bytes', () => {
  test('in a fresh root, from a source folder whose files have other times, order and modes', async () => {
    const sample = await sampleProject((config) => {
      config.services = {};
      config.packages.folder = { source: 'folder', steps: [{ chmod: { files: 'b/run.sh', mode: '700' } }] };
    });
    await sample.write('folder/b/run.sh', '#!/bin/sh\n', 0o755);
    await sample.write('folder/a/one.txt', '1\n');
    const first = await prepared(sample);

    await rm(join(sample.folder, 'folder'), { recursive: true });
    await sample.write('folder/a/one.txt', '1\n');
    await sample.write('folder/b/run.sh', '#!/bin/sh\n', 0o700);
    await chmod(join(sample.folder, 'folder/a/one.txt'), 0o600);
    await utimes(join(sample.folder, 'folder/a/one.txt'), 1, 1);
    await sample.run('destroy --purge --yes');
    const second = await prepared(sample);
    expect(second.release).toBe(first.release);
    expect(digests(second.packages)).toEqual(digests(first.packages));
  });

  test('from archives whose entries have another order and other times: other sources, equal trees', async () => {
    const sample = await sampleProject((config) => {
      config.services = {};
    });
    const first = await prepared(sample);
    const build = join(sample.folder, 'again');
    await mkdir(build);
    execFileSync('tar', ['-xzf', join(sample.folder, 'files/app.tar.gz'), '-C', build]);
    await utimes(join(build, 'app-1.0/bin/run.sh'), 1, 1);
    const names = ['app-1.0/bin/run.sh', 'app-1.0/conf/app.properties'];
    execFileSync('tar', ['-czf', join(sample.folder, 'files/app.tar.gz'), '-C', build, ...names]);
    const second = await prepared(sample);
    expect(digests(second.packages)).toEqual(digests(first.packages));
    expect(second.release).not.toBe(first.release); // another source is another recipe
  });

  test.skipIf(lacks('root'))('by another user with another umask (needs root to become one)', async () => {
    const sample = await sampleProject((config) => {
      config.services = {};
    });
    const first = await prepared(sample);
    const clone = await cloneOf(sample);
    const installed = await packageCopy();
    execFileSync('chown', ['-R', '65534:65534', clone, installed]);
    const output = execFileSync(
      'sh',
      [
        '-c',
        `umask 077; exec setpriv --reuid=65534 --regid=65534 --clear-groups ${process.execPath} ${installed}/dist/cli.cjs deploy --json`,
      ],
      { cwd: clone, env: { ...process.env, HOME: clone }, encoding: 'utf8' },
    );
    const result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as typeof first;
    expect(result.release).toBe(first.release);
    expect(digests(result.packages)).toEqual(digests(first.packages));
    const manifests = async (root: string) => {
      const names = (await readdir(join(root, 'trees'))).filter((name) => name.endsWith('.mtree')).sort();
      return Promise.all(names.map((name) => readFile(join(root, 'trees', name), 'utf8')));
    };
    expect(await manifests(join(clone, 'root'))).toEqual(await manifests(sample.root));
  });
});
