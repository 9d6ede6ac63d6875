import { PrestageError } from '../core/errors.js';
import type { PrunePlan } from '../store/index.js';
import { type CommandOptions, openProject } from './project.js';
import type { ReleasesResult, VerifyResult } from './results.js';

/** Compares the store with its manifests: what is there, sizes and modes; with `deep`, every byte. */
export async function verify(options: CommandOptions & { release?: string; deep: boolean }): Promise<VerifyResult> {
  const { target } = await openProject(options);
  if (options.release !== undefined) await demandRelease(await target.releases(), options.release);
  return target.verify({
    deep: options.deep,
    signal: options.signal,
    ...(options.release === undefined ? {} : { release: options.release }),
  });
}

/** The releases in the store, oldest first, with when each was deployed last. */
export async function releases(options: CommandOptions): Promise<ReleasesResult> {
  const { target } = await openProject(options);
  const [records, current, history] = await Promise.all([target.releases(), target.currentRelease(), target.history()]);
  return {
    current,
    releases: records.map((record) => ({
      ...record,
      current: record.release === current,
      deployedAt: history.findLast((deployed) => deployed.release === record.release)?.deployedAt,
    })),
  };
}

/** What `prune` would remove and keep. */
export async function planPrune(options: CommandOptions & { keep: number }): Promise<PrunePlan> {
  const { target } = await openProject(options);
  return target.planPrune(options.keep);
}

/** Removes what a plan of `planPrune` says, as far as it still may be removed. */
export async function prune(options: CommandOptions & { plan: PrunePlan; wait?: boolean }): Promise<void> {
  const { target } = await openProject(options);
  await target.exclusively('prune', { wait: options.wait ?? false, signal: options.signal, emit: options.emit }, () =>
    target.prune(options.plan),
  );
}

/**
 * Where there is nothing to remove: deletes what a prune that was killed had put out of sight already. A run that is at
 * work has done it.
 */
export async function clearLeftovers(options: CommandOptions & { plan: PrunePlan }): Promise<void> {
  if (options.plan.keep.length === 0) return; // there may be no store at all
  await prune({ ...options, plan: { ...options.plan, remove: [], trees: [] } }).catch((error: unknown) => {
    if (!(error instanceof PrestageError && error.code === 'LOCKED')) throw error;
  });
}

export function demandRelease<T extends { release: string }>(records: readonly T[], release: string): T {
  const found = records.find((record) => record.release === release);
  if (found) return found;
  throw new PrestageError('RELEASE_UNKNOWN', `Release ${release} is not in the store.`, {
    hint:
      records.length === 0
        ? 'The store holds no release yet: `prestage deploy` prepares one.'
        : `There are: ${records.map((record) => record.release).join(', ')}. \`prestage releases\` lists them.`,
    context: { release },
  });
}
