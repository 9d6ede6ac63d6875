import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../read-at.js';

const LONGEST_HEADER_BYTES = 18;

/** What the first frame of a zstd file says that it comes to (RFC 8878, 3.1.1.1); undefined where it does not say. */
export async function zstdLength(handle: FileHandle): Promise<number | undefined> {
  const header = await readAt(handle, 0, LONGEST_HEADER_BYTES);
  if (header.length < LONGEST_HEADER_BYTES || header.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = header[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >>> 6) {
    case 0:
      return isSingle ? header[at] : undefined;
    case 1:
      return header.readUInt16LE(at) + 256;
    case 2:
      return header.readUInt32LE(at);
    default: {
      const length = Number(header.readBigUInt64LE(at));
      return Number.isSafeInteger(length) ? length : undefined;
    }
  }
}
