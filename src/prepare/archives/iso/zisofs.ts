import { inflateSync } from 'node:zlib';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { isZlibError } from '../compression/gunzip.js';
import type { Disc, Extent } from './disc.js';
import type { Zisofs } from './rock-ridge.js';

/** Linux, `Documentation/filesystems/zisofs.txt`. */
const MAGIC = '\x37\xe4\x53\x96\xc9\xdb\xd6\x07';
const HEADER_BYTES = 16;

/**
 * What a file was before `mkzftree` compressed it: blocks of zlib, found by a table of where each begins; one without bytes is
 * zeros. @throws ARCHIVE_INVALID
 */
export async function* zisofsContent(
  disc: Disc,
  { at, length }: Extent,
  { blockBytes, size }: Zisofs,
  place: ArchivePlace,
): AsyncGenerator<Buffer> {
  const damaged = (cause?: unknown) =>
    archiveError('ARCHIVE_INVALID', place, 'is damaged: it cannot be decompressed', { cause });
  const count = Math.ceil(size / blockBytes);
  const tableBytes = (count + 1) * 4;
  if (HEADER_BYTES + tableBytes > length) throw damaged();
  const start = Buffer.from(await disc.bytes({ at, length: HEADER_BYTES + tableBytes }, place.entry));
  const isHeader =
    start.toString('latin1', 0, 8) === MAGIC &&
    start.readUInt32LE(8) === size &&
    start[12] === HEADER_BYTES / 4 &&
    2 ** (start[13] ?? 0) === blockBytes;
  if (!isHeader) throw damaged();
  const table = Array.from({ length: count + 1 }, (_, i) => start.readUInt32LE(HEADER_BYTES + i * 4));
  let from = table[0] ?? 0;
  if (from !== start.length) throw damaged();
  for (let block = 0; block < count; block += 1) {
    const to = table[block + 1] ?? 0;
    const wanted = Math.min(blockBytes, size - block * blockBytes);
    // Deflate makes nothing longer by more than a little.
    if (to < from || to > length || to - from > 2 * blockBytes) throw damaged();
    if (to === from) yield Buffer.alloc(wanted);
    else yield inflated(await disc.bytes({ at: at + from, length: to - from }, place.entry), wanted, damaged);
    from = to;
  }
}

function inflated(bytes: Buffer, wanted: number, damaged: (cause?: unknown) => Error): Buffer {
  try {
    const content = inflateSync(bytes, { maxOutputLength: wanted });
    if (content.length === wanted) return content;
  } catch (error) {
    throw isZlibError(error) || error instanceof RangeError ? damaged(error) : error;
  }
  throw damaged();
}
