import { dirname, join } from 'node:path';
import { asPrestageError, errnoOf, PrestageError } from '../core/errors.js';
import { unlink } from '../core/held-files.js';
import { rereading } from '../core/rereading.js';
import { temporaryName } from './paths.js';
import { move } from './place.js';
import { calls } from './system-calls.js';

/**
 * Gives a file its content in one step: readers on any machine find the old file or the new one, and after a crash as
 * well. Written under a random name in the same folder, checked, flushed, renamed, and the folder flushed.
 *
 * @param options.mode independent of the umask; default 0644
 * @throws DISK_FULL, STORE_UNWRITABLE or STORE_IO; then the old file is there still, or the new one (where only the
 * folder could not be flushed), and the same call may be repeated.
 */
export async function publishFile(
  path: string,
  bytes: Uint8Array | string,
  options: { mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  const fresh = join(folder, temporaryName());
  try {
    await writeNewFile(fresh, bytes, options.mode ?? 0o644, { flush: true });
    await move(fresh, path);
    await flushFolder(folder);
  } catch (error) {
    await unlink(fresh).catch(() => undefined); // gone where it was renamed; else a leftover that is collected later
    throw asPrestageError(error, { path });
  }
}

/** A file that must not exist, with all of its bytes, the mode as said whatever the umask. */
export async function writeNewFile(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
  options: { flush: boolean },
): Promise<void> {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const file = await calls.create(path, mode);
  try {
    await calls.write(file, content);
    if ((mode & process.umask()) !== 0) await calls.chmod(file, mode);
    const size = await calls.size(file);
    if (size !== content.length) {
      throw new PrestageError('STORE_IO', `Of ${content.length} bytes for ${path}, ${size} arrived.`, {
        hint: 'Check that the file system is healthy, then run the same command again.',
        context: { path },
      });
    }
    if (options.flush) await calls.sync(file);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  await calls.close(file); // an NFS client may tell only now that a write failed
}

/** Makes names in a folder (created, renamed, removed) survive a crash of the machine. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const handle = await rereading(() => calls.openToSync(folder));
  try {
    await calls.sync(handle);
  } catch (error) {
    if (!cannotFlush(error)) throw error;
  } finally {
    await handle.close();
  }
}

/** fsync(2): EINVAL where a file system has no such thing for folders. */
function cannotFlush(error: unknown): boolean {
  return ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '');
}
