import { posix } from 'node:path';
import type { OldWork } from './old-work.js';
import { type Answer, type Context, isInside, placeArchive, placeFile, reaches } from './place-old-work.js';
import type { ProposedPackage } from './proposal.js';

type OldOf<Kind extends OldWork['kind']> = Extract<OldWork, { kind: Kind }>;

/**
 * What older scripts do becomes destinations and steps, each with the line that it comes from; what cannot be translated is told.
 * @returns the scripts that something was taken from
 */
export function addOldWork(context: Context): Set<string> {
  const { old, unused } = context;
  const read = new Set<string>();
  for (const work of old) {
    const path = work.at.slice(0, work.at.lastIndexOf(':'));
    const answer = take(work, context);
    if (answer === 'taken') read.add(path);
    else if (answer !== 'not ours') unused.push({ path: work.at, why: `${work.text} (${answer.why})` });
  }
  return read;
}

const NOT_TRANSLATED = { why: 'not translated' };

function take(work: OldWork, context: Context): Answer {
  switch (work.kind) {
    case 'unpack':
      return placeArchive(work, context);
    case 'upload':
      return noteUpload(work, context);
    case 'download':
      return 'not ours';
    case 'unknown':
      return work.paths.some((path) => reaches(path, context)) ? NOT_TRANSLATED : 'not ours';
    case 'copy':
      return copied(work, context);
    case 'patch':
      return patched(work, context);
    case 'replace':
      return replaced(work, context);
    default:
      return changed(work, context);
  }
}

function noteUpload(work: OldOf<'upload'>, { packages }: Context): Answer {
  const path = work.file.replace(/^(\.{1,2}\/|\$\{[^}]*\}\/)+/, '').replace(/\/+$/, '');
  const isIt = ({ source }: ProposedPackage) =>
    posix.basename(source) === posix.basename(path) || `/${source}`.includes(`/${path}/`);
  const found = path === '' ? [] : packages.filter(isIt);
  for (const item of found) if (!item.about.includes('uploaded by')) item.about += `; uploaded by ${work.at}`;
  return found.length > 0 ? 'taken' : 'not ours';
}

/** The package that a path lies in, the innermost, and where there. */
function inPackage(
  path: string,
  packages: readonly ProposedPackage[],
): { item: ProposedPackage; path: string } | undefined {
  const [item] = packages
    .filter(({ destination }) => isInside(path, destination))
    .sort((a, b) => b.destination.length - a.destination.length);
  return item && { item, path: path.slice(item.destination.length).replace(/^\/+/, '') };
}

function replaced(work: OldOf<'replace'>, { packages }: Context): Answer {
  const places = work.files.map((file) => inPackage(file, packages));
  const [first] = places;
  if (first === undefined) return { why: 'in no package here' };
  const files = places.flatMap((place) => (place?.item === first.item && isPlain(place.path) ? [place.path] : []));
  if (files.length < work.files.length) return NOT_TRANSLATED;
  const { search, to, regex, at } = work;
  const last = first.item.steps.at(-1);
  if (last?.kind === 'replace' && last.about.startsWith(at) && last.search === search && last.to === to) {
    last.files.push(...files);
    return 'taken';
  }
  const note = work.firstOnly ? ', which changed the first place of each line alone' : '';
  first.item.steps.push({ kind: 'replace', files, search, to, regex, about: `${at}${note}` });
  return 'taken';
}

function isPlain(path: string): boolean {
  return path !== '' && !path.startsWith('..') && !path.includes('${');
}

function changed(work: OldOf<'chmod' | 'remove'>, { packages }: Context): Answer {
  const place = inPackage(work.file, packages);
  if (place === undefined) return 'not ours';
  const { item, path } = place;
  if (!isPlain(path)) return NOT_TRANSLATED;
  if (work.kind === 'remove') item.steps.push({ kind: 'remove', file: path, about: work.at });
  else item.steps.push({ kind: 'chmod', file: path, mode: work.mode, about: work.at });
  return 'taken';
}

function patched({ file, folder, strip, at }: OldOf<'patch'>, { packages, found }: Context): Answer {
  const from = found.patches.find((each) => posix.basename(each.path) === posix.basename(file))?.path;
  const place = inPackage(folder, packages);
  if (from === undefined || place === undefined || place.path !== '') return NOT_TRANSLATED;
  withoutGuess(from, packages);
  place.item.steps.push({ kind: 'patch', from, strip, about: at });
  return 'taken';
}

/** The script says better where a file goes than its name did. */
function withoutGuess(from: string, packages: readonly ProposedPackage[]): void {
  for (const item of packages) item.steps = item.steps.filter((step) => !('from' in step && step.from === from));
}

function copied(work: OldOf<'copy'>, context: Context): Answer {
  const { packages, found } = context;
  const name = posix.basename(work.file);
  const from = [...found.settings, ...found.scripts].find((each) => posix.basename(each) === name);
  const folder = found.folders.find(({ path }) => posix.basename(path) === name)?.path;
  const place = inPackage(work.to.replace(/\/$/, ''), packages);
  if (from === undefined && folder === undefined) return placeFile(work, context);
  if (place === undefined) return { why: 'to no package here' };
  const asFolder = !work.isWhole && (work.to.endsWith('/') || place.path === '');
  withoutGuess(from ?? '', packages);
  if (from !== undefined)
    place.item.steps.push({ kind: 'copy', from, to: inside(place.path, asFolder), about: work.at });
  else if (folder !== undefined) {
    const inner = asFolder ? posix.join(place.path, name) : place.path;
    place.item.steps.push({ kind: 'copy', from: folder, to: inside(inner, true), about: work.at });
    // It is a part of that package now.
    const own = packages.findIndex(({ source, steps }) => source === folder && steps.length === 0);
    if (own >= 0) packages.splice(own, 1);
  }
  return 'taken';
}

function inside(path: string, isFolder: boolean): string {
  return isFolder ? `${path === '' ? '.' : path}/` : path;
}
