import type { ReleasePlan } from '../config/index.js';
import type { ReleaseRecord } from '../store/index.js';
import type { Prepared, Target } from '../targets/index.js';

export interface PackageDetection {
  id: string;
  tree: string;
  action: 'prepare' | 'reuse';
  reason: string;
}

export interface Detection {
  /** Whether phase 1 has anything to do. */
  needed: boolean;
  reason: string;
  packages: PackageDetection[];
}

/** Whether phase 1 is needed, package by package: a look-up of names that follow from the config and the lockfile. */
export async function detect(target: Target, plan: ReleasePlan): Promise<Detection> {
  const [prepared, releases] = await Promise.all([target.lookUp(plan), target.releases()]);
  const packages = plan.packages.map(({ id, tree }) => ({ id, tree, ...detectPackage(id, tree, prepared, releases) }));
  const needed = !prepared.release || packages.some((item) => item.action === 'prepare');
  return { needed, reason: reasonOf(plan, packages, prepared), packages };
}

/** The ids of the packages that must be prepared. */
export function toPrepare({ packages }: Detection): string[] {
  return packages.filter(({ action }) => action === 'prepare').map(({ id }) => id);
}

function detectPackage(id: string, tree: string, prepared: Prepared, releases: readonly ReleaseRecord[]) {
  if (prepared.trees.has(tree)) return { action: 'reuse' as const, reason: `ready as ${tree}` };
  const holding = releases.filter((release) => release.packages.some((held) => held.id === id));
  const last = holding.at(-1);
  const was = holding.findLast((release) => release.packages.some((held) => held.tree === tree));
  return {
    action: 'prepare' as const,
    reason: was
      ? `release ${was.release} had it, and it is gone from the store`
      : last
        ? `its source, steps or settings changed since release ${last.release}`
        : 'not prepared yet',
  };
}

function reasonOf(plan: ReleasePlan, packages: readonly PackageDetection[], prepared: Prepared): string {
  const missing = packages.filter((item) => item.action === 'prepare').length;
  if (missing > 0)
    return `release ${plan.release} is not ready: ${missing} of ${packages.length} packages must be prepared`;
  if (prepared.release) return `release ${plan.release} is ready`;
  return `release ${plan.release} is not ready: its packages are, but not together with these destinations and scripts`;
}
