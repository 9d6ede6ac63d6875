import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asPrestageError, type PrestageError } from '../core/errors.js';
import { rm } from '../core/held-files.js';
import { deploy } from '../deploy/index.js';
import { packagesText } from './config-text.js';
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
  const tried = proposal.packages.filter(({ steps }) => steps.length > 0);
  if (tried.length === 0) return undefined;
  const site = await mkdtemp(join(tmpdir(), 'prestage-init-'));
  try {
    await symlink(resolve(folder), join(site, 'it'), 'junction');
    const most = tried.reduce((sum, { steps }) => sum + steps.length, 1);
    for (let attempt = 0; attempt < most; attempt += 1) {
      const errors = await prepareIn(site, tried, { signal, root: join(site, `root-${attempt}`) });
      if (errors.length === 0) return undefined;
      if (!errors.map((error) => blame(error, tried)).includes(true)) return errors[0];
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
    await deploy({ config: site, prepareFilesOnly: true, throwAway: { root }, emit: () => {}, signal });
    return [];
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asPrestageError(thrown);
    return error.errors.length > 0 ? error.errors : [error];
  }
}

/** Takes the step that failed out. @returns false where no step did */
function blame({ message, context }: PrestageError, packages: readonly ProposedPackage[]): boolean {
  const steps = packages.find(({ id }) => id === context.package)?.steps.filter(({ fault }) => fault === undefined);
  const step = typeof context.step === 'number' ? steps?.[context.step - 1] : undefined;
  if (step === undefined) return false;
  step.fault = message.split('\n', 1)[0] ?? message;
  return true;
}
