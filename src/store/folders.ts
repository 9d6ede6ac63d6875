import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../core/errors.js';
import { calls } from './system-calls.js';

/** Makes a folder of mode 755, whatever the umask, and its parents. One that is there stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeNewFolder(path);
  } catch (error) {
    switch (errnoOf(error)) {
      case 'EEXIST':
        if ((await stat(path)).isDirectory()) return; // stat: it may be a link to a folder
        throw error;
      case 'ENOENT':
        if (dirname(path) === path) throw error;
        await makeFolder(dirname(path));
        return makeFolder(path);
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
    await calls.symlink(resolve(dirname(finalPath), target), path, 'junction');
  }
}
