import { lstat } from 'node:fs/promises';
import { errnoOf } from '../core/errors.js';
import { whileHeld } from '../core/held-files.js';
import { ifThere } from './reading.js';
import { calls } from './system-calls.js';

/** Renames what nobody else writes; on Windows, as soon as nobody has it open. */
export function move(from: string, to: string): Promise<void> {
  return whileHeld(() => calls.rename(from, to));
}

/**
 * Gives a finished file a second, final name, and never takes the name from another: link(2). Where a file system has no
 * hard links it is renamed, after a look; two that do that at the same moment could then replace one another.
 *
 * @returns whether the name is now ours; false where it was taken
 */
export async function placeFile(file: string, name: string): Promise<boolean> {
  try {
    await calls.link(file, name);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return isSameFile(file, name);
    if (!isUnsupported(errno)) throw error;
  }
  if (await ifThere(() => lstat(name))) return false;
  await move(file, name);
  return true;
}

/**
 * An NFS server may answer EEXIST to a request that it has carried out, when its first answer got lost. Inode numbers are
 * compared as bigints: those of EFS are beyond 2^53, where two of them may be the same double.
 */
async function isSameFile(file: string, name: string): Promise<boolean> {
  const stat = (path: string) => ifThere(() => lstat(path, { bigint: true }));
  const [ours, theirs] = await Promise.all([stat(file), stat(name)]);
  return ours !== undefined && ours.ino !== 0n && ours.ino === theirs?.ino && ours.dev === theirs.dev;
}

function isUnsupported(errno: string | undefined): boolean {
  return errno !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno);
}

/**
 * Renames a finished folder to its final name.
 * @returns false where there is one already
 */
export function placeFolder(folder: string, name: string): Promise<boolean> {
  return whileHeld(() => tryToPlaceFolder(folder, name));
}

async function tryToPlaceFolder(folder: string, name: string): Promise<boolean> {
  try {
    await calls.rename(folder, name);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    // ENOENT: an NFS server's answer to a repeated request that it has carried out. EPERM, EACCES: Windows' ENOTEMPTY, among others.
    if (!errno || !['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EACCES'].includes(errno)) throw error;
    if ((await ifThere(() => lstat(name))) === undefined) throw error;
    return false;
  }
}
