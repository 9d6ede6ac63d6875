import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asPrestageError, PrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { rm } from '../core/held-files.js';
import { repeating } from '../core/rereading.js';
import { type InputLocation, type InputLocations, isRemote, type PackagePlan } from '../plan/index.js';
import type { RetryPolicy } from '../remote/index.js';
import { type Flusher, publishTree, type ReleaseRecord, removeAll } from '../store/index.js';
import { passwordOf } from './archive-password.js';
import { folderInput, locationOf, readInput } from './inputs.js';
import type { Said } from './mistaken-source.js';
import { fillTree } from './package-source.js';
import { Progress } from './progress.js';
import { saidOfArchive } from './said-of-archive.js';
import { refetching } from './sources/refetching.js';
import type { Remotes } from './sources/remotes.js';
import type { Need } from './space.js';
import { applySteps } from './steps/index.js';
import type { Remark } from './tree/acceptance.js';
import { StagedTree, TREE_CONCURRENCY } from './tree/staged-tree.js';

/** What the packages of one preparation have in common. */
export interface Workshop {
  root: string;
  run: string;
  /** The run's folder in the store's staging. */
  staging: string;
  inputs: InputLocations;
  remotes: Remotes;
  flusher: Flusher;
  emit: Emit;
  signal: AbortSignal;
  /** Names of trees that are in the store, and wrong. */
  replaced: ReadonlySet<string>;
}

export type PreparedPackage = ReleaseRecord['packages'][number];

/**
 * Prepares one package, from its source to its tree in the store.
 * @throws whatever went wrong, with the package in its context
 */
export async function preparePackage(plan: PackagePlan, need: Need, shop: Workshop): Promise<PreparedPackage> {
  const { emit, signal } = shop;
  const started = performance.now();
  const totals = {
    ...(need.sourceBytes === undefined ? {} : { bytesTotal: need.sourceBytes }),
    ...(need.files === undefined ? {} : { filesTotal: need.files }),
  };
  try {
    signal.throwIfAborted();
    emit({ type: 'package.started', package: plan.id, tree: plan.tree, ...totals });
    // What is made is in a folder of its own until it is published, so that all of it may be begun again.
    const { folder, tree } = await repeating(
      () => makeTree(plan, new Progress(emit, plan.id, totals), shop),
      (error, delayMs, attempt) => {
        signal.throwIfAborted();
        emit({ type: 'package.retry', package: plan.id, attempt, delayMs, reason: asPrestageError(error).message });
      },
    );
    signal.throwIfAborted();
    const { outcome, aside, ...summary } = await publishTree({
      root: shop.root,
      run: shop.run,
      name: plan.tree,
      folder,
      entries: tree.entries,
      flusher: shop.flusher,
      replace: shop.replaced.has(plan.tree),
    });
    if (aside !== undefined)
      emit({ type: 'notice', message: `The wrong tree of ${plan.id} is kept at ${aside} until the next prune.` });
    const durationMs = Math.round(performance.now() - started);
    emit({
      type: 'package.published',
      package: plan.id,
      tree: plan.tree,
      reused: outcome === 'existing',
      durationMs,
      ...summary,
    });
    return { id: plan.id, destination: plan.destination, tree: plan.tree, recipe: plan.digest, ...summary };
  } catch (error) {
    signal.throwIfAborted();
    throw asPrestageError(error, { package: plan.id });
  }
}

interface Unpacked {
  folder: string;
  tree: StagedTree;
}

/** The finished tree, in staging. @throws then nothing of it is left there */
async function makeTree(plan: PackagePlan, progress: Progress, shop: Workshop): Promise<Unpacked> {
  const unpacked = await unpackSource(plan, progress, shop);
  const access = { inputs: shop.inputs, remotes: shop.remotes, retry: retryPolicy(plan, shop) };
  // One name for all steps: each is done with its folder when the next one begins. It goes with all of staging.
  const scratch = join(shop.staging, `${plan.id}.input`);
  try {
    await applySteps({
      package: plan.id,
      steps: plan.recipe.steps,
      tree: unpacked.tree,
      limits: plan.limits,
      password: passwordOf(plan),
      onRemarks: saying(plan, shop),
      readInput: (digest) => readInput(access, digest),
      folderInput: (digest) => folderInput(access, digest, scratch),
      emit: shop.emit,
      signal: shop.signal,
    });
    await unpacked.tree.settled();
    return unpacked;
  } catch (error) {
    await discard(unpacked);
    throw error;
  }
}

function saying({ id }: PackagePlan, { emit }: Workshop): (archive: string, remarks: readonly Remark[]) => void {
  return (archive, remarks) => {
    for (const event of saidOfArchive({ package: id, archive }, remarks)) emit(event);
  };
}

function retryPolicy({ id }: PackagePlan, { emit, signal }: Workshop): RetryPolicy {
  return { signal, onRetry: (retry) => emit({ type: 'package.retry', package: id, ...retry }) };
}

/** Nobody may write there any more when the folder goes, and another attempt needs its name. */
async function discard({ folder, tree }: Unpacked): Promise<void> {
  await tree.settled().catch(() => {});
  await removeAll(folder);
}

async function unpackSource(plan: PackagePlan, progress: Progress, shop: Workshop): Promise<Unpacked> {
  const { source } = plan.recipe;
  const location = locationOf(shop.inputs, source.sha256, source.name);
  if (isRemote(location) && location.cached !== undefined) {
    const { cached } = location;
    try {
      const copy = { kind: 'file' as const, path: cached, size: location.size ?? 0 };
      // The copy of a page that a server sent is no better than the page.
      const said = location.kind === 'http' ? (location.said ?? {}) : undefined;
      return await unpackFrom(copy, plan, progress, shop, said);
    } catch (error) {
      if (!isWrongCopy(error)) throw error;
      await rm(cached, { force: true });
    }
  }
  return refetching(() => unpackFrom(location, plan, progress, shop), retryPolicy(plan, shop));
}

function isWrongCopy(error: unknown): boolean {
  return error instanceof PrestageError && ['SOURCE_CHANGED', 'CONFIG_FILE_MISSING'].includes(error.code);
}

async function unpackFrom(
  location: InputLocation,
  plan: PackagePlan,
  progress: Progress,
  shop: Workshop,
  said?: Said,
): Promise<Unpacked> {
  const folder = join(shop.staging, plan.id);
  await mkdir(folder, { mode: 0o755 });
  const tree = new StagedTree(folder, { concurrency: TREE_CONCURRENCY });
  try {
    await fillTree({
      recipe: plan.recipe,
      limits: plan.limits,
      password: passwordOf(plan),
      location,
      tree,
      spool: join(shop.staging, `${plan.id}.spool`),
      remotes: shop.remotes,
      retry: retryPolicy(plan, shop),
      progress,
      onRemarks: saying(plan, shop),
      said,
    });
    return { folder, tree };
  } catch (error) {
    await discard({ folder, tree });
    throw error;
  }
}
