import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../core/bounded.js';
import { sha256 } from '../core/digest.js';
import { asPrestageError, PrestageError } from '../core/errors.js';
import { rereading } from '../core/rereading.js';
import type { Flusher } from './flusher.js';
import { formatManifest, parseManifest, parseTotals, type TreeTotals, totalsOf } from './manifest.js';
import { isStoreName, MANIFEST_SUFFIX, type StorePaths, storePaths, temporaryName } from './paths.js';
import { placeFile, placeFolder } from './place.js';
import { flushFolder, writeNewFile } from './publish-file.js';
import { hashFile, IN_FLIGHT, ifThere, listAnew } from './reading.js';
import { removeAll } from './remove.js';
import { setAside } from './set-aside.js';
import type { TreeEntry } from './tree-entry.js';

/** What is known of a tree from its manifest alone; `digest` is the SHA-256 of the manifest's bytes. */
export interface TreeSummary extends TreeTotals {
  digest: string;
}

/**
 * Which of these trees are ready: a look-up each, no walk. A tree is there when its folder is; its manifest came first.
 * One without its manifest counts as missing: nobody knows what is in it, and preparing it again replaces it.
 */
export async function hasTrees(root: string, names: readonly string[]): Promise<Set<string>> {
  const paths = storePaths(root);
  try {
    const ready = await lookForTrees(paths, names);
    const missing = names.filter((name) => !ready.has(name));
    if (missing.length === 0) return ready;
    const listed = new Set(await listAnew(root, paths.trees));
    const came = await lookForTrees(
      paths,
      missing.filter((name) => listed.has(name)),
    );
    return new Set([...ready, ...came]);
  } catch (error) {
    throw asPrestageError(error, { path: paths.trees });
  }
}

async function lookForTrees(paths: StorePaths, names: readonly string[]): Promise<Set<string>> {
  const ready = await mapBounded(names, IN_FLIGHT / 2, async (name) => {
    const [tree, manifest] = await Promise.all([
      ifThere(() => lstat(paths.tree(name))),
      ifThere(() => lstat(paths.manifest(name))),
    ]);
    return tree?.isDirectory() === true && manifest?.isFile() === true;
  });
  return new Set(names.filter((_, index) => ready[index]));
}

/** The names in `trees/` that have a folder, a manifest or both, in code-unit order. */
export async function treeNames(root: string): Promise<string[]> {
  const { trees } = storePaths(root);
  try {
    const found = (await ifThere(() => readdir(trees))) ?? [];
    const names = found.map((name) => (name.endsWith(MANIFEST_SUFFIX) ? name.slice(0, -MANIFEST_SUFFIX.length) : name));
    return [...new Set(names)].filter(isStoreName).sort();
  } catch (error) {
    throw asPrestageError(error, { path: trees });
  }
}

/** @throws STORE_INVALID for a damaged manifest, STORE_IO where there is none */
export async function readTreeSummary(root: string, name: string): Promise<TreeSummary> {
  const path = storePaths(root).manifest(name);
  try {
    const { sha256, head } = await hashFile(path);
    const totals = parseTotals(head.toString('latin1'));
    if (!totals) throw damagedManifest(path);
    return { digest: sha256, ...totals };
  } catch (error) {
    throw asPrestageError(error, { path });
  }
}

function damagedManifest(path: string): PrestageError {
  return new PrestageError('STORE_INVALID', `The manifest ${path} does not begin as a manifest does.`, {
    hint: 'Remove it and the folder of the same name, and run the same command again: the tree is prepared again.',
    context: { path },
  });
}

/** A tree's entries by its manifest, and that manifest's digest. @throws STORE_INVALID */
export async function readTree(
  root: string,
  name: string,
): Promise<{ digest: string; entries: Map<string, TreeEntry> }> {
  const path = storePaths(root).manifest(name);
  try {
    const bytes = await rereading(() => readFile(path));
    return { digest: sha256(bytes), entries: parseManifest(bytes) };
  } catch (error) {
    throw asPrestageError(error, { path });
  }
}

