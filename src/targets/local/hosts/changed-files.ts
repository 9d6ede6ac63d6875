import { join } from 'node:path';
import { PrestageError } from '../../../core/errors.js';
import { type ChangedTree, changedTrees, forgetTree, readRelease } from '../../../store/index.js';
import { hostFolder, type LocalLayout } from '../layout.js';
import { hasPrivateMounts } from '../read-only.js';
import { observedSpecs } from './observe.js';
import { readState } from './state.js';

/** Whether no host could write to the store: each that there is sees it read-only, and so will each that is started. */
export async function storeIsSafe(layout: LocalLayout): Promise<boolean> {
  if (!hasPrivateMounts()) return false;
  const states = (await observedSpecs(layout)).map(({ host }) => readState(hostFolder(layout, host)));
  return (await Promise.all(states)).every((state) => state === undefined || state.readOnly === true);
}

/**
 * After the hosts are healthy: whether one of them wrote into what was prepared, which works here and could not on AWS.
 * @throws FILES_CHANGED
 */
export async function demandUnchanged(layout: LocalLayout, release: string): Promise<void> {
  const changed = await forgetChanged(layout, release);
  const [first] = changed;
  if (!first) return;
  throw new PrestageError('FILES_CHANGED', `Hosts wrote into the prepared files: ${pathsOf(changed)}.`, {
    hint: `They are read-only on AWS. Let the boot script make a working copy, \`cp -R "$PRESTAGE_ROOT/${first.destination}/." ${first.package}\`, and run that (docs/local-target.md), then deploy again: the changed packages are prepared again. If it was the program before this deployment, end that first, with \`prestage destroy\`.`,
    context: { release, package: first.package, files: changed.flatMap(filesOf) },
  });
}

interface ChangedFiles extends ChangedTree {
  destination: string;
}

/** The trees of a release that were changed. From now on they are not ready, so nothing is started on them again. */
export async function forgetChanged(layout: LocalLayout, release: string): Promise<ChangedFiles[]> {
  if (await storeIsSafe(layout)) return [];
  const packages = (await readRelease(layout.root, release))?.packages ?? [];
  const changed = await changedTrees(layout.root, packages);
  for (const { tree } of changed) await forgetTree(layout.root, tree);
  return changed.map((each) => {
    const destination = packages.find(({ tree }) => tree === each.tree)?.destination;
    return { ...each, destination: destination ?? each.package };
  });
}

const SHOWN = 5;

/** The first of them, for a sentence. */
export function pathsOf(changed: readonly ChangedFiles[]): string {
  const paths = changed.flatMap(filesOf);
  return `${paths.slice(0, SHOWN).join(', ')}${paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ''}`;
}

function filesOf({ destination, differences }: ChangedFiles): string[] {
  return differences.map(({ path, kind }) => `${join(destination, path)} (${kind})`);
}
