import { forEachBounded, SharedLimit } from '../core/bounded.js';
import { asPrestageError, PrestageError } from '../core/errors.js';
import type { PreparedIn } from '../core/events.js';
import { rereading } from '../core/rereading.js';
import { inputsOf, type PackagePlan } from '../plan/index.js';
import type { Retry } from '../remote/index.js';
import {
  acquireLease,
  collectLeftovers,
  createFlusher,
  hasTrees,
  listReleases,
  openStaging,
  publishRelease,
  type ReleaseRecord,
  readRelease,
  readTreeSummary,
  storePaths,
} from '../store/index.js';
import { demandInput, readScripts } from './inputs.js';
import type { PrepareOptions } from './options.js';
import { PackageFailures } from './package-failures.js';
import { type PreparedPackage, preparePackage, type Workshop } from './prepare-package.js';
import { Remotes } from './sources/remotes.js';
import { demandSpace, measurePackage, type Need } from './space.js';

/**
 * Prepares a release: what is in the store already is taken as it is, the rest is prepared and published, each package as
 * soon as it is done, and last the release. Killed at any moment and started again, it ends in the same place.
 *
 * @throws the failures of all packages, each with its package and step; what was published stays. With `failFast`, and where
 * the failure is none of one package alone (DISK_FULL, STORE_IO), the first one, and then the others were stopped.
 * LOCKED, LEASE_LOST, DISK_FULL; the signal's reason.
 */
export async function prepareRelease(options: PrepareOptions): Promise<ReleaseRecord> {
  const { root, plan, run, wait, emit } = options;
  const ready = await completeRelease(options);
  if (ready !== undefined) return ready;

  const lease = await acquireLease(
    storePaths(root).lock,
    { run, purpose: 'prepare', release: plan.release },
    {
      wait,
      signal: options.signal,
      onWait: (holder) =>
        emit({ type: 'notice', message: `Waiting for run ${holder?.run ?? 'unknown'}, which holds the store's lock.` }),
    },
  );
  const signal = AbortSignal.any([options.signal, lease.lost]);
  try {
    // The run that was waited for may have prepared just this.
    return (await completeRelease(options)) ?? (await prepareWithLease({ ...options, signal }));
  } catch (error) {
    signal.throwIfAborted();
    // What is gone, or not as we left it, was perhaps collected by the run that has the lock now.
    if (error instanceof PrestageError && /^STORE_(IO|INVALID)$/.test(error.code)) await lease.confirm(error);
    throw error;
  } finally {
    await lease.release().catch(() => {}); // it runs out by itself, and is then broken by whoever wants it
  }
}

/** The record alone does not make a release: a tree that somebody removed is prepared again. */
async function completeRelease({ root, plan, replace }: PrepareOptions): Promise<ReleaseRecord | undefined> {
  if (replace !== undefined) return undefined;
  const record = await readRelease(root, plan.release);
  if (record === undefined) return undefined;
  const names = plan.packages.map(({ tree }) => tree);
  return (await hasTrees(root, names)).size === new Set(names).size ? record : undefined;
}

async function prepareWithLease(options: PrepareOptions): Promise<ReleaseRecord> {
  const { root, plan, inputs, emit, signal } = options;
  const started = performance.now();
  const removed = await collectLeftovers(root);
  if (removed > 0) emit({ type: 'store.collected', removed });

  const reused = await reuseTrees(options);
  const missing = plan.packages.filter(({ id }) => !reused.has(id));
  const failures = new PackageFailures(options);
  // What is found wrong now is told before minutes of work on others.
  for (const item of missing)
    await failures.attempt(item, async () => {
      for (const input of inputsOf(item)) await demandInput(inputs, input);
    });
  failures.throwAny(missing);
  const remotes = new Remotes();
  try {
    const onRetry = ({ reason }: Retry) => emit({ type: 'notice', message: `Retrying: ${reason}` });
    const scripts = await readScripts({ inputs, remotes, retry: { signal, onRetry } }, plan.scripts, root);
    const needs = await measureAll(missing, options, failures);
    const forecast = await demandSpace(root, [...needs.values()]);
    if (needs.size > 0) emit({ type: 'store.measured', ...forecast, ...(await lastPreparation(root)) });
    signal.throwIfAborted();
    return await makeRelease(options, { started, reused, needs, scripts, remotes, failures });
  } finally {
    await remotes.close();
  }
}

/** What the last preparation in this store was, where that is known: this one may take as long. */
async function lastPreparation(root: string): Promise<{ last?: PreparedIn }> {
  // A damaged record is told by those who need it.
  const records = await listReleases(root).catch(() => []);
  const last = records.findLast(({ prepared }) => prepared !== undefined && prepared.packages > 0)?.prepared;
  return last === undefined ? {} : { last };
}

