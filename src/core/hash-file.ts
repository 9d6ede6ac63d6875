import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import { PrestageError } from './errors.js';
import { rereading } from './rereading.js';
import { shownPath } from './shown-path.js';

/** Reads of this size keep a disk busy, and are few enough that their overhead does not count. */
const CHUNK_BYTES = 1024 * 1024;

export interface HashOptions {
  signal?: AbortSignal | undefined;
  /** Called with how many bytes were read so far, for each MiB. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** The SHA-256 of a file's bytes, with what the file was while it was read. @throws SOURCE_CHANGED, INTERRUPTED by `signal` */
export async function hashFile(
  path: string,
  options: HashOptions = {},
): Promise<{ sha256: string; stat: BigIntStats }> {
  return rereading(() => hashOnce(path, options));
}

async function hashOnce(
  path: string,
  { signal, onProgress }: HashOptions,
): Promise<{ sha256: string; stat: BigIntStats }> {
  const file = await open(path, 'r');
  try {
    const before = await file.stat({ bigint: true });
    const hash = createHash('sha256');
    // One chunk is read while the other is hashed. A byte more than there is shows the end without another read.
    const chunkBytes = Math.min(CHUNK_BYTES, Number(before.size) + 1);
    let [current, other] = [
      Buffer.allocUnsafe(chunkBytes),
      Buffer.allocUnsafe(before.size < CHUNK_BYTES ? 0 : chunkBytes),
    ];
    let total = 0;
    let { bytesRead } = await file.read(current, 0, chunkBytes);
    while (bytesRead > 0) {
      signal?.throwIfAborted();
      total += bytesRead;
      const more = total < before.size;
      const next = more ? file.read(other, 0, chunkBytes) : undefined;
      hash.update(current.subarray(0, bytesRead));
      onProgress?.(total);
      [current, other] = [other, current];
      bytesRead = next ? (await next).bytesRead : 0;
    }
    const after = await file.stat({ bigint: true });
    if (BigInt(total) !== before.size || !sameFile(before, after)) throw sourceChanged(path);
    return { sha256: hash.digest('hex'), stat: after };
  } finally {
    await file.close().catch(() => {}); // nothing was written, so nothing can be lost
  }
}

/** Whether a file is as it was, as far as its inode tells. */
export function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

export function sourceChanged(path: string): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `${shownPath(path)} changed while it was being read.`, {
    hint: 'Wait until whatever writes it is done, then run the same command again.',
    context: { path },
    retryable: true,
  });
}
