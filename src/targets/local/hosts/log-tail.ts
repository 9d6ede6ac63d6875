import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../../../core/errors.js';

const TAIL_BYTES = 64 * 1024;

/**
 * The last lines of a log, oldest first; none where there is no log. Reads no more than its last 64 KiB.
 * @param from the size that the log had: what was there before does not count
 */
export async function lastLines(path: string, count: number, from = 0): Promise<string[]> {
  const file = await openIfThere(path);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(Math.min(from, size), size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    if (lines.at(-1) === '') lines.pop();
    // The first one may be cut off.
    return (start > from ? lines.slice(1) : lines).slice(-count);
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
