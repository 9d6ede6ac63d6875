import type { FileHandle } from 'node:fs/promises';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { beyond } from '../limits.js';
import { looksLikeCp437 } from '../names/likely-encodings.js';
import type { Names } from '../names/names.js';
import { unknownEncoding } from '../names/unknown-encoding.js';
import { readAt } from '../read-at.js';
import { AES_FIELD, AES_METHOD, aesField, type ZipEncryption } from './zip-encryption.js';
import { type EndRecord, safeNumber } from './zip-end-record.js';
import { checkFolders, isOfUnix, isOfWindows, kindAndMode, type ZipKind } from './zip-kind.js';
import { haveBackslashes, isGuessed, type NameRules, type RawName, zipName } from './zip-name.js';

/** An entry as the central directory has it (APPNOTE 4.3.12): the directory is what counts, local headers must agree. */
export interface ZipEntry {
  name: string;
  /** How the name was read: that of the local header must be the same, read so. */
  nameRules: NameRules;
  kind: ZipKind['kind'];
  mode: number;
  flags: number;
  /** By which its content is compressed. */
  method: number;
  /** What stands in its headers for the method: of AES, a number of its own. */
  writtenMethod: number;
  encryption: ZipEncryption | undefined;
  crc: number;
  compressedSize: number;
  size: number;
  /** The position of its local header in the file. */
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
  { archive, names: { encoding }, maxCount }: { archive: string; names: Names; maxCount: number },
): Promise<ZipEntry[]> {
  const { directorySize, entries: count } = end;
  if (count > maxCount)
    throw beyond('count', maxCount, count, { archive }, `has ${count} entries, and ${maxCount} are allowed`);
  if (directorySize > MAX_DIRECTORY_BYTES)
    throw archiveError('ARCHIVE_LIMIT', { archive }, `has a directory of ${directorySize} bytes`);
  const directory = await readAt(handle, end.directoryOffset, end.directorySize);
  const headers: Header[] = [];
  for (let at = 0; at < directory.length; at += headers.at(-1)?.bytes.length ?? 0) {
    if (headers.length === maxCount)
      throw beyond(
        'count',
        maxCount,
        maxCount + 1,
        { archive },
        `has more than the ${maxCount} entries that are allowed`,
      );
    headers.push(headerAt(directory, at, { archive, offset: end.directoryOffset + at }));
  }
  if (!isCountOf(headers.length, end) || directory.length !== directorySize) {
    const what = `has ${headers.length} entries, and says that it has ${count}`;
    throw archiveError('ARCHIVE_INVALID', { archive }, what, { reason: 'headers-differ' });
  }
  const ofWindows = headers.filter(({ host }) => isOfWindows(host)).map(({ name }) => name);
  const backslashes = haveBackslashes(ofWindows, encoding);
  const named = headers.map((header) => {
    const { host } = header;
    return { header, nameRules: { unix: isOfUnix(host), backslashes: backslashes && isOfWindows(host), encoding } };
  });
  checkGuessed(
    named.flatMap(({ header: { name }, nameRules }) => (isGuessed(name, nameRules) ? name.bytes : [])),
    archive,
  );
  const entries = named.map(({ header, nameRules }) => toEntry(header, nameRules, end, archive));
  checkFolders(entries, archive);
  return entries;
}

/** All names are of one encoding, so one that is not of code page 437 speaks for others. @throws ARCHIVE_UNSUPPORTED */
function checkGuessed(names: Buffer[], archive: string): void {
  const other = names.find((name) => !looksLikeCp437(name));
  if (other !== undefined) throw unknownEncoding({ archive }, 'a name', [other, ...names]);
}

/** The end record has room for 65,535; programs that write more without zip64 let the count start again. */
function isCountOf(found: number, { entries, isZip64 }: EndRecord): boolean {
  return found === entries || (!isZip64 && found % 0x10000 === entries);
}

interface Header {
  bytes: Buffer;
  host: number;
  name: RawName;
  extra: ExtraFields;
}

