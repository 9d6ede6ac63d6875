import { mkdir, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addRelease, addTree, leftovers, temporaryRoot, treeName } from '../../test/small-stores.js';
import { acquireLease, type Lease } from './lease.js';
import { newRunId, storePaths } from './paths.js';
import { executePrune, planPrune } from './prune.js';
import { currentRelease, listReleases, setCurrent } from './releases.js';
import type { PrunePlan } from './report.js';
import { calls } from './system-calls.js';
import { hasTrees } from './trees.js';
import { verifyStore } from './verify.js';

let root: string;
let remove: () => Promise<void>;
/** Releases of a shared package and one of their own, by name, oldest first. */
let ids: Record<'a' | 'b' | 'c' | 'd', string>;

beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
  ids = {
    a: await addRelease(root, 'a', ['shared', 'own-a'], 1),
    b: await addRelease(root, 'b', ['shared', 'own-b'], 2),
    c: await addRelease(root, 'c', ['own-c'], 3),
    d: await addRelease(root, 'd', ['own-d'], 4),
  };
});
afterEach(async () => {
  vi.restoreAllMocks();
  await remove();
});

const named = (releases: readonly { release: string }[]) =>
  releases.map(({ release }) => Object.entries(ids).find(([, id]) => id === release)?.[0] ?? release).join('');
const prune = (plan: PrunePlan, protect = new Map<string, string>()) =>
  executePrune(root, newRunId(), plan, { protect });
const names = (plan: PrunePlan) => plan.trees.map(({ tree }) => tree.replace(/-[0-9a-f]{16}$/, ''));

describe('a plan', () => {
  test.each([
    [4, undefined, '', 'abcd', []],
    [9, undefined, '', 'abcd', []],
    [2, undefined, '', 'cd', ['own-a', 'own-b', 'shared']],
    [1, undefined, '', 'd', ['own-a', 'own-b', 'own-c', 'shared']],
    [0, undefined, '', '', ['own-a', 'own-b', 'own-c', 'own-d', 'shared']],
    [2, 'd', '', 'cd', ['own-a', 'own-b', 'shared']],
    [2, 'a', '', 'ad', ['own-b', 'own-c']],
    [1, 'a', '', 'a', ['own-b', 'own-c', 'own-d']],
    [0, 'b', '', 'b', ['own-a', 'own-c', 'own-d']],
    [1, 'd', 'a', 'ad', ['own-b', 'own-c']],
    [1, 'd', 'abc', 'abcd', []],
    [2, 'd', 'd', 'cd', ['own-a', 'own-b', 'shared']],
  ] as const)(
    'to keep %i, with %s current and "%s" protected, keeps "%s" and removes the trees %j',
    async (keep, current, protect, kept, trees) => {
      if (current) await setCurrent(root, ids[current]);
      const deployed = new Map([...protect].map((name) => [ids[name as 'a'], 'deployed']));
      const plan = await planPrune(root, { keep, protect: deployed });
      expect(named(plan.keep)).toBe(kept);
      expect(named(plan.remove)).toBe([...'abcd'].filter((name) => !kept.includes(name)).join(''));
      expect(names(plan)).toEqual(trees);
      expect(plan.bytes).toBe(plan.trees.reduce((sum, tree) => sum + tree.bytes, 0));

      await prune(plan);
      expect(named(await listReleases(root))).toBe(kept);
      expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
      expect(
        await hasTrees(
          root,
          plan.trees.map(({ tree }) => tree),
        ),
      ).toEqual(new Set());
      expect(await leftovers(root)).toEqual([]);
    },
  );

  test('says why each release is kept, and what its trees weigh', async () => {
    await setCurrent(root, ids.a);
    const plan = await planPrune(root, { keep: 2, protect: new Map([[ids.b, 'deployed on api-0']]) });
    expect(plan.keep).toEqual([
      { release: ids.a, reason: 'current' },
      { release: ids.b, reason: 'deployed on api-0' },
      { release: ids.d, reason: 'one of the 2 newest' },
    ]);
    expect(plan.trees).toEqual([{ tree: treeName('own-c'), bytes: 36 }]);
  });

  test('has the trees that no release holds, whole or not', async () => {
    await addTree(root, treeName('failed'));
    await mkdir(storePaths(root).tree(treeName('bare')));
    await writeFile(storePaths(root).manifest(treeName('orphan')), '#mtree\n');
    const plan = await planPrune(root, { keep: 4, protect: new Map() });
    expect(names(plan)).toEqual(['bare', 'failed', 'orphan']);
    await prune(plan);
    expect((await readdir(storePaths(root).trees)).filter((name) => /bare|failed|orphan/.test(name))).toEqual([]);
  });

  test('leaves alone what a preparation that is at work has finished', async () => {
    await addTree(root, treeName('fresh'));
    const lease = await acquireLease(storePaths(root).lock, { run: 'r', purpose: 'prepare' }, { wait: false });
    const plan = await planPrune(root, { keep: 3, protect: new Map() });
    await lease.release();
    expect(names(plan)).toEqual(['own-a']);
  });

  test('cannot be made while a record is damaged, because it is not known what that holds', async () => {
    await writeFile(storePaths(root).releaseRecord(ids.a), '{');
    await expect(planPrune(root, { keep: 1, protect: new Map() })).rejects.toMatchObject({ code: 'STORE_INVALID' });
  });

  test('of a store that is not there is empty', async () => {
    const nothing = { keep: [], remove: [], trees: [], aside: [], bytes: 0 };
    expect(await planPrune(`${root}-2`, { keep: 1, protect: new Map() })).toEqual(nothing);
  });
});

