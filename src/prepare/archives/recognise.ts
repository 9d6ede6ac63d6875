import { open } from 'node:fs/promises';
import { archiveError } from './archive-error.js';
import { isZero } from './byte-source.js';
import { inflatedStart } from './gunzip.js';
import { parseTarHeader, TAR_BLOCK } from './tar-header.js';
import { findEndRecord } from './zip-end-record.js';

export type ArchiveFormat = 'tar' | 'tar.gz' | 'zip';

/** What `recogniseStart` wants to see: more than the longest gzip header, whose name and extra field may be 64 KiB each. */
export const RECOGNITION_BYTES = 160 * 1024;

/** Formats that are archives, or wrap one, and cannot be unpacked: left as they are only when somebody says so. */
const KNOWN_BUT_UNSUPPORTED: readonly (readonly [name: string, magic: string])[] = [
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['lz4', '\x04\x22\x4d\x18'],
  ['7z', '7z\xbc\xaf\x27\x1c'],
  ['rpm', '\xed\xab\xee\xdb'],
  ['ar or deb', '!<arch>\n'],
  ['cpio', '070701'],
  ['cpio', '070702'],
  ['cpio', '070707'],
  ['rar', 'Rar!\x1a\x07'],
];

/**
 * The format of an archive by its first bytes (`RECOGNITION_BYTES` of them, or all there are), or undefined where they
 * do not show one. A zip may still have something before it (a self-extracting jar): only its end shows that, so what is
 * not recognised by its start is to be asked for by `recogniseFile` before it is taken for a plain file.
 * @throws ARCHIVE_UNSUPPORTED for archives of a kind that cannot be unpacked, ARCHIVE_INVALID for gzip that is damaged
 */
export async function recogniseStart(start: Uint8Array, name: string): Promise<ArchiveFormat | undefined> {
  const head = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, RECOGNITION_BYTES));
  if (/^PK(\x03\x04|\x05\x06)/.test(head.toString('latin1', 0, 4))) return 'zip';
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return (await holdsTar(head, name)) ? 'tar.gz' : undefined;
  if (looksLikeTar(head)) return 'tar';
  const known = KNOWN_BUT_UNSUPPORTED.find(([, magic]) => head.toString('latin1', 0, magic.length) === magic);
  if (known === undefined || (known[0] === 'bzip2' && !/^BZh[1-9]/.test(head.toString('latin1', 0, 4))))
    return undefined;
  throw archiveError('ARCHIVE_UNSUPPORTED', { archive: name }, `is in the format ${known[0]}, which is not supported`);
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

async function holdsTar(head: Buffer, name: string): Promise<boolean> {
  let start: Buffer;
  try {
    start = await inflatedStart(head, 2 * TAR_BLOCK, head.length < RECOGNITION_BYTES);
  } catch (cause) {
    throw archiveError('ARCHIVE_INVALID', { archive: name }, 'starts as gzip does and cannot be inflated', {
      hint: 'Fetch or build it again. If it is not gzip at all, `extract: false` keeps it as it is.',
      cause,
    });
  }
  return looksLikeTar(start);
}

/** A header with the right checksum and a name; or the end mark, with which an empty archive starts. */
function looksLikeTar(start: Buffer): boolean {
  if (start.length < TAR_BLOCK) return false;
  const block = start.subarray(0, TAR_BLOCK);
  if (isZero(block)) return start.length >= 2 * TAR_BLOCK && start.length % TAR_BLOCK === 0 && isZero(start);
  const header = parseTarHeader(block);
  return typeof header !== 'string' && (header.name.length > 0 || 'xgLK'.includes(header.type));
}
