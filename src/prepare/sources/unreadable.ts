import { asPrestageError, errnoOf, PrestageError } from '../../core/errors.js';

/** Whether there is nothing that may be read at a path; any other failure is the file system's or the machine's. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
}

/** What it means that a local input could not be read: CONFIG_FILE_MISSING, or what the file system answered. */
export function unreadable(path: string, error: unknown): PrestageError {
  if (!isMissing(error)) return asPrestageError(error, { path });
  return new PrestageError('CONFIG_FILE_MISSING', `The source ${path} cannot be read (${errnoOf(error)}).`, {
    hint: 'Put it where the configuration says, readable for the user who deploys, and run the same command again.',
    context: { path },
    cause: error,
  });
}

/** Work on a file: of what fails on its descriptor the system does not say which file it was. */
export async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw errnoOf(error) === undefined ? error : asPrestageError(error, { path });
  }
}
