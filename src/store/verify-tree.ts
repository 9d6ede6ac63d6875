import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../core/bounded.js';
import { sha256 } from '../core/digest.js';
import { PrestageError } from '../core/errors.js';
import { parseManifest } from './manifest.js';
import { storePaths } from './paths.js';
import { hashFile, IN_FLIGHT, ifThere, readLink } from './reading.js';
import type { Finding } from './report.js';
import type { TreeEntry } from './tree-entry.js';
import type { Verification } from './verification.js';

export interface TreeToVerify {
  package: string;
  tree: string;
  digest: string;
  /** Those that hold it. */
  releases: string[];
}

/** Compares a tree with its manifest, and the manifest with the digest in the release's record. */
export async function verifyTree(
  verification: Verification,
  { package: id, tree, digest, releases }: TreeToVerify,
): Promise<void> {
  const folder = storePaths(verification.root).tree(tree);
  const report = (path: string, difference: Finding, file = join(folder, path)) =>
    verification.differs({ package: id, path, tree, releases, file, ...difference });

  const entries = await readManifest(verification, tree, digest, report);
  if (!entries) return;
  const root = await verification.limit.run(() => ifThere(() => lstat(folder)));
  if (!root) return report(`trees/${tree}`, { kind: 'missing' }, folder);
  await verifyEntries(verification, folder, entries, report);
}

/** @param file where it is not in the tree */
type Report = (path: string, difference: Finding, file?: string) => void;

/** Undefined where there is nothing to compare the tree with. */
async function readManifest(
  verification: Verification,
  tree: string,
  digest: string,
  report: Report,
): Promise<Map<string, TreeEntry> | undefined> {
  const path = `trees/${tree}.mtree`;
  const file = storePaths(verification.root).manifest(tree);
  const bytes = await verification.limit.run(() => ifThere(() => readFile(file)));
  verification.checked();
  if (!bytes) {
    report(path, { kind: 'missing' }, file);
    return undefined;
  }
  const found = sha256(bytes);
  if (found !== digest) report(path, { kind: 'manifest', expected: digest, found }, file);
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (!(error instanceof PrestageError)) throw error;
    if (found === digest) report(path, { kind: 'manifest', found: error.message }, file);
    return undefined;
  }
}

async function verifyEntries(
  verification: Verification,
  folder: string,
  entries: ReadonlyMap<string, TreeEntry>,
  report: Report,
): Promise<void> {
  const all = new Map<string, TreeEntry>([['', { type: 'dir', mode: 0o755 }], ...entries]);
  /** Folders that are not there: what would be in them is not told one by one. */
  const absent = new Set<string>();
  const found: { path: string; difference: Finding }[] = [];
  await forEachBounded(all, IN_FLIGHT, ([path, entry]) =>
    verification.limit.run(async () => {
      verification.signal?.throwIfAborted();
      verification.checked();
      for await (const difference of compareEntry(join(folder, path), entry, verification.deep)) {
        found.push({ path, difference });
        if (entry.type === 'dir' && (difference.kind === 'missing' || difference.kind === 'type')) absent.add(path);
      }
    }),
  );
  for (const { path, difference } of found) if (!isUnder(path, absent)) report(path === '' ? '.' : path, difference);
  await reportExtras(verification, folder, all, absent, report);
}

/** How one entry differs. */
export async function* compareEntry(path: string, entry: TreeEntry, deep: boolean): AsyncGenerator<Finding> {
  const stats = await ifThere(() => lstat(path));
  if (!stats) return yield { kind: 'missing' };
  const type = typeOf(stats);
  if (type !== entry.type) return yield { kind: 'type', expected: entry.type, found: type };
  if (entry.type === 'link') {
    const target = await readLink(path);
    if (target !== entry.target) yield { kind: 'link', expected: entry.target, found: target ?? 'nothing' };
    return;
  }
  const mode = stats.mode & 0o7777;
  if (mode !== entry.mode && process.platform !== 'win32')
    yield { kind: 'mode', expected: entry.mode.toString(8), found: mode.toString(8) };
  if (entry.type === 'dir') return;
  if (stats.size !== entry.size) return yield { kind: 'size', expected: String(entry.size), found: String(stats.size) };
  if (!deep) return;
  const digest = (await ifThere(() => hashFile(path, entry.size)))?.sha256;
  if (digest === undefined) yield { kind: 'missing' };
  else if (digest !== entry.sha256) yield { kind: 'digest', expected: entry.sha256, found: digest };
}

export function typeOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function isUnder(path: string, folders: ReadonlySet<string>): boolean {
  for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1))
    if (folders.has(path.slice(0, slash))) return true;
  return path !== '' && folders.has('');
}

async function reportExtras(
  verification: Verification,
  folder: string,
  entries: ReadonlyMap<string, TreeEntry>,
  absent: ReadonlySet<string>,
  report: Report,
): Promise<void> {
  await forEachBounded(entries, IN_FLIGHT, async ([path, entry]) => {
    if (entry.type !== 'dir' || absent.has(path) || isUnder(path, absent)) return;
    verification.signal?.throwIfAborted();
    const names = await verification.limit.run(() => ifThere(() => readdir(join(folder, path))));
    for (const name of names ?? []) {
      const inside = path === '' ? name : `${path}/${name}`;
      if (!entries.has(inside)) report(inside, { kind: 'extra' });
    }
  });
}
