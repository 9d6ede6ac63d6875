import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../read-at.js';
import type { Compression } from './compression.js';
import { xzLength } from './xz-index.js';
import { zstdLength } from './zstd-frame.js';

type Length = (handle: FileHandle, size: number) => Promise<number | undefined>;

/** How many bytes a compressed file holds, as it says itself: the least that it can be. bzip2 says nothing. */
export const DECOMPRESSED_LENGTH: Readonly<Partial<Record<Compression, Length>>> = {
  gz: gzipLength,
  xz: xzLength,
  zst: zstdLength,
};

/**
 * Gzip ends with the length of what it holds, modulo 4 GiB; deflate makes nothing longer by more than a thousandth, so
 * the length is at least about that of the file, which says how often 4 GiB went round at least. Of several members,
 * only the last one's length is seen.
 */
async function gzipLength(handle: FileHandle, size: number): Promise<number> {
  const tail = await readAt(handle, Math.max(0, size - 4), 4);
  const least = Math.floor(size * 0.999) - 64;
  let length = tail.length === 4 ? tail.readUInt32LE(0) : 0;
  while (length < least) length += 2 ** 32;
  return length;
}
