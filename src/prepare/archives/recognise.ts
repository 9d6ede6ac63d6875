import { open } from 'node:fs/promises';
import { archiveError } from './archive-error.js';
import { type Compression, compressionOf, decompressedStart } from './compression/compression.js';
import { AR_MAGIC } from './packages/ar-reader.js';
import { looksLikeCpio } from './packages/cpio-header.js';
import { RPM_MAGIC } from './packages/rpm-reader.js';
import { SEVEN_ZIP_MAGIC } from './seven-zip/seven-zip-header.js';
import { parseTarHeader, TAR_BLOCK } from './tar/tar-header.js';
import { findEndRecord } from './zip/zip-end-record.js';

/** What may lie in a compressed stream. */
type Packed = 'tar' | 'cpio';
/** Formats that are read at random, from a file. */
export type FileFormat = 'zip' | '7z';
export type ArchiveFormat = FileFormat | 'ar' | 'deb' | 'rpm' | Packed | `${Packed}.${Compression}`;

/** For messages. */
export const SUPPORTED_FORMATS = 'tar and cpio (plain, or with gzip, xz, bzip2 or zstd), zip, jar, 7z, deb, rpm and ar';

/** What `recogniseStart` wants to see: more than the longest gzip header, and than the first block of any bzip2. */
export const RECOGNITION_BYTES = 1024 * 1024;

/** Formats that are archives, or wrap one, and cannot be unpacked: left as they are only when somebody says so. */
const KNOWN_BUT_UNSUPPORTED: readonly (readonly [name: string, signature: RegExp])[] = [
  ['lz4', /^\x04\x22\x4d\x18/],
  ['rar', /^Rar!\x1a\x07/],
  ['thin ar', /^!<thin>\n/],
  // The usual properties, a dictionary of whole KiB, and a size that is unknown or possible.
  ['lzma', /^\x5d\0..[\0-\x40](\xff{8}|.{5}\0{3})/s],
];

/**
 * The format of an archive by its first bytes (`RECOGNITION_BYTES` of them, or all there are), or undefined where they
 * do not show one. A zip may still have something before it (a self-extracting jar): only its end shows that, so what is
 * not recognised by its start is to be asked for by `recogniseFile` before it is taken for a plain file.
 * @throws ARCHIVE_UNSUPPORTED for archives of a kind that cannot be unpacked, ARCHIVE_INVALID for
 * compressed streams that are damaged
 */
export async function recogniseStart(start: Uint8Array, name: string): Promise<ArchiveFormat | undefined> {
  const head = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, RECOGNITION_BYTES));
  if (/^PK(\x03\x04|\x05\x06)/.test(head.toString('latin1', 0, 4))) return 'zip';
  const compression = compressionOf(head);
  if (compression !== undefined) {
    const isWhole = start.length < RECOGNITION_BYTES;
    const packed = packedFormat(await decompressedStart(compression, head, 2 * TAR_BLOCK, isWhole, name));
    return packed === undefined ? undefined : `${packed}.${compression}`;
  }
  const text = head.toString('latin1', 0, 21);
  if (text.startsWith(SEVEN_ZIP_MAGIC)) return '7z';
  if (text.startsWith(RPM_MAGIC)) return 'rpm';
  if (text.startsWith(AR_MAGIC)) return text.endsWith('debian-binary') ? 'deb' : 'ar';
  const packed = packedFormat(head);
  if (packed !== undefined) return packed;
  const known = KNOWN_BUT_UNSUPPORTED.find(([, signature]) => signature.test(text));
  if (known === undefined) return undefined;
  throw archiveError('ARCHIVE_UNSUPPORTED', { archive: name }, `is in the format ${known[0]}, which is not supported`, {
    reason: 'format',
  });
}

export function isFileFormat(format: ArchiveFormat | undefined): format is FileFormat {
  return format === 'zip' || format === '7z';
}

/** What of a format's name is which. */
export function layersOf(format: Exclude<ArchiveFormat, FileFormat>): {
  container: Packed | 'ar' | 'deb' | 'rpm';
  compression: Compression | undefined;
} {
  const [container, compression] = format.split('.') as [Packed, Compression | undefined];
  return { container, compression };
}

/** The format of a file by its content; undefined where it is no archive. @throws as `recogniseStart` */
export async function recogniseFile(file: string, name = file): Promise<ArchiveFormat | undefined> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(RECOGNITION_BYTES, size)), 0, undefined, 0);
    const format = await recogniseStart(buffer.subarray(0, bytesRead), name);
    if (format !== undefined) return format;
    return (await findEndRecord(handle, size, name)) === undefined ? undefined : 'zip';
  } finally {
    await handle.close();
  }
}

function packedFormat(start: Buffer): Packed | undefined {
  if (looksLikeTar(start)) return 'tar';
  return looksLikeCpio(start) ? 'cpio' : undefined;
}

/**
 * A header with the right checksum and a name. Zeros are no tar, though an empty one is nothing else: images of disks begin
 * with them as well, and there is nothing to unpack.
 */
function looksLikeTar(start: Buffer): boolean {
  if (start.length < TAR_BLOCK) return false;
  const header = parseTarHeader(start.subarray(0, TAR_BLOCK));
  return typeof header !== 'string' && (header.name.length > 0 || 'xgLK'.includes(header.type));
}
