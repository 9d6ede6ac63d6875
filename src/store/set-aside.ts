import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../core/errors.js';
import { makeFolder } from './folders.js';
import { storePaths, temporaryName } from './paths.js';
import { calls } from './system-calls.js';

/**
 * Moves what is wrong in the store out of the way, by a rename, so that what is right can have its name. It stays for
 * whoever looks into the cause, until the next prune.
 * @returns where it is now; undefined where there was nothing
 */
export async function setAside(root: string, path: string): Promise<string | undefined> {
  const { aside } = storePaths(root);
  const place = join(aside, basename(dirname(path)), `${basename(path)}${temporaryName()}`);
  await makeFolder(dirname(place));
  try {
    await calls.rename(path, place);
    return place;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
