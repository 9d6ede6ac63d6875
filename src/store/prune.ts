import { join } from 'node:path';
import { mapBounded } from '../core/bounded.js';
import { asPrestageError, errnoOf } from '../core/errors.js';
import { acquireLease, inspectLease } from './lease.js';
import { MANIFEST_SUFFIX, type StorePaths, storePaths } from './paths.js';
import { move } from './place.js';
import { flushFolder } from './publish-file.js';
import { IN_FLIGHT } from './reading.js';
import type { ReleaseRecord } from './release-record.js';
import { currentRelease, listReleases } from './releases.js';
import { removeAll } from './remove.js';
import type { PrunePlan } from './report.js';
import { listAside } from './set-aside.js';
import { collectLeftovers, openStaging } from './staging.js';
import { readTreeSummary, treeNames } from './trees.js';

/** What a store holds, as far as pruning goes by it. */
export interface Prunable {
  records: readonly ReleaseRecord[];
  current: string | undefined;
  /** Names of trees, in code-unit order. */
  trees: readonly string[];
  /** Whether a preparation is at work. */
  busy: boolean;
  /** What was moved out of the way; where it is known. */
  aside?: PrunePlan['aside'];
}

export interface PruneOptions {
  /** How many of the newest releases stay. */
  keep: number;
  /** Releases that stay besides those, with the reason. */
  protect: ReadonlyMap<string, string>;
}

/**
 * What of a store may go.
 *
 * @throws STORE_INVALID where a record is damaged: what it holds is not known then.
 */
export async function planPrune(root: string, options: PruneOptions): Promise<PrunePlan> {
  const [records, current, trees, lock, aside] = await Promise.all([
    listReleases(root),
    currentRelease(root),
    treeNames(root),
    inspectLease(storePaths(root).lock),
    listAside(root),
  ]);
  const held = { records, current, trees, busy: lock?.alive ?? false, aside };
  return choosePrunable(held, options, (tree) => sizeOf(root, tree));
}

/**
 * What may go. Kept are the `keep` newest releases, `current` counting as one of them whatever its age, and besides
 * those the ones in `protect`, each with the reason that is given there. A tree is kept while a kept release holds it.
 * Trees that no release holds are the finished part of a preparation that failed: they go, unless one is at work now.
 */
export async function choosePrunable(
  { records, current, trees: names, busy, aside = [] }: Prunable,
  options: PruneOptions,
  sizeOf: (tree: string) => Promise<number>,
): Promise<PrunePlan> {
  const reasons = reasonsToKeep(records, current, options);
  const kept = records.filter((record) => reasons.has(record.release));
  const removed = records.filter((record) => !reasons.has(record.release));
  const keptTrees = treesOf(kept);
  const candidates = busy ? treesOf(removed) : new Set(names);
  const free = names.filter((name) => candidates.has(name) && !keptTrees.has(name));
  const trees = await mapBounded(free, IN_FLIGHT, async (tree) => ({ tree, bytes: await sizeOf(tree) }));
  return {
    keep: kept.map(({ release }) => ({ release, reason: reasons.get(release) ?? '' })),
    remove: removed.map(({ release, createdAt }) => ({ release, createdAt })),
    trees,
    aside,
    bytes: [...trees, ...aside].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function reasonsToKeep(
  records: readonly ReleaseRecord[],
  current: string | undefined,
  { keep, protect }: PruneOptions,
): Map<string, string> {
  const others = records.filter((record) => record.release !== current);
  const room = Math.max(0, keep - (others.length < records.length ? 1 : 0));
  const reasons = new Map<string, string>();
  for (const { release } of room > 0 ? others.slice(-room) : []) reasons.set(release, `one of the ${keep} newest`);
  for (const [release, reason] of protect) reasons.set(release, reason);
  if (current !== undefined) reasons.set(current, 'current');
  return reasons;
}

function treesOf(records: readonly ReleaseRecord[]): Set<string> {
  return new Set(records.flatMap((record) => record.packages.map((item) => item.tree)));
}

/** 0 where the manifest does not tell: a tree that goes need not be whole. */
async function sizeOf(root: string, tree: string): Promise<number> {
  return (await readTreeSummary(root, tree).catch(() => undefined))?.bytes ?? 0;
}

/**
 * Removes what the plan says, as far as it still may go: not what has become current or is in `protect`, and no tree that
 * a remaining release holds. It takes the store's lock, so that no preparation counts on what goes away. All is moved
 * out of sight first, releases before their trees, and deleted then: after a crash at any moment, what is visible is
 * whole, and the next run collects the rest.
 *
 * @param run a fresh run id (`newRunId`)
 * @throws LOCKED where a preparation is at work and `wait` is false; LEASE_LOST; the signal's reason; STORE_INVALID, STORE_UNWRITABLE, STORE_IO
 */
export async function executePrune(
  root: string,
  run: string,
  plan: PrunePlan,
  options: { protect?: ReadonlyMap<string, string>; signal?: AbortSignal; wait?: boolean } = {},
): Promise<void> {
  const paths = storePaths(root);
  const { wait = false, signal: stop } = options;
  const lease = await acquireLease(paths.lock, { run, purpose: 'prune' }, { wait, ...(stop ? { signal: stop } : {}) });
  const signal = stop ? AbortSignal.any([stop, lease.lost]) : lease.lost;
  try {
    const staging = await openStaging(root, run);
    try {
      await hideReleases(paths, staging.folder, plan, { ...options, signal });
      await hideTrees(paths, staging.folder, plan, signal);
    } finally {
      await staging.close();
    }
    signal.throwIfAborted();
    await removeAll(paths.aside);
    await collectLeftovers(root);
    // What was not where it is hidden was taken for gone already.
    await lease.confirm();
  } catch (error) {
    throw signal.aborted ? signal.reason : asPrestageError(error, { path: root });
  } finally {
    await lease.release();
  }
}

async function hideReleases(
  paths: StorePaths,
  hidden: string,
  plan: PrunePlan,
  { protect = new Map(), signal }: { protect?: ReadonlyMap<string, string>; signal: AbortSignal },
): Promise<void> {
  const current = await currentRelease(paths.root);
  for (const { release } of plan.remove) {
    signal.throwIfAborted();
    if (release === current || protect.has(release)) continue;
    await hide(paths.release(release), join(hidden, `release-${release}`));
  }
  await flushFolder(paths.releases);
}

async function hideTrees(paths: StorePaths, hidden: string, plan: PrunePlan, signal: AbortSignal): Promise<void> {
  const held = treesOf(await listReleases(paths.root));
  for (const { tree } of plan.trees) {
    signal.throwIfAborted();
    if (held.has(tree)) continue;
    await hide(paths.tree(tree), join(hidden, `tree-${tree}`));
    await hide(paths.manifest(tree), join(hidden, `tree-${tree}${MANIFEST_SUFFIX}`));
  }
  await flushFolder(paths.trees);
}

async function hide(path: string, hidden: string): Promise<void> {
  try {
    await move(path, hidden);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error; // gone already: an earlier prune did not come to its end
  }
}
