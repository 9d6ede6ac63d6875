import { extraFields, FLAG, type ZipEntry } from './zip-directory.js';
import { safeNumber } from './zip-end-record.js';

export const LOCAL_HEADER_BYTES = 30;
/** The longest data descriptor: a signature, a CRC, two sizes of 8 bytes. */
export const MAX_DESCRIPTOR_BYTES = 24;

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
  const flags = header.readUInt16LE(6);
  const nameEnd = LOCAL_HEADER_BYTES + header.readUInt16LE(26);
  if (!header.subarray(LOCAL_HEADER_BYTES, nameEnd).equals(entry.rawName))
    return 'has another name in its local header';
  if (header.readUInt16LE(8) !== entry.method) return 'has another compression method in its local header';
  if ((flags & FLAG.encrypted) !== (entry.flags & FLAG.encrypted)) return 'is encrypted by one of its headers only';
  const zip64 = extraFields(header.subarray(nameEnd))?.get(1);
  const later = (flags & FLAG.descriptor) !== 0;
  const agrees = (found: number, expected: number) =>
    found === expected || (later && (found === 0 || found === 0xffffffff));
  if (!agrees(header.readUInt32LE(14), entry.crc)) return 'has another checksum in its local header';
  let at = 0;
  for (const [field, expected] of [
    [22, entry.size],
    [18, entry.compressedSize],
  ] as const) {
    let found = header.readUInt32LE(field);
    if (found === 0xffffffff && zip64 !== undefined && at + 8 <= zip64.length) {
      found = safeNumber(zip64.readBigUInt64LE(at));
      at += 8;
    }
    if (!agrees(found, expected)) return 'has another size in its local header';
  }
  return undefined;
}

export function hasDescriptor(header: Buffer): boolean {
  return (header.readUInt16LE(6) & FLAG.descriptor) !== 0;
}

/** A data descriptor has no fixed form: with or without a signature, with sizes of 4 or 8 bytes (APPNOTE 4.3.9). */
export function descriptorProblem(bytes: Buffer, entry: ZipEntry): string | undefined {
  const forms = [
    bytes,
    bytes.length >= 4 && bytes.readUInt32LE(0) === 0x08074b50 ? bytes.subarray(4) : Buffer.alloc(0),
  ];
  const matches = forms.some((form) => {
    if (form.length < 12 || form.readUInt32LE(0) !== entry.crc) return false;
    if (form.readUInt32LE(4) === entry.compressedSize && form.readUInt32LE(8) === entry.size) return true;
    return (
      form.length >= 20 &&
      safeNumber(form.readBigUInt64LE(4)) === entry.compressedSize &&
      safeNumber(form.readBigUInt64LE(12)) === entry.size
    );
  });
  return matches ? undefined : 'has other sizes or another checksum in its data descriptor';
}
