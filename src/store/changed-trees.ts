import { chmodSync, type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { asPrestageError } from '../core/errors.js';
import { unlink } from '../core/held-files.js';
import { storePaths } from './paths.js';
import { ifThere } from './reading.js';
import type { Finding } from './report.js';
import type { TreeEntry } from './tree-entry.js';
import { readTree } from './trees.js';
import { compareEntry } from './verify-tree.js';

export interface ChangedTree {
  package: string;
  tree: string;
  /** With the path in the tree. */
  differences: ChangedEntry[];
}

type ChangedEntry = { path: string } & Finding;

/**
 * Which trees somebody wrote to since they were published. Whatever was touched since has a later ctime than the manifest,
 * and only that is compared with it, every byte: a tree that nobody touched costs a look at each name. Trees that are not
 * there, or have no manifest, are not told: they are not ready.
 */
export async function changedTrees(
  root: string,
  packages: readonly { id: string; tree: string }[],
): Promise<ChangedTree[]> {
  const changed: ChangedTree[] = [];
  for (const { id, tree } of packages) {
    try {
      const differences = await differencesOf(root, tree);
      if (differences.length > 0) changed.push({ package: id, tree, differences });
    } catch (error) {
      throw asPrestageError(error, { path: storePaths(root).tree(tree) });
    }
  }
  return changed;
}

/**
 * Takes a tree's readiness away: without its manifest it is not ready, is prepared again, and then replaced. What runs on
 * it goes on until then.
 */
export async function forgetTree(root: string, tree: string): Promise<void> {
  const path = storePaths(root).manifest(tree);
  try {
    await ifThere(() => unlink(path));
  } catch (error) {
    throw asPrestageError(error, { path });
  }
}

async function differencesOf(root: string, tree: string): Promise<ChangedEntry[]> {
  const paths = storePaths(root);
  const folder = paths.tree(tree);
  const manifest = await ifThere(() => lstat(paths.manifest(tree)));
  const top = await ifThere(() => lstat(folder));
  if (!manifest || !top) return [];
  const touched = [...touchedSince(folder, manifest.ctimeMs, top)];
  if (touched.length === 0) return [];

  const { entries } = await readTree(root, tree);
  const differences: ChangedEntry[] = [];
  for (const path of touched) {
    const entry = path === '' ? ROOT : entries.get(path);
    if (!entry) {
      differences.push({ path, kind: 'extra' });
      continue;
    }
    for await (const difference of compareEntry(join(folder, path), entry, true))
      differences.push({ path, ...difference });
    if (entry.type === 'dir') differences.push(...missingFrom(folder, path, entries));
  }
  if (differences.length === 0) vouch(paths.manifest(tree), manifest);
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const ROOT: TreeEntry = { type: 'dir', mode: 0o755 };

/** Synchronous: a promise for each of many thousand names takes five times as long. */
function* touchedSince(folder: string, since: number, top: Stats, path = ''): Generator<string> {
  if (top.ctimeMs > since) yield path;
  for (const { name, stats } of statsIn(join(folder, path))) {
    const inside = path === '' ? name : `${path}/${name}`;
    if (stats.isDirectory()) yield* touchedSince(folder, since, stats, inside);
    else if (stats.ctimeMs > since) yield inside;
  }
}

function statsIn(folder: string): { name: string; stats: Stats }[] {
  return names(folder).flatMap(({ name }) => {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    return stats ? [{ name, stats }] : [];
  });
}

function names(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true });
}

/** A folder is touched when something is taken out of it. */
function missingFrom(folder: string, path: string, entries: ReadonlyMap<string, TreeEntry>): ChangedEntry[] {
  const there = new Set(names(join(folder, path)).map(({ name }) => name));
  return [...entries.keys()]
    .filter((inside) => parentOf(inside) === path && !there.has(inside.slice(inside.lastIndexOf('/') + 1)))
    .map((inside) => ({ path: inside, kind: 'missing' as const }));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** All that was touched is as it should be (the store was copied, say): the next look need not read it again. */
function vouch(path: string, { mode }: Stats): void {
  try {
    chmodSync(path, mode & 0o7777); // which sets its ctime, and not the time at which it was prepared
  } catch {
    // It is another user's: then it is read again.
  }
}
