import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asPrestageError, type PrestageError } from '../core/errors.js';
import { rm } from '../core/held-files.js';
import { deploy } from '../deploy/index.js';
import { packagesText } from './config-text.js';
import { comparePaths } from './names.js';
import type { Proposal, ProposedPackage } from './proposal.js';

/**
 * Prepares the packages that have steps, for real, in a folder of its own that is removed. Steps that fail there stay in the
 * proposal with what was wrong, and are not taken.
 * @returns what else was wrong, where something was
 * @throws the signal's reason
 */
export async function trySteps(
  folder: string,
  proposal: Proposal,
  signal: AbortSignal,
): Promise<PrestageError | undefined> {
  const { packages } = proposal;
  const all = packages.flatMap(({ steps }) => steps);
  if (all.length === 0) return undefined;
  const site = await mkdtemp(join(tmpdir(), 'prestage-init-'));
  try {
    await symlink(resolve(folder), join(site, 'it'), 'junction');
    const most = all.reduce((sum, { others = [] }) => sum + 1 + others.length, 1);
    for (let attempt = 0; attempt < most; attempt += 1) {
      const tried = packages.filter(({ steps }) => steps.length > 0);
      // What succeeded stays in the store, and is not prepared again.
      const errors = await prepareIn(site, tried, { signal, root: join(site, 'root') });
      if (errors.length === 0) return undefined;
      if (!errors.map((error) => blame(error, packages)).includes(true)) return errors[0];
    }
    return undefined;
  } finally {
    await rm(site, { recursive: true, force: true });
  }
}

async function prepareIn(
  site: string,
  packages: readonly ProposedPackage[],
  { signal, root }: { signal: AbortSignal; root: string },
): Promise<readonly PrestageError[]> {
  const text = `name: tried\npackages:\n${packagesText(packages, { from: 'it/' })
    .map((line) => `  ${line}`)
    .join('\n')}\n`;
  await writeFile(join(site, 'prestage.config.yaml'), text);
  try {
    await deploy({
      config: site,
      prepareFilesOnly: true,
      throwAway: { environment: { name: 'test', target: 'local', root } },
      emit: () => {},
      signal,
    });
    return [];
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asPrestageError(thrown);
    return error.errors.length > 0 ? error.errors : [error];
  }
}

/** Takes the step that failed out, or to the next package where it may belong. @returns false where no step did */
function blame({ message, context }: PrestageError, packages: readonly ProposedPackage[]): boolean {
  const item = packages.find(({ id }) => id === context.package);
  const steps = item?.steps.filter(({ fault }) => fault === undefined);
  const step = typeof context.step === 'number' ? steps?.[context.step - 1] : undefined;
  if (item === undefined || step === undefined) return false;
  const [next, ...others] = step.others ?? [];
  const other = packages.find(({ id }) => id === next?.id);
  if (step.kind !== 'patch' || next === undefined || other === undefined)
    step.fault = message.split('\n', 1)[0] ?? message;
  else {
    item.steps.splice(item.steps.indexOf(step), 1);
    // With the patches, in their order.
    const after = other.steps.findIndex((each) => each.kind !== 'patch' || comparePaths(each.from, step.from) > 0);
    const moved = { ...step, strip: next.strip, others };
    other.steps.splice(after < 0 ? other.steps.length : after, 0, moved);
  }
  return true;
}