function headerAt(directory: Buffer, at: number, place: ArchivePlace): Header {
  const invalid = (what: string) => archiveError('ARCHIVE_INVALID', place, what);
  if (at + HEADER_BYTES > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
    throw invalid('its directory is damaged');
  const nameEnd = at + HEADER_BYTES + directory.readUInt16LE(at + 28);
  const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
  const next = extraEnd + directory.readUInt16LE(at + 32);
  if (next > directory.length) throw invalid('its directory is damaged');
  const extra = extraFields(directory.subarray(nameEnd, extraEnd));
  if (extra === undefined) throw invalid('its directory has an extra field that is damaged, or two that differ');
  const bytes = directory.subarray(at, next);
  const isUtf8 = (bytes.readUInt16LE(8) & FLAG.utf8) !== 0;
  const name = { bytes: directory.subarray(at + HEADER_BYTES, nameEnd), isUtf8, unicodePath: extra.get(0x7075) };
  return { bytes, host: bytes[5] ?? 0, name, extra };
}

function toEntry(
  { bytes, host, name: raw, extra }: Header,
  nameRules: NameRules,
  end: EndRecord,
  archive: string,
): ZipEntry {
  const name = zipName(raw, nameRules);
  const place = { archive, entry: name ?? raw.bytes.toString('latin1') };
  if (name === undefined) {
    if (!raw.isUtf8 && raw.unicodePath === undefined)
      throw unknownEncoding({ archive }, 'a name', [raw.bytes], nameRules.encoding);
    throw archiveError(
      'ARCHIVE_UNSUPPORTED',
      place,
      'has a name that is not UTF-8, or two, and nothing says which counts',
      {
        reason: 'encoding',
        hint: 'Pack it again with a program that writes names in UTF-8, and says so.',
      },
    );
  }
  // bsdtar takes them for letters only in what was made on Unix, and there only beside a slash; others always do.
  if (name.includes('\\') && (host !== 3 || !name.includes('/')))
    throw archiveError(
      'ARCHIVE_UNSAFE',
      place,
      'has a backslash in its name that may be a letter or separate folders',
      {
        reason: 'path-backslash',
      },
    );
  const sizes = withZip64(bytes, extra.get(1));
  if (sizes === undefined) throw archiveError('ARCHIVE_INVALID', place, 'has sizes that zip64 must give, and does not');
  if (sizes.disk !== 0)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'lies in another part of the archive', { reason: 'multi-part' });
  return {
    name,
    nameRules,
    ...kindAndMode(bytes.readUInt32LE(38), host, name, place),
    flags: bytes.readUInt16LE(8),
    writtenMethod: bytes.readUInt16LE(10),
    ...packing(bytes, extra),
    crc: bytes.readUInt32LE(16),
    size: sizes.size,
    compressedSize: sizes.compressedSize,
    offset: sizes.offset + end.prefix,
  };
}

/** How the content is compressed and encrypted; of what is not known, the method that is written. */
function packing(header: Buffer, extra: ExtraFields): Pick<ZipEntry, 'method' | 'encryption'> {
  const [flags, method] = [header.readUInt16LE(8), header.readUInt16LE(10)];
  if ((flags & FLAG.encrypted) === 0) return { method, encryption: undefined };
  if (method === AES_METHOD) return aesField(extra.get(AES_FIELD)) ?? { method, encryption: undefined };
  // The high byte of the CRC, or of the time where the CRC was not known yet.
  return { method, encryption: { kind: 'zipcrypto', checks: [header[19] ?? 0, header[13] ?? 0] } };
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

/** Extra fields by their id; undefined where one is damaged, or there twice and differs. */
export function extraFields(extra: Buffer): ExtraFields | undefined {
  const fields = new Map<number, Buffer>();
  for (const { id, content } of extraFieldsIn(extra)) {
    // unzip takes the last of two, others the first.
    if (content === undefined || fields.get(id)?.equals(content) === false) return undefined;
    fields.set(id, content);
  }
  return fields;
}

/** As they stand there, up to one that is damaged, without content. Up to three bytes of padding are seen in the wild (Android's zipalign). */
export function* extraFieldsIn(extra: Buffer): Generator<{ id: number; content: Buffer | undefined }> {
  for (let at = 0; at + 4 <= extra.length; ) {
    const id = extra.readUInt16LE(at);
    const end = at + 4 + extra.readUInt16LE(at + 2);
    yield { id, content: end > extra.length ? undefined : extra.subarray(at + 4, end) };
    at = end;
  }
}
