import { posix } from 'node:path';
import type { OldWork } from './old-scripts.js';
import type { Proposal, ProposedChange, ProposedPackage } from './proposal.js';
import type { Survey } from './survey.js';

interface Context {
  found: Survey;
  old: readonly OldWork[];
  unused: Proposal['unused'];
}

/**
 * What older scripts do becomes destinations and steps, each with the line that it comes from; what cannot be translated is told.
 * @returns the scripts that something was taken from
 */
export function addOldWork(packages: readonly ProposedPackage[], { found, old, unused }: Context): Set<string> {
  const read = new Set<string>();
  const take = (at: string) => read.add(at.slice(0, at.lastIndexOf(':')));
  for (const work of old) {
    if (work.kind !== 'unpack') continue;
    const item = packages.find(({ source }) => posix.basename(source) === posix.basename(work.archive));
    if (item === undefined) continue;
    take(work.at);
    item.about += `; unpacked by ${work.at}`;
    delete item.strip;
    if (work.strip > 0) item.strip = work.strip;
    if (isFree(work.to, item, packages)) item.destination = work.to;
  }
  for (const work of old) {
    if (work.kind === 'unpack') continue;
    const placed = work.kind === 'unknown' ? undefined : changeOf(work, packages, found);
    if (placed !== undefined) {
      take(work.at);
      const { item, change } = placed;
      // The script says it better than its name did.
      item.steps = item.steps.filter((step) => !('from' in change && 'from' in step && step.from === change.from));
      item.steps.push({ ...change, about: work.at });
    } else if (work.kind === 'unknown' || work.kind === 'replace') {
      const text = work.kind === 'unknown' ? work.text : `sed of ${work.file}`;
      unused.push({ path: work.at, why: `${text} (not translated)` });
    }
  }
  for (const path of read) unused.push({ path, why: 'its lines that lay out files became destinations and steps' });
  return read;
}

/** A destination is neither another's nor inside of it. */
function isFree(destination: string, item: ProposedPackage, packages: readonly ProposedPackage[]): boolean {
  if (destination === '' || destination === '.' || /[^\w./+@-]/.test(destination)) return false;
  return packages.every(
    (other) =>
      other === item ||
      !(`${other.destination}/`.startsWith(`${destination}/`) || `${destination}/`.startsWith(`${other.destination}/`)),
  );
}

function changeOf(
  work: Exclude<OldWork, { kind: 'unpack' | 'unknown' }>,
  packages: readonly ProposedPackage[],
  found: Survey,
): { item: ProposedPackage; change: ProposedChange } | undefined {
  const target = work.kind === 'copy' ? work.to : work.kind === 'patch' ? work.folder : work.file;
  const item = packages.find(({ destination }) => `${target}/`.startsWith(`${destination}/`));
  if (item === undefined) return undefined;
  const path = target.slice(item.destination.length + 1);
  const ours = (file: string) =>
    [...found.settings, ...found.scripts, ...found.patches.map((patch) => patch.path)].find(
      (each) => posix.basename(each) === posix.basename(file),
    );
  switch (work.kind) {
    case 'copy': {
      const from = ours(work.file);
      return from === undefined ? undefined : { item, change: { kind: 'copy', from, to: path === '' ? './' : path } };
    }
    case 'patch': {
      const from = ours(work.file);
      if (from === undefined || path !== '') return undefined;
      return { item, change: { kind: 'patch', from, strip: work.strip } };
    }
    case 'replace': {
      const { search, to, regex } = work;
      return path === '' ? undefined : { item, change: { kind: 'replace', file: path, search, to, regex } };
    }
    case 'chmod':
      return path === '' ? undefined : { item, change: { kind: 'chmod', file: path, mode: work.mode } };
    case 'remove':
      return path === '' ? undefined : { item, change: { kind: 'remove', file: path } };
  }
}
