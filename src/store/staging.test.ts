import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lacks } from '../../test/requirements.js';
import { addTree, temporaryRoot, treeName } from '../../test/small-stores.js';
import { thisProcess } from '../core/this-process.js';
import { newRunId, storePaths } from './paths.js';
import { removeAll } from './remove.js';
import { collectLeftovers, openStaging } from './staging.js';
import { calls } from './system-calls.js';
import { hasTrees } from './trees.js';

let root: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
});
afterEach(() => remove());

async function leaveRun(owner: object | string | undefined): Promise<string> {
  const run = newRunId();
  const folder = storePaths(root).run(run);
  await mkdir(join(folder, 'tree/sub'), { recursive: true });
  await writeFile(join(folder, 'tree/sub/file'), 'x');
  if (owner !== undefined)
    await writeFile(join(folder, '.owner'), typeof owner === 'string' ? owner : JSON.stringify(owner));
  return run;
}

describe('leftovers', () => {
  test('of a store that is not there are none', async () => {
    expect(await collectLeftovers(root)).toBe(0);
  });

  test.each([
    ['whose process is gone', () => ({ ...thisProcess(), pid: 2 ** 22 + 1 })],
    ['whose process id another process has', () => ({ ...thisProcess(), pidStartedAt: '1' })],
    [
      'of another machine, which cannot be at work while we hold the lock',
      () => ({ ...thisProcess(), machine: 'other' }),
    ],
    ['that died before it said whose it is', () => undefined],
    ['that died while it said so', () => '{"host":'],
  ])('of a run %s are removed', async (_, owner) => {
    const alive = await openStaging(root, newRunId());
    await leaveRun(owner());
    expect(await collectLeftovers(root)).toBe(1);
    expect(await readdir(storePaths(root).staging)).toEqual([alive.folder.slice(-29)]);
    await alive.close();
    expect(await readdir(storePaths(root).staging)).toEqual([]);
  });

  test('have another name before anything in them is deleted: who still works there publishes the whole, or nothing', async () => {
    const run = await leaveRun(undefined);
    const tree = join(storePaths(root).run(run), 'tree');
    const published = treeName('late');
    await mkdir(storePaths(root).trees, { recursive: true });
    const { rename: renameIt } = calls;
    const whole: string[][] = [];
    vi.spyOn(calls, 'rename').mockImplementation(async (from, to) => {
      if (from === tree) whole.push(await readdir(from, { recursive: true }));
      await renameIt(from, to);
      // The moment after which it is deleted, in which its owner comes to publish it.
      if (from === tree) await expect(renameIt(tree, storePaths(root).tree(published))).rejects.toThrow('ENOENT');
    });
    expect(await collectLeftovers(root)).toBe(1);
    vi.restoreAllMocks();
    expect(whole.map((names) => names.sort())).toEqual([['sub', 'sub/file']]);
    expect(await readdir(storePaths(root).staging)).toEqual([]);
    expect(await readdir(storePaths(root).trees)).toEqual([]);
  });

  test('are files and links in staging themselves, and not what those lead to', async () => {
    const elsewhere = join(root, '..', 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'file'), 'x');
    await mkdir(storePaths(root).staging, { recursive: true });
    await writeFile(join(storePaths(root).staging, 'file'), 'x');
    await symlink(elsewhere, join(storePaths(root).staging, 'link'));
    expect(await collectLeftovers(root)).toBe(2);
    expect(await readdir(storePaths(root).staging)).toEqual([]);
    expect(await readdir(elsewhere)).toEqual(['file']);
  });

  test('are manifests whose tree never came, and no others', async () => {
    await addTree(root, treeName('whole'));
    await addTree(root, treeName('half'));
    await removeAll(storePaths(root).tree(treeName('half')));
    expect(await collectLeftovers(root)).toBe(1);
    expect((await readdir(storePaths(root).trees)).sort()).toEqual([treeName('whole'), `${treeName('whole')}.mtree`]);
    expect(await hasTrees(root, [treeName('whole')])).toEqual(new Set([treeName('whole')]));
  });

  // In use as a place of a mount: unlink(2) says EBUSY, as it does for what an NFS client keeps of an open file.
  test.skipIf(lacks('root'))('that are in use stay, are not counted, and go the next time', async () => {
    const run = await leaveRun(undefined);
    const file = join(storePaths(root).run(run), 'tree/sub/file');
    const before = `${root}-mounted`;
    await writeFile(before, '');
    execFileSync('mount', ['--bind', before, file]);
    try {
      expect(await collectLeftovers(root)).toBe(0);
      expect(await readdir(storePaths(root).staging)).toEqual([run]);
    } finally {
      const names = await readdir(root, { recursive: true }); // it has another name by now
      execFileSync('umount', [join(root, names.find((name) => name.endsWith('/sub/file')) ?? '')]);
    }
    expect(await collectLeftovers(root)).toBe(1);
    expect(await readdir(storePaths(root).staging)).toEqual([]);
  });

  test('are temporary files that are old, not those of a moment ago', async () => {
    await addTree(root, treeName('tool'));
    const old = new Date(Date.now() - 7_200_000);
    const paths = storePaths(root);
    for (const folder of [paths.root, paths.trees, paths.releases])
      for (const name of ['.tmp-old', '.tmp-new']) {
        await writeFile(join(folder, name), '');
        if (name === '.tmp-old') await utimes(join(folder, name), old, old);
      }
    expect(await collectLeftovers(root)).toBe(3);
    expect((await readdir(root)).sort()).toEqual(['.staging', '.tmp-new', 'releases', 'trees']);
  });
});

