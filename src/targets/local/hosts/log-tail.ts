import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../../../core/errors.js';

const TAIL_BYTES = 64 * 1024;

/** The last lines of a log, oldest first; none where there is no log. Reads no more than its last 64 KiB. */
export async function lastLines(path: string, count: number): Promise<string[]> {
  const file = await openIfThere(path);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    if (lines.at(-1) === '') lines.pop();
    // The first one may be cut off.
    return (start > 0 ? lines.slice(1) : lines).slice(-count);
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
