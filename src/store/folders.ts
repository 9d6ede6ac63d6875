import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { asPrestageError, errnoOf, PrestageError } from '../core/errors.js';
import { unlink } from '../core/held-files.js';
import { temporaryName } from './paths.js';
import { move } from './place.js';
import { flushFolder } from './publish-file.js';
import { calls } from './system-calls.js';

/**
 * Makes a folder of mode 755, whatever the umask, and its parents. One that is there stays as it is.
 * @param options.flush what is made survives a crash of the machine: what is flushed in a folder needs the folder's name
 */
export async function makeFolder(path: string, options: { flush?: boolean } = {}): Promise<void> {
  try {
    await makeNewFolder(path);
    if (options.flush) await flushFolder(dirname(path));
  } catch (error) {
    switch (errnoOf(error)) {
      case 'EEXIST':
        if ((await stat(path)).isDirectory()) return; // stat: it may be a link to a folder
        throw error;
      case 'ENOENT':
        if (dirname(path) === path) throw error;
        await makeFolder(dirname(path), options);
        return makeFolder(path, options);
      default:
        throw error;
    }
  }
}

/** Makes one that must not exist, in a folder that does. */
export async function makeNewFolder(path: string): Promise<void> {
  await calls.mkdir(path, 0o755);
  if ((0o755 & process.umask()) !== 0) await calls.chmodFolder(path, 0o755);
}

/**
 * A link to a folder by a relative target. Windows refuses links to users without a privilege; there a junction does the
 * same, and must be absolute: `finalPath` is where the link will be when it has its final name.
 */
export async function makeFolderLink(target: string, path: string, finalPath: string): Promise<void> {
  try {
    await calls.symlink(target, path, 'dir');
  } catch (error) {
    if (process.platform !== 'win32' || errnoOf(error) !== 'EPERM') throw error;
    await calls.symlink(resolve(dirname(finalPath), target), path, 'junction').catch((cause: unknown) => {
      throw linkRefused(finalPath, cause);
    });
  }
}

function linkRefused(path: string, cause: unknown): PrestageError {
  const errno = errnoOf(cause);
  return new PrestageError(
    'STORE_UNWRITABLE',
    `Windows makes no link to a folder at ${path} (${errno} for a junction).`,
    {
      hint: 'Put the `root` on a local NTFS disk, which has junctions; or turn on Developer Mode, which allows symbolic links. Then run the same command again.',
      context: { path, errno },
      cause,
    },
  );
}

/**
 * Makes a link to a folder, or leads the one that is there to another folder. Who follows it finds the old folder or the new
 * one; on Windows, which does not rename over a link, it is absent for a moment.
 */
export async function leadFolderLink(target: string, path: string): Promise<void> {
  const fresh = join(dirname(path), temporaryName());
  try {
    await makeFolderLink(target, fresh, path);
    if (process.platform === 'win32') await unlink(path).catch(() => undefined);
    await move(fresh, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await unlink(fresh).catch(() => undefined); // gone where it was renamed
    throw asPrestageError(error, { path });
  }
}
