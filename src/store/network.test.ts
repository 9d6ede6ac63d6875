import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LatencyOptions, mountLatency } from '../../test/latencyfs/mount.js';
import { lacks } from '../../test/requirements.js';
import { addRelease, leftovers, temporaryRoot, treeName } from '../../test/small-stores.js';
import { asPrestageError } from '../core/errors.js';
import { acquireLease } from './lease.js';
import { newRunId, storePaths } from './paths.js';
import { placeFile } from './place.js';
import { executePrune, planPrune } from './prune.js';
import { listReleases, setCurrent } from './releases.js';
import { collectLeftovers } from './staging.js';
import { hasTrees } from './trees.js';
import { verifyStore } from './verify.js';

const EMFILE = 24;
const ENOSPC = 28;
const ESTALE = 116;
const EDQUOT = 122;

const unmounts: (() => Promise<unknown>)[] = [];
let backing: string;
beforeEach(async () => {
  backing = await mkdtemp(join(tmpdir(), 'prestage-slow-'));
});
afterEach(async () => {
  for (const unmount of unmounts.splice(0)) await unmount();
  await rm(backing, { recursive: true, force: true });
});

async function mount(options: LatencyOptions = {}) {
  const mounted = await mountLatency(backing, options);
  unmounts.push(mounted.unmount);
  return {
    root: join(mounted.folder, 'root'),
    async unmount() {
      unmounts.pop();
      return mounted.unmount();
    },
  };
}

/** The same files, without latency and faults. */
const behind = () => join(backing, 'root');

async function publish(root: string): Promise<string> {
  const release = await addRelease(root, 'one', ['a', 'b']);
  await setCurrent(root, release);
  return release;
}

async function life(root: string): Promise<void> {
  const lease = await acquireLease(storePaths(root).lock, { run: 'r', purpose: 'prepare' }, { wait: false });
  await collectLeftovers(root);
  const old = await addRelease(root, 'old', ['a', 'b'], 1);
  const release = await addRelease(root, 'new', ['b', 'c'], 2);
  await setCurrent(root, old);
  await setCurrent(root, release);
  await lease.release();
  expect(await verifyStore(root, { deep: true })).toMatchObject({ differences: [], releases: [old, release].sort() });
  await executePrune(root, newRunId(), await planPrune(root, { keep: 1, protect: new Map() }));
  expect((await listReleases(root)).map((record) => record.release)).toEqual([release]);
  expect(
    await hasTrees(
      root,
      ['a', 'b', 'c'].map((id) => treeName(id)),
    ),
  ).toEqual(new Set(['b', 'c'].map((id) => treeName(id))));
  expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
  expect(await leftovers(root)).toEqual([]);
}

describe('a store lives through publication, rollback and prune', () => {
  test('on a local disk', async () => {
    const { root, remove } = await temporaryRoot();
    await life(root);
    await remove();
  });

  test.skipIf(lacks('fuse', 'gcc'))('on a file system with a round trip of 1 ms', async () => {
    const { root, unmount } = await mount();
    await life(root);
    await unmount();
    expect((await verifyStore(behind(), { deep: true })).differences).toEqual([]);
  });
});

// Each operation with each errno: test/faults/.
describe.skipIf(lacks('fuse', 'gcc'))('on a file system that fails', () => {
  test.each([
    ['it is full', ENOSPC],
    ['a quota is used up', EDQUOT],
  ])('because %s, the error says so', async (_, errno) => {
    const { root, unmount } = await mount({ rttUs: 0, fail: { op: 'write', errno, after: 3, count: 0 } });
    const error = await publish(root).catch((error: unknown) => error);
    await unmount();
    expect(asPrestageError(error)).toMatchObject({ code: 'DISK_FULL' });
    expect((await verifyStore(behind(), { deep: true })).differences).toEqual([]);
  });

  test.each(
    ['open', 'read', 'getattr', 'readdir'].flatMap((op) => [
      [op, 'ESTALE', ESTALE] as const,
      [op, 'EMFILE', EMFILE] as const,
    ]),
  )('%s with %s a few times, reading goes on', async (op, _, errno) => {
    const release = await publish(behind());
    for (const after of [0, 10]) {
      const { root, unmount } = await mount({ rttUs: 0, fail: { op, errno, after, count: 2 } });
      expect(await verifyStore(root, { deep: true })).toMatchObject({ releases: [release], differences: [] });
      await unmount();
    }
  });
});

test.skipIf(lacks('fuse', 'gcc'))(
  'never takes the name of another file whose inode number differs beyond 2^53',
  async () => {
    for (const name of ['ours', 'theirs']) await writeFile(join(backing, name), name);
    const { root, unmount } = await mount({ rttUs: 0, farInodes: true });
    const [ours, theirs] = ['ours', 'theirs'].map((name) => join(dirname(root), name)) as [string, string];
    expect((await lstat(ours)).ino).toBe((await lstat(theirs)).ino);
    expect(await placeFile(ours, theirs)).toBe(false);
    expect(await placeFile(ours, ours)).toBe(true);
    expect(await readFile(theirs, 'utf8')).toBe('theirs');
    await unmount();
  },
);

describe.skipIf(lacks('fuse', 'gcc'))('detection walks nothing: it asks for names, a few times each', () => {
  async function detect(names: readonly string[]) {
    const { root, unmount } = await mount({ rttUs: 0 });
    const { size } = await hasTrees(root, names);
    const counts = await unmount();
    return { size, listings: counts.get('readdir') ?? 0, looks: counts.get('getattr') ?? 0 };
  }
  const two = ['a', 'b'].map((id) => treeName(id));

  test('and lists nothing where all is there', async () => {
    await publish(behind());
    expect(await detect(two)).toMatchObject({ size: 2, listings: 0 });
  });

  test('and lists the root and its trees once where some are not there, however many', async () => {
    await publish(behind());
    const names = [...two, ...Array.from({ length: 50 }, (_, index) => treeName(`no-${index}`))];
    const { looks, ...found } = await detect(names);
    expect(found).toEqual({ size: 2, listings: 2 });
    expect(looks).toBeLessThan(3 * names.length);
  });
});
