import type { FileHandle } from 'node:fs/promises';
import { archiveError } from '../archive-error.js';
import { beyond } from '../limits.js';
import { type EndRecord, readAt, safeNumber } from './zip-end-record.js';
import { zipName } from './zip-name.js';

/** An entry as the central directory has it (APPNOTE 4.3.12): the directory is what counts, local headers must agree. */
export interface ZipEntry {
  name: string;
  /** The name's bytes: the local header must have the same. */
  rawName: Buffer;
  kind: 'file' | 'folder' | 'link';
  mode: number;
  flags: number;
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
  /** Of its local header, in the file. */
  offset: number;
}

export const FLAG = {
  encrypted: 1,
  descriptor: 1 << 3,
  patched: 1 << 5,
  strong: 1 << 6,
  utf8: 1 << 11,
  masked: 1 << 13,
} as const;

const HEADER_BYTES = 46;
/** The directory is read as one: this is room for a million entries. */
const MAX_DIRECTORY_BYTES = 256 * 1024 * 1024;

/**
 * Reads a zip's central directory.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT
 */
export async function readDirectory(
  handle: FileHandle,
  end: EndRecord,
  archive: string,
  maxCount: number,
): Promise<ZipEntry[]> {
  const { directorySize, entries: count } = end;
  if (count > maxCount)
    throw beyond('count', maxCount, count, { archive }, `has ${count} entries, and ${maxCount} are allowed`);
  if (directorySize > MAX_DIRECTORY_BYTES)
    throw archiveError('ARCHIVE_LIMIT', { archive }, `has a directory of ${directorySize} bytes`);
  const directory = await readAt(handle, end.directoryOffset, end.directorySize);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < directory.length) {
    const invalid = (what: string) =>
      archiveError('ARCHIVE_INVALID', { archive, offset: end.directoryOffset + at }, what);
    if (at + HEADER_BYTES > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
      throw invalid('its directory is damaged');
    const nameEnd = at + HEADER_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const next = extraEnd + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw invalid('its directory is damaged');
    const extra = extraFields(directory.subarray(nameEnd, extraEnd));
    if (extra === undefined) throw invalid('its directory has a damaged extra field');
    entries.push(
      parseEntry(directory.subarray(at, next), directory.subarray(at + HEADER_BYTES, nameEnd), extra, end, archive),
    );
    at = next;
  }
  if (entries.length === end.entries && directory.length === end.directorySize) return entries;
  throw archiveError(
    'ARCHIVE_INVALID',
    { archive },
    `has ${entries.length} entries, and says that it has ${end.entries}`,
    { reason: 'headers-differ' },
  );
}

function parseEntry(header: Buffer, rawName: Buffer, extra: ExtraFields, end: EndRecord, archive: string): ZipEntry {
  const flags = header.readUInt16LE(8);
  const host = header[5] ?? 0;
  const unix = host === 3 || host === 19; // Unix, macOS
  const name = zipName(rawName, { utf8: (flags & FLAG.utf8) !== 0, unix, unicodePath: extra.get(0x7075) });
  const place = { archive, entry: name ?? rawName.toString('latin1') };
  if (name === undefined) {
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a name that is not UTF-8', {
      reason: 'encoding',
      hint: 'Pack it again with a program that writes names in UTF-8, on a system whose names are in UTF-8.',
    });
  }
  const sizes = withZip64(header, extra.get(1));
  if (sizes === undefined) throw archiveError('ARCHIVE_INVALID', place, 'has sizes that zip64 must give, and does not');
  if (sizes.disk !== 0)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'lies in another part of the archive', { reason: 'multi-part' });
  return {
    name,
    rawName,
    ...kindAndMode(header.readUInt32LE(38), unix, name, place),
    flags,
    method: header.readUInt16LE(10),
    crc: header.readUInt32LE(16),
    size: sizes.size,
    compressedSize: sizes.compressedSize,
    offset: sizes.offset + end.prefix,
  };
}

function kindAndMode(
  attributes: number,
  unix: boolean,
  name: string,
  place: { archive: string; entry: string },
): Pick<ZipEntry, 'kind' | 'mode'> {
  const mode = unix ? attributes >>> 16 : 0o644;
  const isFolder = name.endsWith('/');
  switch (mode & 0o170000) {
    case 0o120000:
      if (isFolder) throw archiveError('ARCHIVE_INVALID', place, 'is a link with the name of a folder');
      return { kind: 'link', mode };
    case 0o040000:
      return { kind: 'folder', mode };
    case 0:
    case 0o100000: {
      return { kind: isFolder ? 'folder' : 'file', mode };
    }
    default:
      throw archiveError('ARCHIVE_UNSAFE', place, 'is a device, a named pipe or a socket', { reason: 'special-file' });
  }
}

/** Zip64's extra field has, in this order, those values that do not fit into the header (APPNOTE 4.5.3). */
function withZip64(
  header: Buffer,
  field: Buffer | undefined,
): { size: number; compressedSize: number; offset: number; disk: number } | undefined {
  let at = 0;
  let missing = false;
  const value = (short: number, saturated: number, bytes: 4 | 8): number => {
    if (short !== saturated) return short;
    if (field === undefined || at + bytes > field.length) {
      missing = true;
      return short;
    }
    at += bytes;
    return bytes === 8 ? safeNumber(field.readBigUInt64LE(at - 8)) : field.readUInt32LE(at - 4);
  };
  const sizes = {
    size: value(header.readUInt32LE(24), 0xffffffff, 8),
    compressedSize: value(header.readUInt32LE(20), 0xffffffff, 8),
    offset: value(header.readUInt32LE(42), 0xffffffff, 8),
    disk: value(header.readUInt16LE(34), 0xffff, 4),
  };
  return missing ? undefined : sizes;
}

type ExtraFields = ReadonlyMap<number, Buffer>;

/** Extra fields by their id, the first of each. Up to three bytes of padding are seen in the wild (Android's zipalign). */
export function extraFields(extra: Buffer): ExtraFields | undefined {
  const fields = new Map<number, Buffer>();
  let at = 0;
  while (at + 4 <= extra.length) {
    const id = extra.readUInt16LE(at);
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) return undefined;
    if (!fields.has(id)) fields.set(id, extra.subarray(at + 4, end));
    at = end;
  }
  return fields;
}
