import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../test/requirements.js';
import { addRelease, temporaryRoot, treeName } from '../../test/small-stores.js';
import { thisProcess } from '../core/this-process.js';
import type { PackagePlan } from '../plan/index.js';
import { planRelease } from '../plan/recipe.js';
import { acquireLease, inspectLease } from './lease.js';
import { storePaths } from './paths.js';
import type { ReleaseRecord } from './release-record.js';
import { listReleases, setCurrent } from './releases.js';
import { hasTrees, treeNames } from './trees.js';
import { verifyStore } from './verify.js';

const program = fileURLToPath(new URL('../../test/store-format/read_store.py', import.meta.url));

interface Reading {
  current: string | null;
  releases: Record<string, object | null>;
  trees: string[];
  lock: { run: string; purpose: string; host: string; pid: number; stale: boolean } | 'not understood' | null;
  differences: [string, string, string][];
}

let root: string;
let remove: () => Promise<void>;
let release: string;
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
  await addRelease(root, 'old', ['a', 'b'], 1);
  release = await addRelease(root, 'new', ['b', 'c'], 2);
  await setCurrent(root, release);
});
afterEach(() => remove());

/** As the planner of a release computes it, from the same members. */
function digestOf({ name, packages, scripts }: ReleaseRecord): string {
  const plans = packages.map(({ id, destination, recipe }) => ({ id, destination, digest: recipe }) as PackagePlan);
  return planRelease(name, plans, scripts).digest;
}

const read = () => JSON.parse(execFileSync('python3', [program, root], { encoding: 'utf8' })) as Reading;

describe.skipIf(lacks('python3') || process.platform !== 'linux')('a reader by the document alone', () => {
  test('finds the releases, trees and `current` that we find', async () => {
    const reading = read();
    expect(reading).toMatchObject({ current: release, lock: null, differences: [] });
    const ours = (await listReleases(root)).map((record) => [
      record.release,
      {
        name: record.name,
        createdAt: record.createdAt,
        digest: digestOf(record),
        trees: Object.fromEntries(
          record.packages.map(({ tree, digest }) => [tree, expect.objectContaining({ digest })]),
        ),
      },
    ]);
    expect(reading.releases).toEqual(Object.fromEntries(ours));
    expect(reading.trees).toEqual([...(await hasTrees(root, await treeNames(root)))].sort());
  });

  const tree = (path: string) => join(storePaths(root).tree(treeName('b')), path);
  const inRelease = (path: string) => join(storePaths(root).release(release), path);
  test.each<[string, () => Promise<unknown>]>([
    ['another byte', () => writeFile(tree('conf/app.properties'), 'port=8081\n')],
    ['another size', () => truncate(tree('conf/app.properties'), 3)],
    ['another mode', () => chmod(tree('conf'), 0o700)],
    ['a file that is missing', () => unlink(tree('conf/naïve name'))],
    ['a folder that is missing', () => rm(tree('conf'), { recursive: true })],
    ['a file too many', () => writeFile(tree('conf/ünasked\nfor'), '')],
    ['a folder too many', () => mkdir(tree('more/in/it'), { recursive: true })],
    ['a link that leads elsewhere', () => unlink(tree('link')).then(() => symlink('/etc', tree('link')))],
    ['a file in the place of a link', () => unlink(tree('link')).then(() => writeFile(tree('link'), ''))],
    ['a manifest that is damaged', () => truncate(storePaths(root).manifest(treeName('b')), 100)],
    [
      'a manifest of something else',
      () =>
        writeFile(
          storePaths(root).manifest(treeName('b')),
          '#mtree\n# prestage tree 1 files=0 bytes=0\n. type=dir mode=0755\n',
        ),
    ],
    ['a record that is damaged', () => truncate(storePaths(root).releaseRecord(release), 20)],
    ['a script that is another', () => writeFile(inRelease('.prestage/scripts/boot/api.sh'), '#!/bin/sh\nexit 1\n')],
    ['a script that is missing', () => unlink(inRelease('.prestage/scripts/boot/api.sh'))],
    ['a package that is missing', () => unlink(inRelease('opt/b'))],
    ['a release with more in it', () => writeFile(inRelease('opt/more'), '')],
  ])('sees %s as we do', async (_, damage) => {
    await damage();
    const { differences } = await verifyStore(root, { deep: true });
    expect(differences).not.toEqual([]);
    const ours = differences.map(({ package: id, path, kind }) => [id, path, kind].join(' '));
    expect(
      read()
        .differences.map((found) => found.join(' '))
        .sort(),
    ).toEqual([...new Set(ours)].sort());
  });

  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  async function lockOf(holder: object, heartbeatAt = ago(0)): Promise<void> {
    const common = { run: 'r', purpose: 'prepare', lease: 'x', startedAt: ago(0), heartbeatAt, leaseMs: 60_000 };
    await writeFile(storePaths(root).lock, JSON.stringify({ ...common, ...holder }));
  }
  async function killed(): Promise<number> {
    const child = spawn('sleep', ['60']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    return child.pid ?? 0;
  }
  const elsewhere = { host: 'ip-10-0-0-7', machine: '0123456789abcdef', pid: 1, pidStartedAt: '1b4e28ba:42' };
  test.each<[string, () => Promise<unknown>, boolean]>([
    ['lives', () => lockOf(thisProcess()), false],
    ['lives, and was silent for a day', () => lockOf(thisProcess(), ago(86_400_000)), false],
    ['is dead', async () => lockOf({ ...thisProcess(), pid: await killed() }), true],
    ['is dead, and another process has its id', () => lockOf({ ...thisProcess(), pidStartedAt: '1b4e28ba:1' }), true],
    ['is on another machine', () => lockOf(elsewhere, ago(100_000)), false],
    ['was on another machine', () => lockOf(elsewhere, ago(200_000)), true],
  ])('says as we do that who holds the lock %s', async (_, hold, stale) => {
    await hold();
    const ours = await inspectLease(storePaths(root).lock);
    const { run, purpose, host, pid } = ours?.holder ?? {};
    expect(ours?.alive).toBe(!stale);
    expect(read().lock).toEqual({ run, purpose, host, pid, stale });
  });

  test('understands the lock that we take, and sees when it is released', async () => {
    const lease = await acquireLease(storePaths(root).lock, { run: 'ours', purpose: 'prepare' }, { wait: false });
    expect(read().lock).toMatchObject({ run: 'ours', pid: process.pid, stale: false });
    await lease.release();
    expect(read().lock).toBeNull();
    await writeFile(storePaths(root).lock, '{"run":');
    expect(read().lock).toBe('not understood');
  });
});
