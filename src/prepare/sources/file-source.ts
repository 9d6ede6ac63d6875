import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { asPrestageError, PrestageError } from '../../core/errors.js';
import { unreadable } from './unreadable.js';

/** Large reads keep the thread pool's round trips few (measured: gzip is twice as fast from 1 MiB as from 64 KiB). */
const CHUNK_BYTES = 1024 * 1024;

/**
 * The bytes of a local file, proven when the iteration has ended without an error. One read is always under way while
 * the chunk before it is used.
 * @throws SOURCE_CHANGED where the file is not, or does not stay, what was pinned; CONFIG_FILE_MISSING.
 */
export async function* readLocalFile(path: string, sha256: string): AsyncGenerator<Buffer> {
  const handle = await openSource(path);
  let ahead: Promise<Buffer> | undefined;
  try {
    const before = await handle.stat({ bigint: true });
    const hash = createHash('sha256');
    let position = 0;
    ahead = readAt(handle, position);
    for (;;) {
      const chunk: Buffer = await ahead;
      if (chunk.length === 0) break;
      position += chunk.length;
      // A file that grows while it is read might never end.
      if (position > before.size) throw changedError(path, 'changed while it was being read');
      ahead = readAt(handle, position);
      hash.update(chunk);
      yield chunk;
    }
    const after = await handle.stat({ bigint: true });
    if (changed(before, after)) throw changedError(path, 'changed while it was being read');
    const found = hash.digest('hex');
    if (found !== sha256) throw changedError(path, 'changed since its digest was taken', sha256, found);
  } catch (error) {
    throw asPrestageError(error, { path });
  } finally {
    await ahead?.catch(() => {});
    await handle.close().catch(() => {}); // nothing was written, so nothing can be lost
  }
}

/**
 * Runs `work` on a file that is read at random, and proves its digest beside it by one pass from start to end.
 * @throws SOURCE_CHANGED where it is not, or does not stay, what was pinned; then `work`'s own failure is of no interest.
 */
export async function withProvenFile<T>(path: string, sha256: string, work: () => Promise<T>): Promise<T> {
  const handle = await openSource(path);
  try {
    const before = await handle.stat({ bigint: true });
    const proof = (async () => {
      for await (const _ of readLocalFile(path, sha256));
    })();
    const [proven, worked] = await Promise.allSettled([proof, work()]);
    if (proven.status === 'rejected') throw proven.reason;
    if (changed(before, await handle.stat({ bigint: true })))
      throw changedError(path, 'changed while it was being read');
    if (worked.status === 'rejected') throw worked.reason;
    return worked.value;
  } finally {
    await handle.close().catch(() => {});
  }
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readAt(handle: FileHandle, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
  return buffer.subarray(0, bytesRead);
}

function changed(before: BigIntStats, after: BigIntStats): boolean {
  return (
    before.size !== after.size ||
    before.mtimeNs !== after.mtimeNs ||
    before.ctimeNs !== after.ctimeNs ||
    before.ino !== after.ino
  );
}

function changedError(path: string, how: string, expected?: string, found?: string): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `The source ${path} ${how}.`, {
    hint: 'Wait until whatever writes it is done, then run the same command again: the new content gets its own digest.',
    context: { path, ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) },
  });
}
