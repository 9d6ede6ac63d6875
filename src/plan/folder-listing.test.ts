import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { sha256 } from '../core/digest.js';
import { beginsWithShebang, listFolder } from './folder-listing.js';

const files = { 'a/b.txt': 'b', 'a.txt': 'aa', 'bin/run.sh': '#!/bin/sh\n', 'ä/ß.txt': 'x', Z: '' };

async function example(order: string[] = Object.keys(files)): Promise<string> {
  const folder = await folderWith(Object.fromEntries(order.map((path) => [path, files[path as keyof typeof files]])));
  await mkdir(join(folder, 'empty'));
  await chmod(join(folder, 'bin/run.sh'), 0o755);
  await symlink('../a.txt', join(folder, 'a/link'));
  return folder;
}

describe('a folder', () => {
  test('is listed by path in code-unit order, with modes, digests and links', async () => {
    const listing = await listFolder(await example());
    expect(listing.size).toBe(14);
    expect(listing.entries).toEqual([
      { type: 'file', path: 'Z', mode: 0o644, size: 0, sha256: sha256('') },
      { type: 'dir', path: 'a', mode: 0o755 },
      { type: 'file', path: 'a.txt', mode: 0o644, size: 2, sha256: sha256('aa') },
      { type: 'file', path: 'a/b.txt', mode: 0o644, size: 1, sha256: sha256('b') },
      { type: 'link', path: 'a/link', target: '../a.txt' },
      { type: 'dir', path: 'bin', mode: 0o755 },
      { type: 'file', path: 'bin/run.sh', mode: 0o755, size: 10, sha256: sha256('#!/bin/sh\n') },
      { type: 'dir', path: 'empty', mode: 0o755 },
      { type: 'dir', path: 'ä', mode: 0o755 },
      { type: 'file', path: 'ä/ß.txt', mode: 0o644, size: 1, sha256: sha256('x') },
    ]);
  });

  test('has the digest of its listing, which is text: an identity that must not change between versions', async () => {
    const lines = [
      '["dir","d"]\n',
      `["file","d/x","755",2,"${sha256('#!')}"]\n`,
      `["file","f","644",1,"${sha256('f')}"]\n`,
      '["link","l","d/x"]\n',
    ];
    const folder = await folderWith({ 'd/x': '#!', f: 'f' });
    await chmod(join(folder, 'd/x'), 0o700);
    await symlink('d/x', join(folder, 'l'));
    expect((await listFolder(folder)).sha256).toBe(sha256(lines.join('')));
  });

  test('has the same digest whatever the order of creation, the times, the modes but execution, and hard links', async () => {
    const [one, other] = [await example(), await example(Object.keys(files).reverse())];
    await utimes(join(other, 'a.txt'), 1, 1);
    await chmod(join(other, 'a.txt'), 0o600);
    await chmod(join(other, 'a'), 0o700);
    await chmod(join(other, 'bin/run.sh'), 0o700);
    await rm(join(other, 'Z'));
    await writeFile(join(other, 'empty-file'), '');
    await link(join(other, 'empty-file'), join(other, 'Z'));
    await rm(join(other, 'empty-file'));
    expect((await listFolder(other)).sha256).toBe((await listFolder(one)).sha256);
  });

  test.each<[string, (folder: string) => Promise<void>]>([
    ['a byte', (folder) => writeFile(join(folder, 'a.txt'), 'ab')],
    ['who may execute', (folder) => chmod(join(folder, 'a.txt'), 0o755)],
    ['an empty folder', (folder) => rm(join(folder, 'empty'), { recursive: true })],
    ['a link', (folder) => rm(join(folder, 'a/link')).then(() => symlink('b.txt', join(folder, 'a/link')))],
    ['a name', (folder) => rm(join(folder, 'Z')).then(() => writeFile(join(folder, 'z'), ''))],
  ])('has another digest where %s changed', async (_, change) => {
    const folder = await example();
    const before = await listFolder(folder);
    await change(folder);
    expect((await listFolder(folder)).sha256).not.toBe(before.sha256);
  });

  test('of a thousand files in a hundred folders is listed whole', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`d${i % 100}/f${i}`, `${i}`]));
    const { entries } = await listFolder(await folderWith(many));
    expect(entries).toHaveLength(1100);
    expect(entries.map((entry) => entry.path)).toEqual(entries.map((entry) => entry.path).sort());
  });

  test('that is empty has a digest too', async () => {
    expect(await listFolder(await folderWith())).toEqual({ entries: [], sha256: sha256(''), size: 0 });
  });
});

