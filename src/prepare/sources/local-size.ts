import { stat } from 'node:fs/promises';
import { errnoOf } from '../../core/errors.js';

/** A file's size in bytes, or undefined where there is none. */
export async function existingSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
