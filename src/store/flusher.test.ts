import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryRoot, writeTree } from '../../test/small-stores.js';
import { until } from '../../test/until.js';
import { createFlusher, oneAfterAnother } from './flusher.js';
import { makeFolder } from './folders.js';
import { calls } from './system-calls.js';

let root: string;
let remove: () => Promise<void>;
let path: string | undefined;
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
  await makeFolder(root);
  path = process.env.PATH;
});
afterEach(async () => {
  process.env.PATH = path;
  vi.restoreAllMocks();
  await remove();
});

const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`file-${index}`, `${index}`]));

/** Puts a `sync` before the system's that notes that it was called, and then does as it is told. */
async function fakeSync(script: string): Promise<() => Promise<number>> {
  const bin = join(root, 'bin');
  const log = join(root, 'log');
  await mkdir(bin);
  await writeFile(join(bin, 'sync'), `#!/bin/sh\necho "$*" >> ${log}\n${script}\n`);
  await chmod(join(bin, 'sync'), 0o755);
  process.env.PATH = `${bin}${delimiter}${path}`;
  return async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').length - 1;
}

const countSyncs = () => vi.spyOn(calls, 'sync');

describe.runIf(process.platform === 'linux')('a flush', () => {
  test('of many files is one sync of the file system', async () => {
    const synced = await fakeSync('exit 0');
    const fsync = countSyncs();
    const folder = join(root, 'tree');
    await createFlusher(root).flush(folder, await writeTree(folder, many));
    expect(await synced()).toBe(1);
    expect(fsync).not.toHaveBeenCalled();
  });

  test('of few files flushes each of them, and their folders', async () => {
    const synced = await fakeSync('exit 0');
    const fsync = countSyncs();
    const folder = join(root, 'tree');
    const entries = await writeTree(folder, { 'a folder': '/', 'a folder/a file': 'x', link: '-> x' });
    await writeFile(`${folder}.mtree`, '');
    await createFlusher(root).flush(folder, entries, [`${folder}.mtree`]);
    expect(await synced()).toBe(0);
    expect(fsync).toHaveBeenCalledTimes(4);
  });

  test('of few files, where their owner may not read one of them, is one sync', async () => {
    const synced = await fakeSync('exit 0');
    const folder = join(root, 'tree');
    const entries = await writeTree(folder, { secret: 'x' });
    await chmod(join(folder, 'secret'), 0o111);
    await createFlusher(root).flush(
      folder,
      new Map([...entries, ['secret', { type: 'file', mode: 0o111, size: 1, sha256: '' }]]),
    );
    expect(await synced()).toBe(1);
  });

  test('of a folder whose content is not told walks it', async () => {
    await fakeSync('exit 1');
    const fsync = countSyncs();
    const folder = join(root, 'tree');
    await writeTree(folder, { a: '/', 'a/b': 'x', link: '-> a' });
    await createFlusher(root).flush(folder);
    expect(fsync).toHaveBeenCalledTimes(3);
  });

  test.each([
    ['has no -f', 'echo "sync: invalid option -- \'f\'" >&2; exit 1'],
    ['is a busybox without it', 'echo "Usage: sync" >&2; exit 1'],
  ])('where the command %s flushes each file, and does not ask again', async (_, script) => {
    const synced = await fakeSync(script);
    const fsync = countSyncs();
    const folder = join(root, 'tree');
    const entries = await writeTree(folder, many);
    const flusher = createFlusher(root);
    await flusher.flush(folder, entries);
    await flusher.flush(folder, entries);
    expect(await synced()).toBe(1);
    expect(fsync).toHaveBeenCalledTimes(2 * 31);
  });

  test('where there is no such command flushes each file', async () => {
    process.env.PATH = join(root, 'nowhere');
    const fsync = countSyncs();
    const folder = join(root, 'tree');
    await createFlusher(root).flush(folder, await writeTree(folder, many));
    expect(fsync).toHaveBeenCalledTimes(31);
  });

  test.each([
    ["error syncing '/x': Input/output error", 'STORE_IO', 'healthy'],
    ["error syncing '/x': No space left on device", 'DISK_FULL', 'Free space'],
    ["error syncing '/x': Disk quota exceeded", 'DISK_FULL', 'quota'],
    ["error opening '/x': Stale file handle", 'STORE_IO', 'mount it again'],
  ])('that the file system answers with "%s" fails with %s, and the remedy', async (message, code, remedy) => {
    await fakeSync(`echo "sync: ${message}" >&2; exit 1`);
    const folder = join(root, 'tree');
    const entries = await writeTree(folder, many);
    await expect(createFlusher(root).flush(folder, entries)).rejects.toMatchObject({
      code,
      context: { path: root },
      hint: expect.stringContaining(remedy),
    });
  });

  test('ahead is made now and then, until it is ended', async () => {
    const synced = await fakeSync('exit 0');
    const flusher = createFlusher(root);
    const end = flusher.flushAhead();
    await until('the second flush', async () => (await synced()) >= 2);
    end();
    const folder = join(root, 'tree');
    await flusher.flush(folder, await writeTree(folder, many)); // after the one that may be under way
    const before = await synced();
    await sleep(1000);
    expect(await synced()).toBe(before);
  });

  test.each([
    ['few', { a: 'x' }],
    ['many', many],
  ])('of %s files is told what a flush ahead failed with, as the system says it once', async (_, files) => {
    const synced = await fakeSync(`mkdir ${join(root, 'once')} || exit 0\necho "Input/output error" >&2; exit 1`);
    const flusher = createFlusher(root);
    const end = flusher.flushAhead();
    await until('the second flush', async () => (await synced()) >= 2);
    end();
    const folder = join(root, 'tree');
    await expect(flusher.flush(folder, await writeTree(folder, files))).rejects.toMatchObject({ code: 'STORE_IO' });
  });

  test("of the machine's own command works", async () => {
    const folder = join(root, 'tree');
    await expect(createFlusher(root).flush(folder, await writeTree(folder, many))).resolves.toBeUndefined();
  });
});

describe('requests', () => {
  function controlled() {
    const runs: { end: () => void; fail: (error: Error) => void }[] = [];
    const request = oneAfterAnother(
      () => new Promise<number>((end, fail) => runs.push({ end: () => end(runs.length), fail })),
    );
    return { runs, request };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('that arrive while one is under way share the next one', async () => {
    const { runs, request } = controlled();
    const first = request();
    await turn();
    const later = [request(), request(), request()];
    await turn();
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    expect(await first).toBe(1);
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    expect(await Promise.all(later)).toEqual([2, 2, 2]);
  });

  test('after one that failed are carried out', async () => {
    const { runs, request } = controlled();
    const first = request();
    await turn();
    const second = request();
    runs[0]?.fail(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await turn();
    runs[1]?.end();
    expect(await second).toBe(2);
  });
});
