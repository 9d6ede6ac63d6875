import { PrestageError } from '../core/errors.js';
import type { PrunePlan } from '../store/index.js';
import { type CommandOptions, openDeployed } from './project.js';
import type { ReleasesResult } from './results.js';

/** The releases in the store, oldest first, with when each was deployed last. */
export async function releases(options: CommandOptions): Promise<ReleasesResult> {
  const { target } = await openDeployed(options);
  const look = target.look();
  const [records, current, history] = await Promise.all([look.releases(), look.currentRelease(), look.history()]);
  return {
    current,
    releases: records.map((record) => ({
      ...record,
      // Recipes are long, and for programs that know their format.
      packages: record.packages.map(({ recipeContent: _, ...item }) => item),
      current: record.release === current,
      deployedAt: history.findLast((deployed) => deployed.release === record.release)?.deployedAt,
    })),
  };
}

/** What `prune` would remove and keep. */
export async function planPrune(options: CommandOptions & { keep: number }): Promise<PrunePlan> {
  const { target } = await openDeployed(options);
  return target.look().planPrune(options.keep);
}

/**
 * Removes what a plan of `planPrune` says, as far as it still may be removed. An empty plan deletes what a prune that was
 * killed had put out of sight; where another command is at work, that is left to it.
 */
export async function prune(options: CommandOptions & { plan: PrunePlan }): Promise<void> {
  const { plan } = options;
  const { target, context } = await openDeployed(options);
  const isEmpty = plan.remove.length === 0 && plan.trees.length === 0 && plan.aside.length === 0;
  if (isEmpty && plan.keep.length === 0) return; // there may be no store at all
  try {
    const patience = isEmpty ? { ...context, wait: false } : context;
    await target.exclusively('prune', patience, (held) => target.prune(plan, held));
  } catch (error) {
    if (!(isEmpty && error instanceof PrestageError && error.code === 'LOCKED')) throw error;
  }
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

/** The release that is named, or the one that was prepared last. @throws RELEASE_UNKNOWN, and NOTHING_DEPLOYED in these words */
export function releaseOrLast<T extends { release: string }>(
  records: readonly T[],
  release: string | undefined,
  nothing: { message: string; hint: string },
): T {
  if (release !== undefined) return demandRelease(records, release);
  const last = records.at(-1);
  if (last !== undefined) return last;
  throw new PrestageError('NOTHING_DEPLOYED', nothing.message, { hint: nothing.hint });
}
