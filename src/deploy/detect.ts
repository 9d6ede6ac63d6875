import { type PackagePlan, type ReleasePlan, recipe, type ScriptPlan } from '../plan/index.js';
import type { ChangedTree, ReleaseRecord } from '../store/index.js';
import type { Prepared, TargetLook } from '../targets/index.js';
import { type Change, recipeChanges, summaryOf } from './changes/recipe-changes.js';
import { type WithValues, wordsOfValues } from './changes/values-of-changes.js';

export interface PackageDetection {
  id: string;
  tree: string;
  action: 'prepare' | 'reuse';
  reason: string;
  /** What is not as in the release that is deployed, or was prepared last. */
  changes: Change[];
}

export interface Detection {
  /** Whether phase 1 has anything to do. */
  needed: boolean;
  reason: string;
  packages: PackageDetection[];
  /** What of the hosts' scripts is not as in that release. */
  scripts: Change[];
  /** The scripts that they are compared with. */
  earlierScripts: readonly ScriptPlan[];
  /** Trees that are not as they were prepared. */
  changed: readonly ChangedTree[];
}

/**
 * Whether phase 1 is needed, package by package: a look-up of names that follow from the config and the lockfile.
 * @param options.compare says what is not as in the release before also where nothing is to be prepared. That reads the records of
 * all releases, and nobody but `plan` shows it.
 * @param options.withValues names the values of the configuration that a change comes from
 */
export async function detect(
  look: TargetLook,
  plan: ReleasePlan,
  { compare = false, withValues = (_, __, change) => change }: { compare?: boolean; withValues?: WithValues } = {},
): Promise<Detection> {
  const [prepared, changed = []] = await Promise.all([look.lookUp(plan), look.changedTrees?.(plan)]);
  const isReady =
    prepared.release && changed.length === 0 && plan.packages.every(({ tree }) => prepared.trees.has(tree));
  const earlier = isReady && !compare ? [] : await earlierReleases(look);
  const packages = plan.packages.map((item) =>
    withChanged(detectPackage(item, prepared, { earlier, withValues }), changed),
  );
  const needed = !prepared.release || packages.some((item) => item.action === 'prepare');
  const last = earlier.at(-1);
  const scripts = last === undefined ? [] : scriptChanges(last.scripts, plan.scripts);
  return {
    needed,
    reason: reasonOf(plan, packages, prepared),
    packages,
    scripts,
    earlierScripts: last?.scripts ?? [],
    changed,
  };
}

/** The last one is what a change is compared with. What is deployed counts first: what was prepared since may never have been used. */
async function earlierReleases(look: TargetLook): Promise<ReleaseRecord[]> {
  const [releases, current] = await Promise.all([look.releases(), look.currentRelease()]);
  const isCurrent = ({ release }: ReleaseRecord) => release === current;
  return [...releases.filter((record) => !isCurrent(record)), ...releases.filter(isCurrent)];
}

/** What somebody wrote to since it was prepared is prepared again. */
function withChanged(detected: PackageDetection, changed: readonly ChangedTree[]): PackageDetection {
  const found = changed.find(({ tree }) => tree === detected.tree);
  if (!found) return detected;
  const paths = found.differences.map(({ path }) => path);
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  const reason = `somebody changed it since it was prepared: ${paths.slice(0, 3).join(', ')}${more}`;
  return { ...detected, action: 'prepare', reason };
}

/** The ids of the packages that must be prepared. */
export function toPrepare({ packages }: Detection): string[] {
  return packages.filter(({ action }) => action === 'prepare').map(({ id }) => id);
}

/** `earlier`: the last one is what a change is compared with. */
function detectPackage(
  item: PackagePlan,
  prepared: Prepared,
  { earlier, withValues }: { earlier: readonly ReleaseRecord[]; withValues: WithValues },
): PackageDetection {
  const { id, tree } = item;
  const last = earlier.findLast((release) => release.packages.some((held) => held.id === id));
  const known = last?.packages.find((held) => held.id === id);
  const changes =
    known === undefined ? [] : packageChanges(known, item).map((change) => withValues('packages', id, change));
  const about = { id, tree, changes };
  if (prepared.trees.has(tree)) return { ...about, action: 'reuse', reason: `ready as ${tree}` };
  const was = earlier.findLast((release) => release.packages.some((held) => held.tree === tree));
  if (was)
    return { ...about, action: 'prepare', reason: `release ${was.release} had it, and it is gone from the store` };
  if (!last) return { ...about, action: 'prepare', reason: 'not prepared yet' };
  const what = summaryOf(changes) || 'its source, steps or settings';
  const values = wordsOfValues(changes);
  const from = values === undefined ? '' : ` (${values})`;
  return { ...about, action: 'prepare', reason: `${what} changed since release ${last.release}${from}` };
}

/** Nothing of the recipe where the record is of a version that did not keep it, or of a newer format. */
function packageChanges(known: ReleaseRecord['packages'][number], item: PackagePlan): Change[] {
  const moved: Change[] =
    known.destination === item.destination
      ? []
      : [{ what: 'destination', before: known.destination, after: item.destination }];
  const before = recipe.safeParse(known.recipeContent);
  return [...moved, ...(before.success ? recipeChanges(before.data, item.recipe) : [])];
}

export function scriptChanges(before: readonly ScriptPlan[], after: readonly ScriptPlan[]): Change[] {
  const [old, now] = [new Map(before.map(digestOf)), new Map(after.map(digestOf))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => {
      const [was, is] = [old.get(path), now.get(path)];
      return { what: path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) };
    });
}

function digestOf({ path, sha256 }: ScriptPlan): [string, string] {
  return [path, `sha256:${sha256.slice(0, 16)}`];
}

function reasonOf(plan: ReleasePlan, packages: readonly PackageDetection[], prepared: Prepared): string {
  const missing = packages.filter((item) => item.action === 'prepare').length;
  if (missing > 0)
    return `release ${plan.release} is not ready: ${missing} of ${packages.length} packages must be prepared`;
  if (prepared.release) return `release ${plan.release} is ready`;
  return `release ${plan.release} is not ready: its packages are, but not together with these destinations and scripts`;
}
