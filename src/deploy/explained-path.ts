import { posix, resolve, sep } from 'node:path';
import { PrestageError } from '../core/errors.js';
import { mostAlike } from '../core/nearest.js';
import type { ReleaseRecord } from '../store/index.js';
import { releaseOrLast } from './store.js';

export type RecordedPackage = ReleaseRecord['packages'][number];

/** A path in a package; empty for the package's own folder. */
export interface PlaceInPackage {
  item: RecordedPackage;
  within: string;
}

/** A path from the release on, or from a tree of the store on. */
interface Below {
  path: string;
  release?: string;
  tree?: string;
}

/** What a path stands below: the store's root as hosts have it, or as this machine has it from the working folder on. */
export function belowRelease(path: string, root: string): Below {
  const whole = path.replaceAll('\\', '/');
  const here = resolve(path);
  const below = here.startsWith(`${root}${sep}`)
    ? here
        .slice(root.length + 1)
        .split(sep)
        .join('/')
    : whole;
  const clean = posix.normalize(below).replace(/^\/+|\/+$/g, '');
  const [, kind, name = '', rest = ''] = /^(releases|trees)\/([^/]+)(?:\/(.*))?$/.exec(clean) ?? [];
  if (kind === 'releases') return { path: rest, release: name };
  if (kind === 'trees') return { path: rest, tree: name };
  return { path: clean.replace(/^current\//, '') };
}

/** The release that is meant: that which is named, or whose tree is named; else the current one, or the last. */
export function releaseMeant(
  { release, tree }: Omit<Below, 'path'>,
  records: readonly ReleaseRecord[],
  current: string | undefined,
): ReleaseRecord {
  const withTree = records.filter(({ packages }) => tree !== undefined && packages.some((item) => item.tree === tree));
  const ofTree = withTree.find((record) => record.release === current) ?? withTree.at(-1);
  return releaseOrLast(records, release ?? ofTree?.release ?? current, {
    message: 'There is no release to look into.',
    hint: '`prestage deploy` makes one.',
  });
}

/**
 * Where a path is: it begins with the destination of a package, or, where none has it, is one in a package alone.
 * @param has whether a package has, or had, such a path
 * @throws PATH_UNKNOWN with the nearest paths
 */
export async function placeOf(
  { path, tree }: Below,
  { packages }: ReleaseRecord,
  has: (place: PlaceInPackage) => Promise<boolean>,
  pathsOf: (item: RecordedPackage) => Promise<readonly string[]>,
): Promise<PlaceInPackage> {
  const inTree = packages.find((item) => item.tree === tree);
  const owner =
    inTree ?? packages.find(({ destination }) => path === destination || path.startsWith(`${destination}/`));
  if (owner !== undefined) {
    const place = { item: owner, within: inTree ? path : path.slice(owner.destination.length + 1) };
    if (place.within === '' || (await has(place))) return place;
  }
  const everywhere = tree === undefined && path !== '' ? packages.map((item) => ({ item, within: path })) : [];
  const are = await Promise.all(everywhere.map(has));
  const [found, ...others] = everywhere.filter((_, index) => are[index]);
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined) throw ambiguous(path, [found, ...others]);
  const candidates = owner ? await pathsOf(owner) : packages.map(({ destination }) => destination);
  throw unknown(owner && inTree ? `${owner.destination}/${path}` : path, candidates);
}

export function pathInRelease({ item, within }: PlaceInPackage): string {
  return within === '' ? item.destination : `${item.destination}/${within}`;
}

function ambiguous(path: string, places: readonly PlaceInPackage[]): PrestageError {
  return new PrestageError('PATH_UNKNOWN', `${places.length} packages have a ${path}.`, {
    hint: `Name one: ${places.map(pathInRelease).join(', ')}.`,
    context: { path },
  });
}

function unknown(path: string, candidates: readonly string[]): PrestageError {
  const near = mostAlike(path, candidates);
  return new PrestageError('PATH_UNKNOWN', `There is no ${path} in the release.`, {
    hint: near.length > 0 ? `Near: ${near.join(', ')}.` : 'Paths begin with the destination of a package.',
    context: { path },
  });
}
