import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { forEachBounded } from '../core/bounded.js';
import { asPrestageError } from '../core/errors.js';
import { rmdir, unlink } from '../core/held-files.js';
import { livenessOf, processRecord, thisMachine, thisProcess } from '../core/this-process.js';
import { makeFolder, makeNewFolder } from './folders.js';
import { isStoreName, isTemporaryName, MANIFEST_SUFFIX, type StorePaths, storePaths, temporaryName } from './paths.js';
import { move } from './place.js';
import { writeNewFile } from './publish-file.js';
import { IN_FLIGHT, ifThere, isAbsent } from './reading.js';
import { removeAll, unlessInUse } from './remove.js';
import { calls } from './system-calls.js';

export interface Staging {
  /** `.staging/<run>`, on the store's file system: what is made here comes to its final name by a rename. */
  folder: string;
  /** Deletes it, with what is left in it. */
  close(): Promise<void>;
}

/** In a run's folder: the process that works there. */
const OWNER = '.owner';

/**
 * Makes a run's folder for work in progress, and the store around it where there is none.
 * @throws STORE_UNWRITABLE, DISK_FULL, STORE_IO
 */
export async function openStaging(root: string, run: string): Promise<Staging> {
  const paths = storePaths(root);
  const folder = paths.run(run);
  try {
    for (const path of [paths.trees, paths.releases, paths.staging]) await makeFolder(path, { flush: true });
    await makeNewFolder(folder);
  } catch (error) {
    throw asPrestageError(error, { path: folder });
  }
  try {
    await writeNewFile(join(folder, OWNER), JSON.stringify(thisProcess()), 0o644, { flush: false });
  } catch (error) {
    await removeAll(folder).catch(() => undefined); // a collection would leave it alone while this process lives
    throw asPrestageError(error, { path: folder });
  }
  return {
    folder,
    async close() {
      await removeAll(folder);
    },
  };
}

/** A temporary file of this age, by the file system's own clock, belongs to nobody any more. */
const TEMPORARY_LIFE_MS = 3_600_000;

/**
 * Deletes what runs that died have left: their staging folders, manifests whose tree never came, temporary files. Only
 * for who holds the store's lock: then a run on another machine cannot be at work, and one on this machine is asked for.
 *
 * @returns how many things were removed; what is in use stays for the next time
 * @throws STORE_UNWRITABLE or STORE_IO
 */
export async function collectLeftovers(root: string): Promise<number> {
  const paths = storePaths(root);
  let removed = 0;
  try {
    for (const leftover of await findLeftovers(paths)) {
      const gone = await (dirname(leftover) === paths.staging ? removeRun(leftover) : removeAll(leftover));
      if (gone) removed += 1;
    }
    for (const name of await treelessManifests(paths)) if (await removeManifest(paths, name)) removed += 1;
  } catch (error) {
    throw asPrestageError(error, { path: root });
  }
  return removed;
}

/**
 * Deletes a run's folder. Anyone who still works there after all, as the lock was deleted or their machine slept, may give
 * a tree its final name at any moment: so each thing gets a name that only we know before anything in it is deleted, and
 * is published whole before that or not at all. The folder alone does not do: an NFS client may still know it by its handle.
 */
async function removeRun(folder: string): Promise<boolean> {
  if (!(await ifThere(() => lstat(folder)))?.isDirectory()) return removeAll(folder); // lstat: not what a link leads to
  for (const name of await namesIn(folder)) {
    const doomed = isTemporaryName(name) ? join(folder, name) : join(folder, temporaryName());
    try {
      if (!isTemporaryName(name)) await move(join(folder, name), doomed);
    } catch (error) {
      if (isAbsent(error)) continue;
      throw error;
    }
    await removeAll(doomed);
  }
  return unlessInUse(() => rmdir(folder)); // somebody may work there after all
}

async function findLeftovers(paths: StorePaths): Promise<string[]> {
  const found: string[] = [];
  await forEachBounded(await namesIn(paths.staging), IN_FLIGHT, async (name) => {
    if (!(await isAtWork(join(paths.staging, name)))) found.push(join(paths.staging, name));
  });
  const temporary = [];
  for (const folder of [paths.root, paths.trees, paths.releases])
    for (const name of await namesIn(folder)) if (isTemporaryName(name)) temporary.push(join(folder, name));
  if (temporary.length === 0) return found;
  const now = await fileSystemTime(paths);
  await forEachBounded(temporary, IN_FLIGHT, async (path) => {
    const stats = await ifThere(() => lstat(path));
    if (stats && now - stats.mtimeMs > TEMPORARY_LIFE_MS) found.push(path);
  });
  return found;
}

/** Whether a run's process is alive. One without a record died before it could write it. */
async function isAtWork(folder: string): Promise<boolean> {
  const text = await ifThere(() => readFile(join(folder, OWNER), 'utf8'));
  const owner = processRecord.safeParse(parseJson(text));
  return owner.success && owner.data.machine === thisMachine() && livenessOf(owner.data) !== 'gone';
}

/** The clocks of the server and of this machine may differ. */
async function fileSystemTime(paths: StorePaths): Promise<number> {
  const probe = join(paths.root, temporaryName());
  await writeNewFile(probe, '', 0o600, { flush: false });
  const { mtimeMs } = await lstat(probe);
  await unlink(probe);
  return mtimeMs;
}

async function treelessManifests(paths: StorePaths): Promise<string[]> {
  const names = await namesIn(paths.trees);
  const folders = new Set(names);
  return names
    .filter((name) => name.endsWith(MANIFEST_SUFFIX))
    .map((name) => name.slice(0, -MANIFEST_SUFFIX.length))
    .filter((name) => isStoreName(name) && !folders.has(name));
}

/**
 * Moves the manifest out of sight and looks again: where its tree has come in the meantime it goes back. The publisher
 * looks after its manifest once the tree is there, so that one of the two always sees the other.
 */
async function removeManifest(paths: StorePaths, name: string): Promise<boolean> {
  const aside = join(paths.trees, temporaryName());
  try {
    await move(paths.manifest(name), aside);
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  const treeCame = (await ifThere(() => lstat(paths.tree(name)))) !== undefined;
  if (treeCame) await calls.link(aside, paths.manifest(name)).catch(() => undefined); // EEXIST: its publisher was faster
  await unlink(aside);
  return !treeCame;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(() => readdir(folder))) ?? [];
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