describe('deleting', () => {
  test('takes folders that may not be written, links without what they lead to, and what is gone already', async () => {
    const kept = join(root, 'kept');
    const folder = join(root, 'folder');
    await mkdir(join(folder, 'a/b/c'), { recursive: true });
    await mkdir(kept);
    await writeFile(join(kept, 'file'), '');
    await writeFile(join(folder, 'a/b/file'), '');
    await symlink(kept, join(folder, 'a/link'));
    for (const path of ['a/b/c', 'a/b', 'a', '']) await chmod(join(folder, path), 0o500);
    await removeAll(folder);
    await removeAll(folder);
    expect(await readdir(root)).toEqual(['kept']);
    expect(await readdir(kept)).toEqual(['file']);
  });

  test('takes a file, and a link itself', async () => {
    await mkdir(join(root, 'kept'), { recursive: true });
    await writeFile(join(root, 'file'), '');
    await symlink('kept', join(root, 'link'));
    await removeAll(join(root, 'file'));
    await removeAll(join(root, 'link'));
    expect(await readdir(root)).toEqual(['kept']);
  });

  test('goes on beside another that deletes the same', async () => {
    const folder = join(root, 'folder');
    for (const name of ['a', 'b', 'c']) await mkdir(join(folder, name, 'deep/er'), { recursive: true });
    await Promise.all([removeAll(folder), removeAll(folder), removeAll(folder)]);
    expect(await readdir(root)).toEqual([]);
  });
});

test('a run is named so that names sort by time and never repeat', async () => {
  const names = Array.from({ length: 100 }, newRunId);
  expect(new Set(names).size).toBe(100);
  for (const name of names) expect(name).toMatch(/^20\d{6}T\d{6}Z-[0-9a-f]{12}$/);
});

test('a staging folder cannot be opened twice, and the first one stays', async () => {
  const run = newRunId();
  const first = await openStaging(root, run);
  await writeFile(join(first.folder, 'work'), '');
  await expect(openStaging(root, run)).rejects.toMatchObject({ code: 'STORE_IO' });
  expect(await readdir(first.folder)).toContain('work');
  await rename(first.folder, `${first.folder}-moved`);
});
