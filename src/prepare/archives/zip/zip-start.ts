import type { FileHandle } from 'node:fs/promises';
import { archiveError } from '../archive-error.js';
import { readAt } from '../read-at.js';
import type { ZipEntry } from './zip-directory.js';
import { LOCAL_HEADER_BYTES, localHeaderLength } from './zip-local-header.js';

/** So far into a file, 7-Zip looks for its first entry. */
const SEARCHED_BYTES = 8 * 1024 * 1024;
/** APPNOTE 4.4.3 and 4.4.5: the highest that there are, 6.3 and AE-x. */
const MAX_VERSION = 63;
const MAX_METHOD = 99;

/**
 * What stands before the first entry may be a program, but no entry: 7-Zip, and programs that read in order, would see that
 * one, and not the others.
 * @throws ARCHIVE_INVALID
 */
export async function checkStart(
  handle: FileHandle,
  entries: readonly ZipEntry[],
  directoryOffset: number,
  archive: string,
): Promise<void> {
  const first = entries.reduce((least, { offset }) => Math.min(least, offset), directoryOffset);
  if (first === 0) return;
  // With what follows, as the last header before it may be of any length.
  const start = await readAt(handle, 0, Math.min(first, SEARCHED_BYTES) + 2 * 65_536);
  for (let at = start.indexOf(LOCAL_SIGNATURE); at !== -1 && at < first; at = start.indexOf(LOCAL_SIGNATURE, at + 1)) {
    if (at === 0 ? isPadding(start) : !isEntry(start.subarray(at))) continue;
    const what = 'has an entry before its first one that is not in its directory';
    throw archiveError('ARCHIVE_INVALID', { archive, offset: at }, what, { reason: 'headers-differ' });
  }
}

const LOCAL_SIGNATURE = 'PK\x03\x04';

/** Android's tools align a package by an entry without a name or content. 7-Zip alone makes something of it: an empty file. */
function isPadding(bytes: Buffer): boolean {
  const compressionToName = bytes.subarray(8, 28);
  const times = [2, 3, 4, 5];
  return bytes.length >= LOCAL_HEADER_BYTES && compressionToName.every((byte, at) => byte === 0 || times.includes(at));
}

/** Programs that unpack have this signature in them, with other code behind it. */
function isEntry(bytes: Buffer): boolean {
  if (bytes.length < LOCAL_HEADER_BYTES) return false;
  const isKnown = (bytes[4] ?? 0) <= MAX_VERSION && bytes.readUInt16LE(8) <= MAX_METHOD;
  const nameEnd = LOCAL_HEADER_BYTES + bytes.readUInt16LE(26);
  const end = localHeaderLength(bytes);
  if (!isKnown || nameEnd === LOCAL_HEADER_BYTES || end > bytes.length) return false;
  // Not its extra fields, too: 7-Zip takes an entry whose fields are broken.
  return !bytes.subarray(LOCAL_HEADER_BYTES, nameEnd).includes(0);
}
