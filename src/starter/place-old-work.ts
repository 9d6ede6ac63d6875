import { posix } from 'node:path';
import { isUsedWhole } from '../config/index.js';
import type { OldWork } from './old-work.js';
import type { Proposal, ProposedPackage } from './proposal.js';
import type { Survey } from './survey.js';

export interface Context {
  packages: ProposedPackage[];
  /** The folder that all files of an archive are in, by its path. */
  tops: ReadonlyMap<string, string>;
  found: Survey;
  old: readonly OldWork[];
  unused: Proposal['unused'];
}

type Old<Kind extends OldWork['kind']> = Extract<OldWork, { kind: Kind }>;
/** `not ours`: it has nothing to do with the files of a package. */
export type Answer = 'taken' | 'not ours' | { why: string };

export function isInside(path: string, folder: string): boolean {
  return `${path}/`.startsWith(`${folder}/`);
}

/** Whether a path that a command names lies in a package, or is the source of one. */
export function reaches(path: string, { packages }: Context): boolean {
  const name = posix.basename(path);
  return packages.some(({ destination, source }) => isInside(path, destination) || posix.basename(source) === name);
}

/** An archive goes where it was unpacked: as a package of its own, or into the one that is there already. */
export function placeArchive(work: Old<'unpack'>, context: Context): Answer {
  const { packages, tops } = context;
  const item = sourceNamed(work.archive, context);
  if (item === undefined) return { why: missing(work.archive, context) };
  const top = work.strip === 0 ? tops.get(item.source) : undefined;
  // Without its top folder it is the same in a folder of that name, and has a place of its own.
  const folder = top === undefined ? work.to : posix.join(work.to, top);
  const strip = top === undefined ? work.strip : 1;
  const around = packages.find((other) => other !== item && isInside(work.to, other.destination));
  if (isFree(folder, item, packages)) {
    place(item, { destination: folder, strip, how: `unpacked by ${work.at}` });
    return 'taken';
  }
  if (around === undefined) return { why: `not translated: other packages lie in ${work.to || 'that folder'}` };
  if (item.steps.length > 0) return { why: `not translated: ${around.id} is there, and ${item.id} has steps` };
  const file = posix.basename(item.source);
  const to = work.to.slice(around.destination.length).replace(/^\/+/, '');
  around.steps.push({ kind: 'copy', from: item.source, to: './', about: work.at });
  around.steps.push({ kind: 'extract', file, to: `${to === '' ? '.' : to}/`, strip: work.strip, about: work.at });
  packages.splice(packages.indexOf(item), 1);
  return 'taken';
}

/** A source that was copied, or what was unpacked elsewhere and then moved, goes where it was copied to. */
export function placeFile(work: Old<'copy'>, context: Context): Answer {
  const { packages } = context;
  const target = work.to.replace(/\/$/, '');
  const item = sourceNamed(work.file, context);
  const isKept = item !== undefined && (item.extract === false || isUsedWhole(item.source));
  if (isKept) {
    const isNamed = !work.to.endsWith('/') && posix.basename(target) === posix.basename(item.source);
    const destination = isNamed ? posix.dirname(target) : target;
    if (!isFree(destination, item, packages)) return { why: 'not translated: another package is there' };
    place(item, { destination, how: `copied by ${work.at}` });
    return 'taken';
  }
  const moved = packages.find(({ destination }) => destination === work.from);
  if (moved !== undefined && (work.isWhole || posix.basename(target) === posix.basename(work.from))) {
    if (!isFree(target, moved, packages)) return { why: 'not translated: another package is there' };
    place(moved, { destination: target, ...(moved.strip ? { strip: moved.strip } : {}), how: `copied by ${work.at}` });
    return 'taken';
  }
  return reaches(target, context) ? { why: 'not translated' } : 'not ours';
}

function place(
  item: ProposedPackage,
  { destination, strip = 0, how }: { destination: string; strip?: number; how: string },
): void {
  item.destination = destination;
  item.about += `; ${how}`;
  delete item.strip;
  if (strip > 0) item.strip = strip;
}

function sourceNamed(path: string, { packages }: Context): ProposedPackage | undefined {
  return packages.find(({ source }) => posix.basename(source) === posix.basename(path));
}

function missing(archive: string, { old }: Context): string {
  const name = posix.basename(archive);
  const fetched = old.find((work) => work.kind === 'download' && posix.basename(work.url) === name);
  const from = fetched?.kind === 'download' ? `, and ${fetched.at} fetches it from ${fetched.url}` : '';
  return `${name} does not lie here${from}`;
}

/** A destination is neither another's nor inside of it. */
function isFree(destination: string, item: ProposedPackage, packages: readonly ProposedPackage[]): boolean {
  if (destination === '' || destination === '.' || /[^\w./+@-]|(^|\/)\.\.(\/|$)/.test(destination)) return false;
  return packages.every(
    (other) =>
      other === item || !(isInside(other.destination, destination) || isInside(destination, other.destination)),
  );
}
