import { open } from 'node:fs/promises';
import { PrestageError } from '../../core/errors.js';
import { archiveError } from './archive-error.js';
import { startsBehindScript } from './behind-script.js';
import { type Compression, compressionOf, decompressedStart } from './compression/compression.js';
import type { FileFormat, StreamFormat } from './format.js';
import { type ArchiveFormat, type Container, FORMATS, PACKED } from './formats.js';
import { ISO_MAGIC_AT } from './iso/iso-volume.js';
import { TAR_BLOCK } from './tar/tar-header.js';

/** What `recogniseStart` wants to see: more than the longest gzip header, and than the first block of any bzip2. */
export const RECOGNITION_BYTES = 1024 * 1024;

/** Formats that are archives, or wrap one, and cannot be unpacked: left as they are only when somebody says so. */
const KNOWN_BUT_UNSUPPORTED: readonly (readonly [name: string, signature: RegExp, at?: number])[] = [
  ['rar', /^Rar!\x1a\x07/],
  ['lha', /^-l[hz][0-9sd]-/, 2],
  ['thin ar', /^!<thin>\n/],
  ['UDF', /^BEA01.{2043}NSR0[23]/s, ISO_MAGIC_AT],
  // What was before ISO 9660.
  ['High Sierra', /^CDROM/, ISO_MAGIC_AT + 8],
  ['raw CD, with sectors of 2,352 bytes', /^\0\xff{10}\0/],
];
const SIGNATURE_BYTES = 2100;

export interface Recognised {
  format: ArchiveFormat;
  /** How many bytes stand before the archive: the script of a self-extracting installer. */
  at: number;
}

/**
 * The format of an archive by its first bytes (`RECOGNITION_BYTES` of them, or all there are), or undefined where they
 * do not show one. A zip may still have something before it (a self-extracting jar): only its end shows that, so what is
 * not recognised by its start is to be asked for by `recogniseFile` before it is taken for a plain file.
 * @throws ARCHIVE_UNSUPPORTED for archives of a kind that cannot be unpacked, ARCHIVE_INVALID for
 * compressed streams that are damaged
 */
export async function recogniseStart(start: Uint8Array, name: string): Promise<ArchiveFormat | undefined> {
  return (await recognise(start, name))?.format;
}

/** As `recogniseStart`, with where the archive begins. */
export async function recognise(start: Uint8Array, name: string): Promise<Recognised | undefined> {
  const head = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, RECOGNITION_BYTES));
  const isWhole = start.length < RECOGNITION_BYTES;
  const compression = compressionOf(head);
  if (compression !== undefined) {
    const format = await packedFormat(compression, head, isWhole, name);
    return format && { format, at: 0 };
  }
  const format = ALL.find(([, { starts }]) => starts(head));
  if (format !== undefined) return { format: format[0], at: 0 };
  const known = KNOWN_BUT_UNSUPPORTED.find(([, signature, at = 0]) =>
    signature.test(head.toString('latin1', at, at + SIGNATURE_BYTES)),
  );
  if (known === undefined) return behindScript(head, isWhole, name);
  throw archiveError('ARCHIVE_UNSUPPORTED', { archive: name }, `is in the format ${known[0]}, which is not supported`, {
    reason: 'format',
  });
}

async function packedFormat(
  compression: Compression,
  head: Buffer,
  isWhole: boolean,
  name: string,
): Promise<ArchiveFormat | undefined> {
  const inner = await decompressedStart(compression, head, 2 * TAR_BLOCK, isWhole, name);
  const packed = PACKED.find((format) => FORMATS[format].starts(inner));
  return packed && `${packed}.${compression}`;
}

async function behindScript(head: Buffer, isWhole: boolean, name: string): Promise<Recognised | undefined> {
  for (const at of startsBehindScript(head, (line) => compressionOf(line) !== undefined || isUstar(line))) {
    const rest = head.subarray(at);
    const compression = compressionOf(rest);
    if (compression === undefined) return { format: 'tar', at };
    const format = await packedFormat(compression, rest, isWhole, name).catch(ifDamaged);
    if (format !== undefined) return { format, at };
  }
  return undefined;
}

/** A line of a script may begin as a compressed stream does. */
function ifDamaged(error: unknown): undefined {
  if (!(error instanceof PrestageError && error.code === 'ARCHIVE_INVALID')) throw error;
}

/** The kinds of tar that have a magic: too many lines of scripts would have to be tried for the others. */
function isUstar(start: Buffer): boolean {
  return start.toString('latin1', 257, 262) === 'ustar' && FORMATS.tar.starts(start);
}

const ALL = Object.entries(FORMATS) as [Container, StreamFormat | FileFormat][];

/** The format of a file by its content; undefined where it is no archive. @throws as `recogniseStart` */
export async function recogniseFile(file: string, name = file): Promise<ArchiveFormat | undefined> {
  return (await recogniseInFile(file, name))?.format;
}

/** As `recogniseFile`, with where the archive begins. */
export async function recogniseInFile(file: string, name: string): Promise<Recognised | undefined> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(RECOGNITION_BYTES, size)), 0, undefined, 0);
    const found = await recognise(buffer.subarray(0, bytesRead), name);
    if (found !== undefined) return found;
    for (const [format, kind] of ALL)
      if (kind.reads === 'file' && (await kind.ends?.(handle, size, name))) return { format, at: 0 };
    return undefined;
  } finally {
    await handle.close();
  }
}
