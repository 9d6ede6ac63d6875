import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { mapBounded } from '../core/bounded.js';
import { errnoOf } from '../core/errors.js';
import { makeFolder } from './folders.js';
import { storePaths, temporaryName } from './paths.js';
import { IN_FLIGHT, ifThere } from './reading.js';
import { calls } from './system-calls.js';

/**
 * Moves what is wrong in the store out of the way, by a rename, so that what is right can have its name. It stays for
 * anyone who looks into the cause, until the next prune.
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

/** What is aside, with what its files hold in bytes. */
export async function listAside(root: string): Promise<{ path: string; bytes: number }[]> {
  const { aside } = storePaths(root);
  const kinds = (await ifThere(() => readdir(aside))) ?? [];
  const paths = await Promise.all(
    kinds.sort().map(async (kind) => {
      const names = (await ifThere(() => readdir(join(aside, kind)))) ?? [];
      return names.sort().map((name) => join(aside, kind, name));
    }),
  );
  return Promise.all(
    paths.flat().map(async (path) => ({ path: relative(root, path).replaceAll('\\', '/'), bytes: await sizeOf(path) })),
  );
}

async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  const files = entries?.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)) ?? [
    path,
  ];
  const sizes = await mapBounded(files, IN_FLIGHT, async (file) => (await ifThere(() => lstat(file)))?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
