import { isUtf8 } from 'node:buffer';
import { extraFields, extraFieldsIn, FLAG, type ZipEntry } from './zip-directory.js';
import { safeNumber } from './zip-end-record.js';
import { zipName } from './zip-name.js';

export const LOCAL_HEADER_BYTES = 30;
/** The longest data descriptor: a signature, a CRC, two sizes of 8 bytes; and the signature of what follows. */
export const MAX_BYTES_AFTER = 24 + 4;

/** How many bytes a local header takes, from its first 30. */
export function localHeaderLength(start: Buffer): number {
  return LOCAL_HEADER_BYTES + start.readUInt16LE(26) + start.readUInt16LE(28);
}

/**
 * Compares a local header with the directory's entry. Programs that read a zip as a stream believe the one, all others
 * the other; where they differ, somebody means to show different files to different readers.
 * @returns what differs
 */
export function localHeaderProblem(header: Buffer, entry: ZipEntry): string | undefined {
  if (header.readUInt32LE(0) !== 0x04034b50) return 'has no local header where the directory says';
  if (localName(header, entry) !== entry.name || hasOtherUnicodePath(header, entry))
    return 'has another name in its local header';
  if (header.readUInt16LE(8) !== entry.writtenMethod) return 'has another compression method in its local header';
  if ((header.readUInt16LE(6) & FLAG.encrypted) !== (entry.flags & FLAG.encrypted))
    return 'is encrypted by one of its headers only';
  const later = hasDescriptor(header) ? [0, 0xffffffff] : [];
  const { crc, size, compressedSize } = localSizes(header);
  if (crc !== entry.crc && !later.includes(crc)) return 'has another checksum in its local header';
  const agree = [size, compressedSize].every(
    (found, i) => found === [entry.size, entry.compressedSize][i] || later.includes(found),
  );
  return agree ? undefined : 'has another size in its local header';
}

/** The same name may be in one header in UTF-8, and in the other in a code page, whatever its flag says. */
function localName(header: Buffer, { nameRules }: ZipEntry): string | undefined {
  const bytes = header.subarray(LOCAL_HEADER_BYTES, nameEnd(header));
  const isSaidToBe = (header.readUInt16LE(6) & FLAG.utf8) !== 0;
  return zipName(
    { bytes, isUtf8: isSaidToBe && isUtf8(bytes), unicodePath: localExtra(header)?.get(0x7075) },
    nameRules,
  );
}

/**
 * bsdtar goes by this field even where it is about another name, as after a program that did not know it renamed the entry,
 * or where there are two.
 */
function hasOtherUnicodePath(header: Buffer, { name }: ZipEntry): boolean {
  for (const { id, content } of extraFieldsIn(header.subarray(nameEnd(header))))
    if (id === 0x7075 && content !== undefined && content.length > 5 && content.toString('utf8', 5) !== name)
      return true;
  return false;
}

function localSizes(header: Buffer): { crc: number; size: number; compressedSize: number } {
  const zip64 = localExtra(header)?.get(1) ?? Buffer.alloc(0);
  let at = 0;
  const sizeAt = (field: number): number => {
    const found = header.readUInt32LE(field);
    if (found !== 0xffffffff || at + 8 > zip64.length) return found;
    at += 8;
    return safeNumber(zip64.readBigUInt64LE(at - 8));
  };
  return { crc: header.readUInt32LE(14), size: sizeAt(22), compressedSize: sizeAt(18) };
}

function localExtra(header: Buffer): ReturnType<typeof extraFields> {
  return extraFields(header.subarray(nameEnd(header)));
}

function nameEnd(header: Buffer): number {
  return LOCAL_HEADER_BYTES + header.readUInt16LE(26);
}

function hasDescriptor(header: Buffer): boolean {
  return (header.readUInt16LE(6) & FLAG.descriptor) !== 0;
}

/**
 * What is wrong behind an entry's data: its descriptor, where it must have one, or another entry, of which the directory knows
 * nothing. Programs that read in order, and 7-Zip, see that one as well.
 * @param after what follows the data, up to the next entry of the directory
 */
export function problemAfter(header: Buffer, after: Buffer, entry: ZipEntry): string | undefined {
  const descriptor = hasDescriptor(header) ? descriptorLength(after, entry) : 0;
  // Some programs set the flag, and write all that it is about into the local header.
  if (descriptor === undefined && (!isComplete(header, entry) || startsWith(after, 0x08074b50)))
    return 'has other sizes or another checksum in its data descriptor';
  return startsWith(after.subarray(descriptor ?? 0), 0x04034b50)
    ? 'is followed by an entry that is not in the directory'
    : undefined;
}

function isComplete(header: Buffer, entry: ZipEntry): boolean {
  const { crc, size, compressedSize } = localSizes(header);
  return crc === entry.crc && size === entry.size && compressedSize === entry.compressedSize;
}

/** A data descriptor has no fixed form: with or without a signature, with sizes of 4 or 8 bytes (APPNOTE 4.3.9). */
function descriptorLength(bytes: Buffer, entry: ZipEntry): number | undefined {
  for (const start of startsWith(bytes, 0x08074b50) ? [4, 0] : [0]) {
    const form = bytes.subarray(start);
    if (form.length < 12 || form.readUInt32LE(0) !== entry.crc) continue;
    if (form.readUInt32LE(4) === entry.compressedSize && form.readUInt32LE(8) === entry.size) return start + 12;
    const isLong =
      form.length >= 20 &&
      safeNumber(form.readBigUInt64LE(4)) === entry.compressedSize &&
      safeNumber(form.readBigUInt64LE(12)) === entry.size;
    if (isLong) return start + 20;
  }
  return undefined;
}

function startsWith(bytes: Buffer, signature: number): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === signature;
}
