import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { PrestageError } from '../core/errors.js';

/** Where things are in a store (docs/store-format.md). */
export interface StorePaths {
  root: string;
  trees: string;
  releases: string;
  current: string;
  staging: string;
  lock: string;
  /** What `verify --repair` replaced, until the next prune. */
  aside: string;
  tree(name: string): string;
  manifest(name: string): string;
  release(id: string): string;
  releaseRecord(id: string): string;
  run(run: string): string;
}

/** The paths throw INTERNAL for a name that could lead elsewhere: names come from job files. */
export function storePaths(root: string): StorePaths {
  const trees = join(root, 'trees');
  const releases = join(root, 'releases');
  const staging = join(root, '.staging');
  return {
    root,
    trees,
    releases,
    current: join(root, 'current'),
    staging,
    lock: join(root, '.lock'),
    aside: join(root, '.aside'),
    tree: (name) => join(trees, checkedName(name)),
    manifest: (name) => join(trees, `${checkedName(name)}${MANIFEST_SUFFIX}`),
    release: (id) => join(releases, checkedName(id)),
    releaseRecord: (id) => join(releases, checkedName(id), RECORD_NAME),
    run: (run) => join(staging, checkedName(run)),
  };
}

export const MANIFEST_SUFFIX = '.mtree';
export const RECORD_NAME = 'release.json';
/** Under a release: the hosts' scripts. */
export const SCRIPTS_FOLDER = '.prestage/scripts';

export function isStoreName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name);
}

function checkedName(name: string): string {
  if (isStoreName(name)) return name;
  throw new PrestageError('INTERNAL', `${JSON.stringify(name)} cannot be a name in a store.`);
}

/** A run's name: sorts by time, and is unique without a process id or a host name, which another machine may share. */
export function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(6).toString('hex')}`;
}

const TEMPORARY_PREFIX = '.tmp-';

/** A name that nobody else uses, for a file or link on its way to its final name in the same folder. */
export function temporaryName(): string {
  return `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`;
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}
