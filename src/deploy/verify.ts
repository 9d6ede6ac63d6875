import type { CommandContext } from '../core/command-context.js';
import { type InputLocations, inputsOf, planRelease, type ReleasePlan } from '../plan/index.js';
import type { Difference, ReleaseRecord } from '../store/index.js';
import type { PrepareJob } from '../targets/index.js';
import { type CommandOptions, openDeployed, openProject, type Project, resolveProject } from './project.js';
import { recordedPackage } from './recorded.js';
import type { Unrepaired, VerifyResult } from './results.js';
import { demandRelease } from './store.js';

export interface VerifyOptions extends CommandOptions {
  /** Default: all of them. */
  release?: string;
  /** Every byte, not only what is there, sizes and modes. */
  deep: boolean;
  /** Prepare again what differs, as far as it is of the release that the configuration describes. */
  repair?: boolean;
}

/** Compares the store with its manifests, and repairs it where that is wanted. */
export async function verify(options: VerifyOptions): Promise<VerifyResult> {
  const { release, deep, repair = false } = options;
  // Only what is prepared again needs all of the configuration.
  const project = repair ? await openProject(options) : undefined;
  const { target, context } = project ?? (await openDeployed(options));
  if (release !== undefined) demandRelease(await target.look().releases(), release);
  const look = (held: CommandContext) => target.verify({ deep, ...(release === undefined ? {} : { release }) }, held);
  if (!project) return look(context);
  return target.exclusively('verify', context, async (held) => {
    const found = await look(held);
    if (found.differences.length === 0) return { ...found, repaired: [] };
    const { repaired, unrepaired } = await prepareAgain(project, found.differences, held);
    return { ...(repaired.length === 0 ? found : await look(held)), repaired, unrepaired };
  });
}

/** Has a worker prepare what is wrong, release by release: the configuration's first, then others of which all inputs are at hand. */
async function prepareAgain(
  project: Project,
  differences: readonly Difference[],
  context: CommandContext,
): Promise<Pick<Required<VerifyResult>, 'repaired' | 'unrepaired'>> {
  const { plan, inputs } = await resolveProject(project, {});
  const others = (await project.target.look().releases()).filter(({ release }) => release !== plan.release);
  const repaired: string[] = [];
  for (const each of [plan, ...others.flatMap(plannedAgain)]) {
    const wrong = wrongOf(each, differences);
    const trees = wrong.trees.filter((tree) => !repaired.includes(tree) && missingOf(each, tree, inputs).length === 0);
    // What is a release's own, beside its trees, is known of the configuration alone.
    const replace = { trees, release: wrong.release && each === plan };
    if (replace.trees.length === 0 && !replace.release) continue;
    await project.target.prepare({ plan: each, inputs, replace }, context);
    repaired.push(...replace.trees, ...(replace.release ? [each.release] : []));
  }
  return { repaired, unrepaired: unrepairedOf(others, differences, { inputs, repaired }) };
}

/** As it was planned, where its record still says that. */
function plannedAgain({ name, release, packages, scripts }: ReleaseRecord): ReleasePlan[] {
  const plan = planRelease(
    name,
    packages.flatMap((item) => recordedPackage(item) ?? []),
    scripts,
  );
  return plan.release === release ? [plan] : [];
}

/** What a tree was made of and is not in the configuration any more. */
function missingOf({ packages }: Pick<ReleasePlan, 'packages'>, tree: string, inputs: InputLocations) {
  const item = packages.find((each) => each.tree === tree);
  return item ? inputsOf(item).filter(({ sha256 }) => !(sha256 in inputs)) : [];
}

function unrepairedOf(
  releases: readonly ReleaseRecord[],
  differences: readonly Difference[],
  { inputs, repaired }: { inputs: InputLocations; repaired: readonly string[] },
): Unrepaired[] {
  const left = differences.filter(({ tree }) => tree !== undefined && !repaired.includes(tree));
  return [...new Set(left.flatMap(({ tree }) => tree ?? []))].map((tree) => {
    const holding = releases.filter(({ packages }) => packages.some((item) => item.tree === tree));
    const plans = holding.flatMap(plannedAgain);
    const [missing] = plans.flatMap((each) => missingOf(each, tree, inputs));
    return {
      tree,
      releases: holding.map(({ release }) => release),
      ...(missing === undefined ? {} : { missing: { name: missing.name, sha256: missing.sha256 } }),
    };
  });
}

function wrongOf(
  { release, packages }: ReleasePlan,
  differences: readonly Difference[],
): NonNullable<PrepareJob['replace']> {
  const wrong = new Set(differences.map(({ tree }) => tree));
  const trees = packages.map(({ tree }) => tree).filter((tree) => wrong.has(tree));
  const isWrong = differences.some(({ tree, releases }) => tree === undefined && releases.includes(release));
  return { trees: [...new Set(trees)], release: isWrong };
}
