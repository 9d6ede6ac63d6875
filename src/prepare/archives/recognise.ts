import { open } from 'node:fs/promises';
import { archiveError } from './archive-error.js';
import { compressionOf, decompressedStart } from './compression/compression.js';
import type { FileFormat, StreamFormat } from './format.js';
import { type ArchiveFormat, type Container, FORMATS, PACKED } from './formats.js';
import { TAR_BLOCK } from './tar/tar-header.js';

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
  const compression = compressionOf(head);
  if (compression !== undefined) {
    const isWhole = start.length < RECOGNITION_BYTES;
    const inner = await decompressedStart(compression, head, 2 * TAR_BLOCK, isWhole, name);
    const packed = PACKED.find((format) => FORMATS[format].starts(inner));
    return packed === undefined ? undefined : `${packed}.${compression}`;
  }
  const format = ALL.find(([, { starts }]) => starts(head));
  if (format !== undefined) return format[0];
  const known = KNOWN_BUT_UNSUPPORTED.find(([, signature]) => signature.test(head.toString('latin1', 0, 21)));
  if (known === undefined) return undefined;
  throw archiveError('ARCHIVE_UNSUPPORTED', { archive: name }, `is in the format ${known[0]}, which is not supported`, {
    reason: 'format',
  });
}

const ALL = Object.entries(FORMATS) as [Container, StreamFormat | FileFormat][];

/** The format of a file by its content; undefined where it is no archive. @throws as `recogniseStart` */
export async function recogniseFile(file: string, name = file): Promise<ArchiveFormat | undefined> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(RECOGNITION_BYTES, size)), 0, undefined, 0);
    const format = await recogniseStart(buffer.subarray(0, bytesRead), name);
    if (format !== undefined) return format;
    for (const [format, kind] of ALL)
      if (kind.reads === 'file' && (await kind.ends?.(handle, size, name))) return format;
    return undefined;
  } finally {
    await handle.close();
  }
}
