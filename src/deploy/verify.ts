import type { ReleasePlan } from '../config/index.js';
import type { CommandContext } from '../core/command-context.js';
import type { Difference } from '../store/index.js';
import type { PrepareJob } from '../targets/index.js';
import { type CommandOptions, openDeployed, openProject, type Project, resolveProject } from './project.js';
import type { VerifyResult } from './results.js';
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
  if (release !== undefined) demandRelease(await target.releases(), release);
  const look = (held: CommandContext) => target.verify({ deep, ...(release === undefined ? {} : { release }) }, held);
  if (!project) return look(context);
  return target.exclusively('verify', context, async (held) => {
    const found = await look(held);
    if (found.differences.length === 0) return { ...found, repaired: [] };
    const repaired = await prepareAgain(project, found.differences, held);
    return { ...(repaired.length === 0 ? found : await look(held)), repaired };
  });
}

/** Has a worker prepare what is wrong of the configuration's release. @returns the names of those trees, and of the release */
async function prepareAgain(
  project: Project,
  differences: readonly Difference[],
  context: CommandContext,
): Promise<string[]> {
  const { plan, inputs } = await resolveProject(project, {});
  const replace = wrongOf(plan, differences);
  if (replace.trees.length === 0 && !replace.release) return [];
  await project.target.prepare({ plan, inputs, replace }, context);
  return [...replace.trees, ...(replace.release ? [plan.release] : [])];
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