export interface PublishTree {
  root: string;
  run: string;
  /** The tree's name: `<package>-<digest of the recipe>`. */
  name: string;
  /** The finished tree, in the run's staging folder. */
  folder: string;
  /** All that is in it. */
  entries: ReadonlyMap<string, TreeEntry>;
  flusher: Flusher;
  /** What has the name now is wrong: it is set aside. Only for who holds the store's lock. */
  replace?: boolean;
}

/**
 * Brings a finished tree to its final name: manifest first, then the folder by one rename. Where the tree is there
 * already, ours is discarded, and that is success; where it had no manifest, it is set aside. Safe without the lock, and to
 * be repeated after any failure.
 *
 * @throws STORE_INVALID where a tree of that name has another digest: the same recipe gave other bytes. DISK_FULL,
 * STORE_UNWRITABLE, STORE_IO.
 * @returns besides, where a wrong tree was set aside
 */
export async function publishTree(
  args: PublishTree,
): Promise<TreeSummary & { outcome: 'published' | 'existing'; aside?: string }> {
  const paths = storePaths(args.root);
  const manifest = formatManifest(args.entries);
  const summary = { digest: sha256(manifest), ...totalsOf(args.entries) };
  try {
    const staged = await stageManifest(paths.run(args.run), args.name, manifest);
    await args.flusher.flush(args.folder, args.entries, [staged]);
    let aside = args.replace ? await setTreeAside(args.root, args.name) : undefined;
    const hadManifest = !(await placeManifest(staged, args.root, args.name, summary.digest));
    let placed = await placeFolder(args.folder, paths.tree(args.name));
    if (!placed && !hadManifest) {
      // A folder without a manifest may hold anything.
      aside = await setAside(args.root, paths.tree(args.name));
      placed = await placeFolder(args.folder, paths.tree(args.name));
    }
    const outcome = placed ? 'published' : 'existing';
    // Anyone who collects leftovers may have seen the manifest without its tree, and taken it away.
    if (!(await ifThere(() => lstat(paths.manifest(args.name)))))
      await placeManifest(staged, args.root, args.name, summary.digest);
    await flushFolder(paths.trees);
    await removeAll(staged);
    if (outcome === 'existing') await removeAll(args.folder);
    return { outcome, ...summary, ...(aside === undefined ? {} : { aside }) };
  } catch (error) {
    throw asPrestageError(error, { path: paths.tree(args.name) });
  }
}

/** The tree first: a tree without its manifest counts as missing, and a crash after either is a tree to prepare. */
async function setTreeAside(root: string, name: string): Promise<string | undefined> {
  const paths = storePaths(root);
  const tree = await setAside(root, paths.tree(name));
  const manifest = await setAside(root, paths.manifest(name));
  return tree ?? manifest;
}

/** Under a random name: an attempt that failed may have left one. */
async function stageManifest(folder: string, name: string, manifest: Buffer): Promise<string> {
  const staged = join(folder, `${name}${temporaryName()}${MANIFEST_SUFFIX}`);
  await writeNewFile(staged, manifest, 0o644, { flush: false });
  return staged;
}

/** @returns whether there was none before */
async function placeManifest(staged: string, root: string, name: string, digest: string): Promise<boolean> {
  const path = storePaths(root).manifest(name);
  const there = await ifThere(() => hashFile(path));
  if (there === undefined && (await placeFile(staged, path))) return true;
  const found = there?.sha256 ?? (await hashFile(path)).sha256;
  if (found === digest) return false;
  throw new PrestageError(
    'STORE_INVALID',
    `The tree ${name} is in the store with another digest than the one prepared now.`,
    {
      hint: `The same recipe must give the same bytes. Check the one that is there with \`prestage verify --deep\`; if it is damaged, remove ${storePaths(root).tree(name)} and ${path}, and run the same command again.`,
      context: { path, expected: digest, found },
    },
  );
}