interface Ingredients {
  /** By performance.now(). */
  started: number;
  reused: ReadonlyMap<string, PreparedPackage>;
  needs: ReadonlyMap<PackagePlan, Need>;
  scripts: { path: string; content: Uint8Array }[];
  remotes: Remotes;
  failures: PackageFailures;
}

async function makeRelease(
  options: PrepareOptions,
  { started, reused, needs, scripts, remotes, failures }: Ingredients,
): Promise<ReleaseRecord> {
  const { root, plan, inputs, run, emit, signal, replace } = options;
  const staging = await openStaging(root, run);
  const flusher = createFlusher(root);
  const endFlushing = flusher.flushAhead();
  try {
    const replaced = new Set(replace?.trees);
    const shop = { root, run, staging: staging.folder, inputs, remotes, flusher, emit, signal, replaced };
    const prepared = await prepareAll(needs, shop, failures);
    signal.throwIfAborted();
    failures.throwAny(plan.packages);
    const bytes = [...prepared.values()].reduce((sum, each) => sum + each.bytes, 0);
    const work = { packages: prepared.size, bytes, durationMs: Math.round(performance.now() - started) };
    const record = { ...recordOf(options, new Map([...reused, ...prepared])), prepared: work };
    await publishRelease({ root, run, record, scripts, flusher, replace: replace?.release ?? false });
    emit({ type: 'release.published', release: plan.release, packages: plan.packages.length });
    return record;
  } finally {
    endFlushing();
    // What cannot be removed now is a leftover for the next run.
    await staging.close().catch((error) => emit({ type: 'warning', message: asPrestageError(error).message }));
  }
}

/** The plan's packages whose trees are in the store, by id. */
async function reuseTrees({ root, plan, emit, replace }: PrepareOptions): Promise<Map<string, PreparedPackage>> {
  const there = await hasTrees(
    root,
    plan.packages.map(({ tree }) => tree).filter((tree) => !replace?.trees.includes(tree)),
  );
  const reused = new Map<string, PreparedPackage>();
  for (const { id, destination, tree, digest: recipe } of plan.packages.filter((item) => there.has(item.tree))) {
    const summary = await readTreeSummary(root, tree);
    reused.set(id, { id, destination, tree, recipe, ...summary });
    emit({ type: 'package.published', package: id, tree, reused: true, durationMs: 0, ...summary });
  }
  return reused;
}

/** Files that are looked into at once. */
const MEASURED_AT_ONCE = 16;

async function measureAll(
  packages: readonly PackagePlan[],
  { inputs }: PrepareOptions,
  failures: PackageFailures,
): Promise<Map<PackagePlan, Need>> {
  const needs = new Map<PackagePlan, Need>();
  const measure = (plan: PackagePlan) =>
    failures.attempt(plan, async () => {
      needs.set(plan, await rereading(() => measurePackage(plan, inputs)));
    });
  await forEachBounded(packages, MEASURED_AT_ONCE, measure);
  failures.throwAny(packages);
  return needs;
}

/** Four large packages at once, or sixteen small ones: the former are bound by bandwidth, the latter by round trips. */
const CAPACITY = 16;
const LARGEST_WEIGHT = 4;
const BYTES_PER_WEIGHT = 16 * 1024 * 1024;

/** The largest first, so that none of them is left to run alone at the end. */
async function prepareAll(
  needs: ReadonlyMap<PackagePlan, Need>,
  shop: Workshop,
  failures: PackageFailures,
): Promise<Map<string, PreparedPackage>> {
  const signal = AbortSignal.any([shop.signal, failures.signal]);
  const limit = new SharedLimit(CAPACITY);
  const prepared = new Map<string, PreparedPackage>();
  const largestFirst = [...needs].sort(([, a], [, b]) => b.bytes - a.bytes);
  const work = largestFirst.map(([plan, need]) => {
    const prepare = () =>
      failures.attempt(plan, async () => {
        if (!signal.aborted) prepared.set(plan.id, await preparePackage(plan, need, { ...shop, signal }));
      });
    return limit.run(prepare, Math.min(LARGEST_WEIGHT, 1 + Math.floor(need.bytes / BYTES_PER_WEIGHT)));
  });
  await Promise.all(work);
  shop.signal.throwIfAborted();
  return prepared;
}

function recordOf({ plan, createdBy }: PrepareOptions, packages: ReadonlyMap<string, PreparedPackage>): ReleaseRecord {
  return {
    format: 1,
    release: plan.release,
    digest: plan.digest,
    name: plan.name,
    createdAt: new Date().toISOString(),
    createdBy,
    packages: plan.packages.flatMap(({ id, recipe }) => {
      const prepared = packages.get(id);
      return prepared ? [{ ...prepared, recipeContent: recipe }] : [];
    }),
    scripts: plan.scripts,
  };
}
