import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SharedLimit } from '../core/bounded.js';
import { asPrestageError, errnoOf } from '../core/errors.js';
import { rmdir, unlink } from '../core/held-files.js';
import { rereading } from '../core/rereading.js';
import { IN_FLIGHT, ifThere, isAbsent } from './reading.js';

/**
 * Deletes a file, a link, or a folder with all that is in it, many at once. What is gone already is no error; neither is
 * what another process deletes at the same time. What is in use stays, and the next collection of leftovers tries again.
 *
 * @returns whether nothing is left
 */
export async function removeAll(path: string): Promise<boolean> {
  const limit = new SharedLimit(IN_FLIGHT);
  try {
    const stats = await ifThere(() => lstat(path)); // not stat: what a link leads to is not ours
    if (!stats) return true;
    return await (stats.isDirectory() ? removeFolder(path, limit) : removeFile(path, limit));
  } catch (error) {
    throw asPrestageError(error, { path });
  }
}

async function removeFolder(folder: string, limit: SharedLimit, parent?: string): Promise<boolean> {
  const entries = await limit.run(() => listing(folder));
  const removed = await Promise.allSettled(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? removeFolder(path, limit, folder) : removeFile(path, limit, folder);
    }),
  );
  for (const outcome of removed) if (outcome.status === 'rejected') throw outcome.reason;
  return unlessInUse(() => limit.run(() => unlocking(parent, () => rmdir(folder))));
}

async function listing(folder: string) {
  try {
    return await unlocking(folder, () => rereading(() => readdir(folder, { withFileTypes: true })));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function removeFile(path: string, limit: SharedLimit, parent?: string): Promise<boolean> {
  return unlessInUse(() => limit.run(() => unlocking(parent, () => unlink(path))));
}

/**
 * Whether it is gone after `remove`. An NFS client keeps a deleted file that is open as `.nfs…` until it is closed: until
 * then that cannot be deleted (EBUSY), nor the folder that it is in (ENOTEMPTY; EEXIST says the same).
 */
export async function unlessInUse(remove: () => Promise<unknown>): Promise<boolean> {
  try {
    await remove();
  } catch (error) {
    if (isAbsent(error)) return true;
    if (!['EBUSY', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
    return false;
  }
  return true;
}

/**
 * A folder of a tree may have any mode: one that its owner may not write is opened first. Never the one that what is to
 * be deleted is in: that is not ours to change, and undefined here.
 */
async function unlocking<T>(folder: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (folder === undefined || errnoOf(error) !== 'EACCES') throw error;
    await chmod(folder, 0o700);
    return work();
  }
}
