import { lstat, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  addRelease,
  addTree,
  leftovers,
  publishRecord,
  recordOf,
  someFiles,
  someScript,
  temporaryRoot,
  treeName,
  writeTree,
} from '../../test/small-stores.js';
import { sha256 } from '../core/digest.js';
import { createFlusher, type Flusher } from './flusher.js';
import { newRunId, storePaths } from './paths.js';
import { publishFile } from './publish-file.js';
import { currentRelease, listReleases, publishRelease, readRelease, setCurrent } from './releases.js';
import { spaceAvailable } from './space.js';
import { collectLeftovers, openStaging } from './staging.js';
import { calls } from './system-calls.js';
import { hasTrees, publishTree, readTree, readTreeSummary } from './trees.js';
import { verifyStore } from './verify.js';

let root: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
});
afterEach(async () => {
  vi.restoreAllMocks();
  await remove();
});

const name = treeName('tool');
const permissions = async (path: string) => (await lstat(path)).mode & 0o7777;
const fsyncOnly = (): Flusher => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform');
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  try {
    return createFlusher(root);
  } finally {
    if (platform) Object.defineProperty(process, 'platform', platform);
  }
};

describe('a published tree', () => {
  test('is there with its manifest, its digest the SHA-256 of it, and nothing is left over', async () => {
    const published = await addTree(root, name);
    expect(published).toMatchObject({ outcome: 'published', files: 4, bytes: 20 + 10 + 1 });
    expect(await hasTrees(root, [name, treeName('other')])).toEqual(new Set([name]));
    expect(await readTreeSummary(root, name)).toEqual({ digest: published.digest, files: 4, bytes: 31 });
    expect(sha256(await readFile(storePaths(root).manifest(name)))).toBe(published.digest);
    expect((await readTree(root, name)).entries.get('link')).toEqual({ type: 'link', target: 'conf/app.properties' });
    expect(await leftovers(root)).toEqual([]);
  });

  test('is found by the second publisher, who discards its own', async () => {
    const first = await addTree(root, name);
    const { ino } = await stat(storePaths(root).tree(name));
    expect(await addTree(root, name)).toEqual({ ...first, outcome: 'existing' });
    expect((await stat(storePaths(root).tree(name))).ino).toBe(ino);
    expect(await leftovers(root)).toEqual([]);
  });

  test('of the same recipe with other bytes is refused, and the one that is there stays', async () => {
    const { digest } = await addTree(root, name);
    await expect(addTree(root, name, { other: 'bytes' })).rejects.toMatchObject({
      code: 'STORE_INVALID',
      context: { expected: expect.not.stringMatching(digest), found: digest },
    });
    expect(await readTreeSummary(root, name)).toMatchObject({ digest });
  });

  test('without its manifest is not ready, and preparing it again replaces it: nobody knows what is in it', async () => {
    const { digest } = await addTree(root, name);
    const manifest = storePaths(root).manifest(name);
    await calls.rename(manifest, join(root, 'lost'));
    await writeFile(join(storePaths(root).tree(name), 'stranger'), '');
    expect(await hasTrees(root, [name])).toEqual(new Set());
    expect(await addTree(root, name)).toMatchObject({ outcome: 'published', digest });
    expect(await readdir(storePaths(root).tree(name))).not.toContain('stranger');
    expect(await leftovers(root)).toEqual([]);
    expect(await hasTrees(root, [name])).toEqual(new Set([name]));
  });

  test('keeps its manifest when leftovers are collected between manifest and tree', async () => {
    const rename = calls.rename;
    vi.spyOn(calls, 'rename').mockImplementation(async (from, to) => {
      if (to === storePaths(root).tree(name)) {
        vi.restoreAllMocks();
        expect(await collectLeftovers(root)).toBe(1);
      }
      await rename(from, to);
    });
    await addTree(root, name);
    expect(await hasTrees(root, [name])).toEqual(new Set([name]));
  });

  test('comes to its name without hard links as well', async () => {
    vi.spyOn(calls, 'link').mockRejectedValue(Object.assign(new Error('no links'), { code: 'EPERM', syscall: 'link' }));
    const first = await addTree(root, name);
    expect(await addTree(root, name)).toEqual({ ...first, outcome: 'existing' });
    expect(await leftovers(root)).toEqual([]);
  });

  test.each(['../escape', 'a/b', '.hidden', '..', '', 'a\0b'])('cannot be named %j', (bad) => {
    const { tree, manifest, release, releaseRecord, run } = storePaths(root);
    for (const path of [tree, manifest, release, releaseRecord, run])
      expect(() => path(bad)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('a published release', () => {
  test('has its record, relative links that lead to the trees, and the scripts, executable', async () => {
    const release = await addRelease(root, 'one', ['tool', 'more']);
    const folder = storePaths(root).release(release);
    expect(await readlink(join(folder, 'opt/tool'))).toBe(`../../../trees/${treeName('tool')}`);
    expect(await readFile(join(folder, 'opt/more/id'), 'utf8')).toBe('more');
    expect(await permissions(join(folder, '.prestage/scripts/boot/api.sh'))).toBe(0o755);
    expect(await readRelease(root, release)).toMatchObject({
      release,
      name: 'one',
      scripts: [{ path: 'boot/api.sh' }],
    });
    expect(await leftovers(root)).toEqual([]);
  });

  test('is found by the second publisher, whatever the time at which it was made', async () => {
    const { digest } = await addTree(root, name, { ...someFiles, id: 'tool' });
    const packages = [{ id: 'tool', destination: 'opt/tool', digest }];
    expect(await publishRecord(root, recordOf('one', packages, 1))).toBe('published');
    expect(await publishRecord(root, recordOf('one', packages, 2))).toBe('existing');
    const prepared = { packages: 1, bytes: 5, durationMs: 7 };
    expect(await publishRecord(root, { ...recordOf('one', packages, 3), prepared })).toBe('existing');
    expect((await listReleases(root)).map((record) => record.createdAt)).toEqual(['2026-11-24T02:01:00.000Z']);
    expect(await leftovers(root)).toEqual([]);
  });

  test('is refused where another release has its id', async () => {
    const { digest } = await addTree(root, name);
    await publishRecord(root, recordOf('one', [{ id: 'tool', destination: 'opt/tool', digest }]));
    const other = recordOf('one', [{ id: 'tool', destination: 'opt/elsewhere', digest }]);
    await expect(publishRecord(root, other)).rejects.toMatchObject({ code: 'STORE_INVALID' });
  });

  test.each([
    ['../out', 'STORE_INVALID'],
    ['/absolute', 'STORE_INVALID'],
    ['release.json', 'STORE_INVALID'],
    ['.prestage/scripts', 'STORE_INVALID'],
  ])('is refused with the destination %s', async (destination, code) => {
    const { digest } = await addTree(root, name);
    await expect(publishRecord(root, recordOf('one', [{ id: 'tool', destination, digest }]))).rejects.toMatchObject({
      code,
    });
  });

  test('is refused where a tree of it is not there', async () => {
    const record = recordOf('one', [{ id: 'tool', destination: 'tool', digest: sha256('') }]);
    await expect(publishRecord(root, record)).rejects.toThrow(/trees tool-\w+ are not in the store/);
    expect(await listReleases(root)).toEqual([]);
  });

  test('is refused with a script that is not the one in the record', async () => {
    const run = newRunId();
    const staging = await openStaging(root, run);
    const publication = { root, run, record: recordOf('one', []), flusher: createFlusher(root) };
    for (const scripts of [
      [],
      [{ ...someScript, content: Buffer.from('x') }],
      [someScript, { path: 'more', content: Buffer.of() }],
    ])
      await expect(publishRelease({ ...publication, scripts })).rejects.toMatchObject({ code: 'STORE_INVALID' });
    await staging.close();
  });

  test('is listed oldest first', async () => {
    const late = await addRelease(root, 'late', [], 9);
    const early = await addRelease(root, 'early', [], 3);
    expect((await listReleases(root)).map((record) => record.release)).toEqual([early, late]);
  });

  test('with a damaged record is an error that names the file', async () => {
    const release = await addRelease(root, 'one', []);
    const path = storePaths(root).releaseRecord(release);
    for (const damage of ['', '{"format":2}', '{}', 'null']) {
      await writeFile(path, damage);
      await expect(listReleases(root)).rejects.toMatchObject({ code: 'STORE_INVALID', context: { path } });
    }
  });
});

describe('current', () => {
  test('is nothing, then the release that it was set to, then the next', async () => {
    const [one, two] = [await addRelease(root, 'one', []), await addRelease(root, 'two', [])];
    expect(await currentRelease(root)).toBeUndefined();
    await setCurrent(root, one);
    await setCurrent(root, two);
    expect(await currentRelease(root)).toBe(two);
    expect(await readlink(join(root, 'current'))).toBe(`releases/${two}`);
    expect(await leftovers(root)).toEqual([]);
  });

  test.each(['0123456789abcdef', '../../etc'])('is not set to %s, which is not there', async (id) => {
    await addRelease(root, 'one', []);
    await expect(setCurrent(root, id)).rejects.toMatchObject({ code: 'RELEASE_UNKNOWN' });
    expect(await currentRelease(root)).toBeUndefined();
  });
});

/**
 * The conformance of publication: whichever system call fails, and at whichever of its uses, what is visible is whole,
 * and the same work done again ends as if nothing had been.
 */
describe('when a system call goes wrong', () => {
  const errnos = ['EIO', 'ENOSPC', 'ESTALE'] as const;

  /** Lets the `nth` use of a call fail, before it is carried out or after. @returns whether it came to that */
  function failOnce(call: keyof typeof calls, nth: number, code: string, carriedOut = call === 'close'): () => boolean {
    const original = calls[call] as (...args: unknown[]) => Promise<unknown>;
    let uses = 0;
    vi.spyOn(calls, call).mockImplementation(async (...args: unknown[]): Promise<never> => {
      uses += 1;
      if (uses !== nth) return original(...args) as Promise<never>;
      if (carriedOut) await original(...args);
      throw Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call });
    });
    return () => uses >= nth;
  }

  async function publishAll(flusher: Flusher): Promise<string> {
    const run = newRunId();
    const staging = await openStaging(root, run);
    try {
      const folder = join(staging.folder, name);
      const entries = await writeTree(folder, someFiles);
      const { digest } = await publishTree({ root, run, name, folder, entries, flusher });
      const record = recordOf('one', [{ id: 'tool', destination: 'opt/tool', digest }]);
      await publishRelease({ root, run, record, scripts: [someScript], flusher });
      await setCurrent(root, record.release);
      return record.release;
    } finally {
      await staging.close();
    }
  }

  const uses: [keyof typeof calls, number][] = [
    ['mkdir', 11],
    ['create', 4],
    ['write', 4],
    ['size', 4],
    ['openToSync', 14],
    ['sync', 14],
    ['close', 4],
    ['symlink', 2],
    ['link', 1],
    ['rename', 3],
  ];

  test.each<[keyof typeof calls, number, string, boolean]>([
    ...uses.map(([call, atLeast]): [keyof typeof calls, number, string, boolean] => [
      call,
      atLeast,
      'fails',
      call === 'close',
    ]),
    ['symlink', 2, 'is carried out, and its answer is lost', true],
    ['link', 1, 'is carried out, and its answer is lost', true],
    ['rename', 3, 'is carried out, and its answer is lost', true],
  ])(
    '%s (each of its %i or more uses) %s, what is visible is whole, and a retry succeeds',
    async (call, atLeast, _, carriedOut) => {
      const flusher = fsyncOnly();
      let failures = 0;
      for (let nth = 1; ; nth += 1) {
        // An open to flush is a read, and is repeated after ESTALE.
        const possible = call === 'openToSync' ? errnos.filter((errno) => errno !== 'ESTALE') : errnos;
        const code = possible[nth % possible.length] ?? 'EIO';
        const failed = failOnce(call, nth, code, carriedOut);
        const outcome = await publishAll(flusher).catch((error: unknown) => error);
        vi.restoreAllMocks();
        if (!failed()) break;
        failures += 1;
        expect(outcome).toMatchObject({ code: code === 'ENOSPC' ? 'DISK_FULL' : 'STORE_IO' });
        const report = await verifyStore(root, { deep: true });
        expect(report.differences).toEqual([]);
        for (const tree of await hasTrees(root, [name])) await readTree(root, tree);

        const release = await publishAll(flusher);
        expect(await currentRelease(root)).toBe(release);
        expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
        await collectLeftovers(root);
        expect(await readdir(storePaths(root).staging)).toEqual([]);
        await remove();
        ({ root, remove } = await temporaryRoot());
      }
      expect(failures).toBeGreaterThanOrEqual(atLeast);
    },
  );

  test.each(['create', 'write', 'size', 'sync', 'close', 'rename'] as const)(
    '%s, a published file is the old one still',
    async (call) => {
      await openStaging(root, newRunId());
      const path = join(root, 'file');
      await publishFile(path, 'old');
      failOnce(call, 1, 'EIO');
      await expect(publishFile(path, 'new')).rejects.toMatchObject({ code: 'STORE_IO', context: { errno: 'EIO' } });
      vi.restoreAllMocks();
      expect(await readFile(path, 'utf8')).toBe('old');
      await publishFile(path, 'new');
      expect(await readFile(path, 'utf8')).toBe('new');
      expect((await leftovers(root)).filter((item) => item.includes('.tmp-'))).toEqual([]);
    },
  );
});

describe('what is built on a name comes after that name is flushed', () => {
  /** The folders that are flushed and the names that are given, in their order. */
  function watched(): string[] {
    const seen: string[] = [];
    const { openToSync, rename } = calls;
    vi.spyOn(calls, 'openToSync').mockImplementation((path) => {
      seen.push(`flush ${path.slice(root.length + 1) || '.'}`);
      return openToSync(path);
    });
    vi.spyOn(calls, 'rename').mockImplementation((from, to) => {
      seen.push(`name ${to.slice(root.length + 1)}`);
      return rename(from, to);
    });
    return seen;
  }

  test('a release after its trees, whose publisher may have been killed before it flushed them', async () => {
    const { digest } = await addTree(root, name);
    const seen = watched();
    const record = recordOf('one', [{ id: 'tool', destination: 'opt/tool', digest }]);
    await publishRecord(root, record);
    expect(seen.slice(seen.indexOf('flush trees'))).toEqual([
      'flush trees',
      `name releases/${record.release}`,
      'flush releases',
    ]);
  });

  test('current after its release, likewise', async () => {
    const release = await addRelease(root, 'one', []);
    const seen = watched();
    await setCurrent(root, release);
    expect(seen).toEqual(['flush releases', 'name current', 'flush .']);
  });

  test('what is in a new store after the folders of the store', async () => {
    const flushed: string[] = [];
    const { openToSync } = calls;
    vi.spyOn(calls, 'openToSync').mockImplementation((path) => {
      flushed.push(path);
      return openToSync(path);
    });
    await openStaging(root, newRunId());
    expect(flushed).toEqual([join(root, '..'), root, root, root]);
  });
});

describe('modes', () => {
  test.each([0o000, 0o077, 0o277, 0o777])('do not depend on the umask %o', async (mask) => {
    const before = process.umask(mask);
    try {
      const release = await addRelease(root, 'one', ['tool']);
      await setCurrent(root, release);
      await publishFile(join(root, 'file'), 'x', { mode: 0o640 });
    } finally {
      process.umask(before);
    }
    expect(await permissions(join(root, 'file'))).toBe(0o640);
    expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
    for (const folder of ['', 'trees', 'releases', '.staging'])
      expect(await permissions(join(root, folder))).toBe(0o755);
  });
});

test('free space is told before the root exists', async () => {
  const { bytes } = await spaceAvailable(join(root, 'not/made/yet'));
  expect(bytes).toBeGreaterThan(0);
});
