import { chmod, mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { sha256 } from '../core/digest.js';
import { DigestCache } from './digest-cache.js';

const cachePath = (folder: string) => join(folder, '.prestage/cache/digests.json');

/** Hashes files as a run of Prestage does; returns the names of those that were read. */
async function run(folder: string, ...names: string[]): Promise<{ digests: string[]; read: string[] }> {
  const cache = await DigestCache.open(folder);
  const read: string[] = [];
  const digests: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    digests.push(await cache.digest(path, await stat(path, { bigint: true }), { onRead: () => void read.push(name) }));
  }
  await cache.save({ complete: true });
  return { digests, read };
}

/** Makes a file look untouched for a while: its times cannot be set back (ctime), so the clock of the cache entry is. */
async function remember(folder: string, name: string, content: string): Promise<void> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(join(folder, name), { bigint: true });
  const state = { size: `${size}`, mtimeNs: `${mtimeNs}`, ctimeNs: `${ctimeNs}`, ino: `${ino}` };
  await mkdir(join(folder, '.prestage/cache'), { recursive: true });
  await writeFile(
    cachePath(folder),
    JSON.stringify({ version: 1, files: { [name]: { ...state, sha256: sha256(content) } } }),
  );
}

test('a file that did not change is not read again', async () => {
  const folder = await folderWith({ a: 'aaa' });
  await remember(folder, 'a', 'aaa');
  expect(await run(folder, 'a')).toEqual({ digests: [sha256('aaa')], read: [] });
});

describe('a file is read again', () => {
  test.each<[string, (path: string) => Promise<void>]>([
    [
      'of the same length, with its old time put back',
      async (path) => {
        const { mtime } = await stat(path);
        await writeFile(path, 'bbb');
        await utimes(path, mtime, mtime);
      },
    ],
    [
      'that another took the place of',
      async (path) => {
        await writeFile(`${path}.new`, 'bbb');
        await rename(`${path}.new`, path);
      },
    ],
    ['that grew', (path) => writeFile(path, 'aaaa')],
    ['whose mode changed', (path) => chmod(path, 0o600)],
  ])('%s', async (_, change) => {
    const folder = await folderWith({ a: 'aaa' });
    await remember(folder, 'a', 'aaa');
    await change(join(folder, 'a'));
    const content = await readFile(join(folder, 'a'));
    expect(await run(folder, 'a')).toEqual({ digests: [sha256(content)], read: ['a'] });
  });

  test('that had just been written when it was hashed, since it may change within the same tick of the clock', async () => {
    const folder = await folderWith({ a: 'aaa' });
    await run(folder, 'a');
    expect((await run(folder, 'a')).read).toEqual(['a']);
  });

  test('whose time is in the future', async () => {
    const folder = await folderWith({ a: 'aaa' });
    await utimes(join(folder, 'a'), new Date('2100-01-01'), new Date('2100-01-01'));
    await run(folder, 'a');
    expect((await run(folder, 'a')).read).toEqual(['a']);
  });

  test.each(['', '{', '[]', 'null', '{"version":2,"files":{}}', '{"version":1,"files":{"a":{}}}'])(
    'where the cache is damaged: %j',
    async (text) => {
      const folder = await folderWith({ a: 'aaa', '.prestage/cache/digests.json': text });
      expect(await run(folder, 'a')).toEqual({ digests: [sha256('aaa')], read: ['a'] });
    },
  );
});

test('a cache that cannot be written costs time only', async () => {
  const folder = await folderWith({ a: 'aaa', '.prestage': 'a file where the folder would be' });
  expect((await run(folder, 'a')).digests).toEqual([sha256('aaa')]);
});

test('the cache forgets what was not asked for, and is not written again where nothing changed', async () => {
  const folder = await folderWith({ a: 'aaa', b: 'b' });
  await remember(folder, 'a', 'aaa');
  const before = await stat(cachePath(folder), { bigint: true });
  await run(folder, 'a');
  expect((await stat(cachePath(folder), { bigint: true })).ino).toBe(before.ino);
  await run(folder, 'b');
  expect(JSON.parse(await readFile(cachePath(folder), 'utf8'))).toEqual({ version: 1, files: {} });
});

test('a run that failed forgets nothing', async () => {
  const folder = await folderWith({ a: 'aaa', b: 'b' });
  await remember(folder, 'a', 'aaa');
  const cache = await DigestCache.open(folder);
  await cache.digest(join(folder, 'b'), await stat(join(folder, 'b'), { bigint: true }));
  await cache.save({ complete: false });
  expect((await run(folder, 'a')).read).toEqual([]);
});

test('.prestage keeps itself out of the repository', async () => {
  const folder = await folderWith({ a: 'aaa' });
  await run(folder, 'a');
  expect(await readFile(join(folder, '.prestage/.gitignore'), 'utf8')).toBe('*\n');
});

test('a file that changes while it is read is an error', async () => {
  const folder = await folderWith({ a: 'aaa' });
  const path = join(folder, 'a');
  const cache = await DigestCache.open(folder);
  const found = await stat(path, { bigint: true });
  await writeFile(path, 'other');
  await expect(cache.digest(path, found)).rejects.toMatchObject({ code: 'SOURCE_CHANGED', retryable: true });
});
