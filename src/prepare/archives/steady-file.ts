import { type FileHandle, open } from 'node:fs/promises';
import { PrestageError } from '../../core/errors.js';

/**
 * Reads an archive at random, and sees to it that it was the same file all the while.
 * @throws SOURCE_CHANGED, and what `work` throws
 */
export async function withSteadyFile(
  file: string,
  archive: string,
  work: (handle: FileHandle, size: number) => Promise<void>,
): Promise<void> {
  const handle = await open(file);
  try {
    const before = await handle.stat({ bigint: true });
    await work(handle, Number(before.size));
    const after = await handle.stat({ bigint: true });
    // A file that lost its name is the same file: an entry may take that name, where an archive is unpacked beside itself.
    const isTouched = after.ctimeNs !== before.ctimeNs && after.nlink === before.nlink;
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || isTouched) {
      throw new PrestageError('SOURCE_CHANGED', `${archive} changed while it was being read.`, {
        hint: 'Wait until whatever writes it is done, then run the same command again.',
        context: { file: archive },
      });
    }
  } finally {
    await handle.close();
  }
}
