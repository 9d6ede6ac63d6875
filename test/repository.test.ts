import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from './prestage.js';

const execute = promisify(execFile);
const read = (path: string, folder = repository) => readFile(join(folder, path), 'utf8');

test('all clients of AWS are of one version', async () => {
  const { devDependencies } = JSON.parse(await read('package.json'));
  const clients = Object.entries<string>(devDependencies).filter(([name]) =>
    /^@aws-sdk\/(client-|credential-providers)/.test(name),
  );
  expect(clients.length).toBeGreaterThan(5);
  expect(new Set(clients.map(([, version]) => version))).toHaveLength(1);
});

test('`npm version` dates the changelog, names the new file in the README, and tags the commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-release-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const path of [
    'package.json',
    'package-lock.json',
    'README.md',
    'CHANGELOG.md',
    'scripts/date-changelog.mjs',
    '.npmrc',
  ]) {
    await cp(join(repository, path), join(folder, path)).catch((error) => expect(error.code).toBe('ENOENT'));
  }
  const git = (...args: string[]) =>
    execute('git', ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@localhost', ...args], { cwd: folder });
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('config', 'user.name', 'Somebody');
  await git('config', 'user.email', 'somebody@localhost');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'Begin');

  const [, line = ''] = /^ *(npm version minor .*)$/m.exec(await read('RELEASING.md')) ?? [];
  await execute('sh', ['-c', line], { cwd: folder });

  const { version } = JSON.parse(await read('package.json', folder));
  expect(await read('CHANGELOG.md', folder)).toMatch(
    new RegExp(`^## Unreleased\n\n## ${version} \\(\\d{4}-\\d\\d-\\d\\d\\)\n\n###`, 'm'),
  );
  expect((await read('README.md', folder)).match(/prestage-[\d.]+\.tgz/g)).toEqual(
    Array(2).fill(`prestage-${version}.tgz`),
  );
  expect((await git('status', '--porcelain')).stdout).toBe('');
  expect((await git('log', '-1', '--format=%s %D')).stdout).toBe(`Release ${version} HEAD -> main, tag: v${version}\n`);
});

test('the forms and settings for the place where the code is hosted are YAML', async () => {
  const files = (await readdir(join(repository, '.github'), { recursive: true })).filter((path) =>
    path.endsWith('.yml'),
  );
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) expect(parse(await read(join('.github', file))), file).toBeTypeOf('object');
});

test.each(['CONTRIBUTING.md', 'RELEASING.md', 'SECURITY.md'])(
  '%s names files and commands that there are',
  async (page) => {
    const text = await read(page);
    const { scripts } = JSON.parse(await read('package.json'));
    for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(script);
    const linked = [...text.matchAll(/\]\(([^:)#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
    const quoted = [...text.matchAll(/`((?:src|test|docs|scripts|bench|examples)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );
    const missing = [...linked, ...quoted].filter((path) => !existsSync(join(repository, path)));
    expect(missing).toEqual([]);
  },
);