describe('a prune', () => {
  const planFor = (keep: number) => planPrune(root, { keep, protect: new Map() });

  test('is refused while a preparation is at work', async () => {
    const plan = await planFor(1);
    const lease = await acquireLease(storePaths(root).lock, { run: 'r', purpose: 'prepare' }, { wait: false });
    await expect(prune(plan)).rejects.toMatchObject({ code: 'LOCKED' });
    await lease.release();
    expect(named(await listReleases(root))).toBe('abcd');
  });

  test('spares what has become current or protected since it was planned, with its trees', async () => {
    const plan = await planFor(1);
    await setCurrent(root, ids.a);
    await prune(plan, new Map([[ids.b, 'deployed']]));
    expect(named(await listReleases(root))).toBe('abd');
    expect(await currentRelease(root)).toBe(ids.a);
    expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
  });

  test('spares a tree that a release came to hold since it was planned', async () => {
    const plan = await planFor(1);
    const fresh = await addRelease(root, 'e', ['shared'], 5);
    await prune(plan);
    expect((await listReleases(root)).map((record) => record.release)).toEqual([ids.d, fresh]);
    expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
  });

  test('that stops at any of its renames leaves what is visible whole, and the next one ends it', async () => {
    const plan = await planFor(1);
    const rename = calls.rename;
    let ended = false;
    for (let nth = 1; !ended; nth += 1) {
      let uses = 0;
      vi.spyOn(calls, 'rename').mockImplementation(async (from, to) => {
        const isThePrunes = !from.endsWith('.lock');
        if (isThePrunes) uses += 1;
        if (isThePrunes && uses === nth)
          throw Object.assign(new Error('EIO: injected'), { code: 'EIO', syscall: 'rename' });
        await rename(from, to);
      });
      ended = await prune(plan).then(
        () => true,
        () => false,
      );
      vi.restoreAllMocks();
      expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
    }
    expect(named(await listReleases(root))).toBe('d');
    expect((await readdir(storePaths(root).trees)).sort()).toEqual([treeName('own-d'), `${treeName('own-d')}.mtree`]);
    expect(await leftovers(root)).toEqual([]);
  });

  test.each(['release', 'tree'])(
    'whose lock was deleted, and taken by another, before a %s went, says so',
    async (what) => {
      const plan = await planFor(1);
      const rename = calls.rename;
      let other: Promise<Lease> | undefined;
      vi.spyOn(calls, 'rename').mockImplementation(async (from, to) => {
        if (other === undefined && from.includes(`/${what}s/`)) {
          const { lock, staging } = storePaths(root);
          await unlink(lock);
          other = acquireLease(lock, { run: 'other', purpose: 'prepare' }, { wait: false });
          await other;
          // What a preparation on another machine collects first.
          for (const run of await readdir(staging)) await rm(join(staging, run), { recursive: true });
        }
        await rename(from, to);
      });
      await expect(prune(plan)).rejects.toMatchObject({ code: 'LEASE_LOST', hint: expect.stringContaining('again') });
      vi.restoreAllMocks();
      await (await other)?.release();
      await prune(plan);
      expect(named(await listReleases(root))).toBe('d');
      expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
    },
  );

  test('removes a tree that is damaged', async () => {
    const plan = await planFor(1);
    await unlink(storePaths(root).manifest(treeName('own-a')));
    await prune(plan);
    expect(await readdir(storePaths(root).trees)).not.toContain(treeName('own-a'));
  });
});
