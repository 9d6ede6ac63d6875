import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../core/errors.js';

/** How many file operations may be under way: a network file system answers many at once as fast as one. */
export const IN_FLIGHT = 64;

/**
 * Repeats a read that an NFS server answered with ESTALE: the file was replaced or removed by another client while its
 * handle was in use, and the same path leads to what is there now. Safe for reads only.
 */
export async function rereading<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (errnoOf(error) !== 'ESTALE' || attempt === 4) throw error;
    }
  }
}

/** What `read` gives, or undefined where there is nothing at that path (any more). */
export async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await rereading(read);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

const CHUNK_BYTES = 1024 * 1024;

/** A file's SHA-256, in constant memory. `head` is its first bytes, up to one chunk. */
export async function hashFile(path: string): Promise<{ sha256: string; head: Buffer; bytes: number }> {
  return rereading(async () => {
    const file = await open(path, 'r');
    try {
      return await hashOpenFile(file);
    } finally {
      await file.close();
    }
  });
}

async function hashOpenFile(file: FileHandle): Promise<{ sha256: string; head: Buffer; bytes: number }> {
  const hash = createHash('sha256');
  const size = (await file.stat()).size;
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
  let head = Buffer.alloc(0);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, bytes);
    if (bytesRead === 0) return { sha256: hash.digest('hex'), head, bytes };
    const read = chunk.subarray(0, bytesRead);
    hash.update(read);
    if (bytes === 0) head = Buffer.from(read.subarray(0, 4096));
    bytes += bytesRead;
  }
}
