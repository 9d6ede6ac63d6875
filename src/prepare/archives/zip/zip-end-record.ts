import type { FileHandle } from 'node:fs/promises';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import type { Acceptance } from '../../tree/acceptance.js';
import { archiveError } from '../archive-error.js';
import { readAt } from '../read-at.js';

/** Where a zip's directory is: from its end record, and from that of zip64 where there is one (APPNOTE 4.3.14 to 4.3.16). */
export interface EndRecord {
  entries: number;
  isZip64: boolean;
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
 * Looks for a zip's end record: it must reach, with its comment, exactly to the end of the file. Most programs take the last
 * one that they find, some the first that reaches to the end, so there may be no other in its comment, nor one around it.
 * @param acceptance of what follows it, for who asks for that: else there is none then
 * @returns undefined where there is none
 * @throws ARCHIVE_INVALID where there is one, and it is not right
 */
export async function findEndRecord(
  handle: FileHandle,
  size: number,
  archive: string,
  acceptance?: Acceptance,
): Promise<EndRecord | undefined> {
  const tailSize = Math.min(size, END_BYTES + MAX_COMMENT_BYTES + LOCATOR_BYTES + END64_BYTES);
  const tailStart = size - tailSize;
  const tail = await readAt(handle, tailStart, tailSize);
  const records = signaturesIn(tail).filter((at) => at + END_BYTES <= tail.length);
  const endOf = (at: number) => at + END_BYTES + tail.readUInt16LE(at + 20);
  const [last, ...others] = records.filter((at) => endOf(at) === tail.length);
  const [only] = records.length === 1 ? records.filter((at) => endOf(at) < tail.length) : [];
  const at = last ?? (acceptance && only);
  if (at === undefined) return undefined;
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset: tailStart + at }, what, reason && { reason });
  if (last === undefined)
    acceptance?.judge('trailing-data', `at byte ${tailStart + endOf(at)}`, () =>
      invalid('is followed by something else: there is more after its end record', 'trailing-data'),
    );
  if (others.length > 0 || records.at(-1) !== at)
    throw invalid('has two end records, so programs differ in what it holds', 'headers-differ');
  const short = {
    isZip64: false,
    entries: tail.readUInt16LE(at + 10),
    directorySize: tail.readUInt32LE(at + 12),
    directoryOffset: tail.readUInt32LE(at + 16),
  };
  const long = await findZip64(handle, tail, at, tailStart);
  const disks = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6)];
  const isPart = long ? long.isPart : disks.some((disk) => disk !== 0) || short.entries !== tail.readUInt16LE(at + 8);
  if (isPart)
    throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'is one part of several', { reason: 'multi-part' });
  if (long === undefined) {
    if (short.directoryOffset === 0xffffffff) throw invalid('has no zip64 end record where it says');
    return located(short, tailStart + at, invalid);
  }
  const agrees = (one: number, saturated: number, other: number) => one === saturated || one === other;
  if (
    !agrees(short.entries, 0xffff, long.entries) ||
    !agrees(short.directorySize, 0xffffffff, long.directorySize) ||
    !agrees(short.directoryOffset, 0xffffffff, long.directoryOffset)
  ) {
    throw invalid('has two end records that differ', 'headers-differ');
  }
  return located(long, long.at, invalid);
}

function signaturesIn(tail: Buffer): number[] {
  const places: number[] = [];
  for (let at = tail.indexOf('PK\x05\x06'); at !== -1; at = tail.indexOf('PK\x05\x06', at + 1)) places.push(at);
  return places;
}

interface DeclaredRecord {
  isZip64: boolean;
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

/**
 * The record of zip64, by its locator, which stands right before the end record. What only looks like a locator (as the
 * name of the last file may) leads to none.
 */
async function findZip64(
  handle: FileHandle,
  tail: Buffer,
  endAt: number,
  tailStart: number,
): Promise<(DeclaredRecord & { at: number; isPart: boolean }) | undefined> {
  const locator = tail.subarray(Math.max(0, endAt - LOCATOR_BYTES), endAt);
  if (locator.length < LOCATOR_BYTES || locator.readUInt32LE(0) !== 0x07064b50) return undefined;
  const locatorAt = tailStart + endAt - LOCATOR_BYTES;
  const declared = safeNumber(locator.readBigUInt64LE(8));
  // Where something stands before the archive, the declared place is off by its length.
  for (const at of [declared, locatorAt - END64_BYTES]) {
    if (at < 0 || at + END64_BYTES > locatorAt) continue;
    const record = await readAt(handle, at, END64_BYTES);
    if (record.length < END64_BYTES || record.readUInt32LE(0) !== 0x06064b50) continue;
    if (at + 12 + safeNumber(record.readBigUInt64LE(4)) !== locatorAt) continue;
    return {
      at,
      isZip64: true,
      isPart: isPartOfSeveral(record, locator),
      entries: safeNumber(record.readBigUInt64LE(32)),
      directorySize: safeNumber(record.readBigUInt64LE(40)),
      directoryOffset: safeNumber(record.readBigUInt64LE(48)),
    };
  }
  return undefined;
}

/** By any of the numbers that say so: bsdtar does not believe the directory then, and reads in order. */
function isPartOfSeveral(record: Buffer, locator: Buffer): boolean {
  const disks = [record.readUInt32LE(16), record.readUInt32LE(20), locator.readUInt32LE(4)];
  const isOfOtherDisk = disks.some((disk) => disk !== 0) || locator.readUInt32LE(16) > 1;
  return isOfOtherDisk || record.readBigUInt64LE(24) !== record.readBigUInt64LE(32);
}

/** Larger than any file is as good as infinite, and fails the checks that follow. */
export function safeNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
