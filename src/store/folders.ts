import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../core/errors.js';
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
    await calls.symlink(resolve(dirname(finalPath), target), path, 'junction');
  }
}