describe('a folder is refused that holds', () => {
  test.each<[string, (folder: string) => unknown, string]>([
    ['an absolute link', (folder) => symlink(join(folder, 'f'), join(folder, 'l')), 'a link that leaves the folder'],
    ['a link out', (folder) => symlink('../x', join(folder, 'l')), 'a link that leaves the folder (to ../x)'],
    [
      'a link out that comes back',
      (folder) => symlink('d/../../x/f', join(folder, 'l')),
      'a link that leaves the folder',
    ],
    [
      'a link out through another link',
      async (folder) => {
        await symlink('.', join(folder, 'here'));
        await symlink('here/..', join(folder, 'l'));
      },
      'a link that leaves the folder (to here/..)',
    ],
    ['a pipe', (folder) => execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'p')]), 'a named pipe: "p"'],
    [
      'a name with a line feed',
      (folder) => writeFile(join(folder, 'a\nb'), ''),
      'a name with control characters: "a\\nb"',
    ],
    [
      'a name with a backslash',
      (folder) => writeFile(join(folder, 'd/a\\b'), ''),
      'a name with a backslash: "d/a\\\\b"',
    ],
    [
      'a name that is not UTF-8',
      (folder) => writeFile(Buffer.concat([Buffer.from(`${folder}/d/`), Buffer.from([0x61, 0xff])]), ''),
      'a name that is not valid UTF-8',
    ],
    [
      'two names that differ only in case',
      (folder) => writeFile(join(folder, 'd/G'), ''),
      'two names that differ only in case or in Unicode form: "d/G" and "d/g"',
    ],
    [
      'two folders that differ only in case',
      (folder) => mkdir(join(folder, 'D')),
      'two names that differ only in case or in Unicode form: "D" and "d"',
    ],
    [
      'two names that differ only in Unicode form',
      async (folder) => {
        for (const name of ['caf\u00e9', 'cafe\u0301']) await writeFile(join(folder, name), '');
      },
      'two names that differ only in case or in Unicode form: "cafe\u0301" and "caf\u00e9"',
    ],
    [
      'two names that only a full case folding makes one',
      async (folder) => {
        for (const name of ['ss', '\u00df']) await writeFile(join(folder, name), '');
      },
      'two names that differ only in case or in Unicode form: "ss" and "\u00df"',
    ],
  ])('%s', async (_, spoil, message) => {
    const folder = await folderWith({ f: '', 'd/g': '' });
    await spoil(folder);
    await expect(listFolder(folder)).rejects.toMatchObject({
      code: 'SOURCE_UNSAFE',
      message: expect.stringContaining(message),
    });
  });

  test('a socket', async () => {
    const folder = await folderWith();
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
    await expect(listFolder(folder)).rejects.toMatchObject({
      code: 'SOURCE_UNSAFE',
      message: expect.stringContaining('a socket: "s"'),
    });
  });
});

test('links that stay inside are kept: to a folder, in a chain, to nothing', async () => {
  const folder = await folderWith({ 'd/f': '' });
  await symlink('d', join(folder, 'to-d'));
  await symlink('to-d/f', join(folder, 'to-f'));
  await symlink('d/gone', join(folder, 'to-nothing'));
  const { entries } = await listFolder(folder);
  expect(entries.filter((entry) => entry.type === 'link').map((entry) => entry.target)).toEqual([
    'd',
    'to-d/f',
    'd/gone',
  ]);
});

test('a name with the replacement character itself is a name like any other', async () => {
  const folder = await folderWith({ 'a\ufffd': '' });
  expect((await listFolder(folder)).entries).toMatchObject([{ path: 'a\ufffd' }]);
});

test('a file that vanishes or changes while the folder is read is an error', async () => {
  const folder = await folderWith({ a: 'a', b: 'b' });
  const removeFirst = async () => {
    await rm(join(folder, (await readdir(folder))[0] ?? ''));
    throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' });
  };
  await expect(listFolder(folder, { digest: removeFirst })).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});

test('what begins with #! is a program where there are no modes', async () => {
  const folder = await folderWith({ a: '#!/bin/sh\n', b: '#', c: '' });
  expect(await Promise.all(['a', 'b', 'c'].map((name) => beginsWithShebang(join(folder, name))))).toEqual([
    true,
    false,
    false,
  ]);
});
