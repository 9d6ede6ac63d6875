import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asPrestageError } from '../core/errors.js';
import { rereading } from '../core/rereading.js';
import { isAbsent } from './reading.js';

/**
 * What is free for us on the store's file system, also before the root exists. Quotas that statfs(2) does not tell of are
 * found by writing only. `inodes` is undefined where the file system has no fixed number of them.
 */
export async function spaceAvailable(root: string): Promise<{ bytes: number; inodes: number | undefined }> {
  try {
    const { bavail, bsize, files, ffree } = await rereading(() => statfs(root));
    return { bytes: bavail * bsize, inodes: files > 0 ? ffree : undefined };
  } catch (error) {
    if (isAbsent(error) && dirname(root) !== root) return spaceAvailable(dirname(root));
    throw asPrestageError(error, { path: root });
  }
}
