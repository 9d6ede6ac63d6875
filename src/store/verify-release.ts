import { lstat, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { shortDigest } from '../core/digest.js';
import { SCRIPTS_FOLDER, storePaths } from './paths.js';
import { hashFile, ifThere, readLink } from './reading.js';
import type { ReleaseRecord } from './release-record.js';
import { linkTarget } from './releases.js';
import type { Difference } from './report.js';
import type { Verification } from './verification.js';
import { typeOf } from './verify-tree.js';

/** Compares a release's folder with its record: the links to the trees, the hosts' scripts, and nothing else. */
export async function verifyRelease(verification: Verification, record: ReleaseRecord): Promise<void> {
  const release: Release = {
    ...verification,
    differs: (difference) =>
      verification.differs({
        ...difference,
        releases: [record.release],
        file: join(verification.root, difference.path),
      }),
    folder: storePaths(verification.root).release(record.release),
    path: `releases/${record.release}`,
    expected: new Set(['release.json']),
  };
  checkIdentity(release, record);
  for (const item of record.packages) await checkLink(release, item);
  for (const script of record.scripts) await checkScript(release, script);
  await reportExtras(release, '');
}

interface Release extends Omit<Verification, 'differs'> {
  differs(difference: Omit<Difference, 'releases' | 'file'>): void;
  folder: string;
  /** The folder, relative to the store's root. */
  path: string;
  /** The paths that belong to it, relative to its folder; filled as they are looked at. */
  expected: Set<string>;
}

/** A record that names itself or its trees otherwise than by their digests was not written by a publication. */
function checkIdentity(release: Release, record: ReleaseRecord): void {
  const path = `${release.path}/release.json`;
  const expected = shortDigest(record.digest);
  if (record.release !== expected)
    release.differs({ package: '', path, kind: 'record', expected, found: record.release });
  for (const { id, tree, recipe } of record.packages) {
    const name = `${id}-${shortDigest(recipe)}`;
    if (tree !== name) release.differs({ package: id, path, kind: 'record', expected: name, found: tree });
  }
}

async function checkLink(release: Release, item: ReleaseRecord['packages'][number]): Promise<void> {
  expectPath(release, item.destination);
  release.checked();
  const at = join(release.folder, item.destination);
  const where = { package: item.id, path: `${release.path}/${item.destination}` };
  const stats = await ifThere(() => lstat(at));
  if (!stats) return release.differs({ ...where, kind: 'missing' });
  if (!stats.isSymbolicLink())
    return release.differs({ ...where, kind: 'type', expected: 'link', found: typeOf(stats) });
  const expected = linkTarget(item.destination, item.tree);
  const found = await readLink(at);
  if (found !== expected && !isJunctionTo(release, found, item.tree))
    release.differs({ ...where, kind: 'link', expected, found: found ?? 'nothing' });
}

/** On Windows a link to a folder may be a junction, which is absolute. */
function isJunctionTo(release: Release, found: string | undefined, tree: string): boolean {
  const folder = storePaths(release.root).tree(tree).replaceAll('\\', '/');
  return process.platform === 'win32' && found?.replace(/\/$/, '') === folder;
}

async function checkScript(release: Release, script: ReleaseRecord['scripts'][number]): Promise<void> {
  const path = `${SCRIPTS_FOLDER}/${script.path}`;
  expectPath(release, path);
  release.checked();
  const at = join(release.folder, path);
  const where = { package: '', path: `${release.path}/${path}` };
  const stats = await ifThere(() => lstat(at));
  if (!stats) return release.differs({ ...where, kind: 'missing' });
  if (!stats.isFile()) return release.differs({ ...where, kind: 'type', expected: 'file', found: typeOf(stats) });
  const mode = stats.mode & 0o7777;
  if (mode !== 0o755 && process.platform !== 'win32')
    release.differs({ ...where, kind: 'mode', expected: '755', found: mode.toString(8) });
  const found = (await ifThere(() => hashFile(at)))?.sha256;
  if (found === undefined) release.differs({ ...where, kind: 'missing' });
  else if (found !== script.sha256) release.differs({ ...where, kind: 'digest', expected: script.sha256, found });
}

function expectPath(release: Release, path: string): void {
  for (let at = path; at !== '.'; at = posix.dirname(at)) release.expected.add(at);
}

async function reportExtras(release: Release, folder: string): Promise<void> {
  const entries = await ifThere(() => readdir(join(release.folder, folder), { withFileTypes: true }));
  for (const entry of entries ?? []) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!release.expected.has(path)) release.differs({ package: '', path: `${release.path}/${path}`, kind: 'extra' });
    else if (entry.isDirectory()) await reportExtras(release, path);
  }
}
