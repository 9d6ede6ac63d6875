import type { FileHandle } from 'node:fs/promises';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';

/** Where a zip's directory is: from its end record, and from that of zip64 where there is one (APPNOTE 4.3.14 to 4.3.16). */
export interface EndRecord {
  entries: number;
  /** Where the directory starts in the file, and how long it is. */
  directoryOffset: number;
  directorySize: number;
  /** Bytes before the archive proper (the program of a self-extracting one); offsets in it may count from there. */
  prefix: number;
}

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const MAX_COMMENT_BYTES = 65_535;

/**
 * Looks for a zip's end record: it must reach, with its comment, exactly to the end of the file.
 * @returns undefined where there is none
 * @throws ARCHIVE_INVALID where there is one, and it is not right
 */
export async function findEndRecord(handle: FileHandle, size: number, archive: string): Promise<EndRecord | undefined> {
  const tailSize = Math.min(size, END_BYTES + MAX_COMMENT_BYTES + LOCATOR_BYTES + END64_BYTES);
  const tailStart = size - tailSize;
  const tail = await readAt(handle, tailStart, tailSize);
  const found: number[] = [];
  for (
    let at = tail.lastIndexOf('PK\x05\x06');
    at !== -1;
    at = at === 0 ? -1 : tail.lastIndexOf('PK\x05\x06', at - 1)
  ) {
    if (at + END_BYTES <= tail.length && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length) found.push(at);
  }
  const [at] = found;
  if (at === undefined) return undefined;
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset: tailStart + at }, what, reason && { reason });
  if (found.length > 1) throw invalid('has two end records, so programs differ in what it holds', 'headers-differ');
  const disks = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6)];
  const record = {
    entries: tail.readUInt16LE(at + 10),
    directorySize: tail.readUInt32LE(at + 12),
    directoryOffset: tail.readUInt32LE(at + 16),
  };
  const hasZip64 = at >= LOCATOR_BYTES && tail.readUInt32LE(at - LOCATOR_BYTES) === 0x07064b50;
  if (!hasZip64) {
    if (disks.some((disk) => disk !== 0) || record.entries !== tail.readUInt16LE(at + 8)) {
      throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'is one part of several', { reason: 'multi-part' });
    }
    return located(record, tailStart + at, invalid);
  }
  const locatorAt = tailStart + at - LOCATOR_BYTES;
  if (tail.readUInt32LE(at - 4) > 1)
    throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'is one part of several', { reason: 'multi-part' });
  const declared = safeNumber(tail.readBigUInt64LE(at - 12));
  const end64 = await readEnd64(handle, declared, locatorAt);
  if (end64 === undefined) throw invalid('has no zip64 end record where it says');
  const agrees = (short: number, saturated: number, long: number) => short === saturated || short === long;
  if (
    !agrees(record.entries, 0xffff, end64.entries) ||
    !agrees(record.directorySize, 0xffffffff, end64.directorySize) ||
    !agrees(record.directoryOffset, 0xffffffff, end64.directoryOffset)
  ) {
    throw invalid('has two end records that differ', 'headers-differ');
  }
  return located(end64, end64.at, invalid);
}

interface DeclaredRecord {
  entries: number;
  directorySize: number;
  directoryOffset: number;
}

/** The directory lies right before its end record, wherever the archive says: what is before the archive moved it. */
function located(record: DeclaredRecord, endAt: number, invalid: (what: string) => Error): EndRecord {
  const directoryOffset = endAt - record.directorySize;
  const prefix = directoryOffset - record.directoryOffset;
  if (prefix < 0)
    throw invalid('has a directory that does not fit into the file: it is cut off, or its end record is wrong');
  return { ...record, directoryOffset, prefix };
}

async function readEnd64(
  handle: FileHandle,
  declared: number,
  locatorAt: number,
): Promise<(DeclaredRecord & { at: number }) | undefined> {
  // Where something stands before the archive, the declared place is off by its length.
  for (const at of [declared, locatorAt - END64_BYTES]) {
    if (at < 0 || at + END64_BYTES > locatorAt) continue;
    const record = await readAt(handle, at, END64_BYTES);
    if (record.length < END64_BYTES || record.readUInt32LE(0) !== 0x06064b50) continue;
    if (at + 12 + safeNumber(record.readBigUInt64LE(4)) !== locatorAt) continue;
    return {
      at,
      entries: safeNumber(record.readBigUInt64LE(32)),
      directorySize: safeNumber(record.readBigUInt64LE(40)),
      directoryOffset: safeNumber(record.readBigUInt64LE(48)),
    };
  }
  return undefined;
}

/** Larger than any file is as good as infinite, and fails the checks that follow. */
export function safeNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** Bytes at a place, or as many as there are. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
