import { type ArchivePlace, archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { bunzip2 } from '../compression/bzip2.js';
import { Inflate64Damaged, inflate64 } from '../compression/inflate64.js';
import { LzmaDamaged, LzmaDecoder } from '../compression/lzma.js';
import { MAX_DICTIONARY_BYTES } from '../compression/lzma2.js';
import { unxz } from '../compression/xz.js';
import { unzstd } from '../compression/zstd.js';
import type { ZipEntry } from './zip-directory.js';

export const STORED = 0;
export const DEFLATED = 8;

type Decode = (data: AsyncIterable<Buffer>, entry: ZipEntry, place: ArchivePlace) => AsyncIterable<Buffer>;

/** Methods besides the two that all zips have (APPNOTE 4.4.5), by their numbers. */
const DECODE: Readonly<Record<number, Decode>> = {
  9: (data, _, place) => inflated64(data, place),
  12: (data, _, { archive }) => bunzip2(data, archive),
  14: unlzma,
  20: (data, _, { archive }) => unzstd(data, archive), // an old number of Zstandard
  93: (data, _, { archive }) => unzstd(data, archive),
  95: (data, _, { archive }) => unxz(data, archive),
};

/** Others that are seen in files, and not supported. */
const OTHER_METHODS: Readonly<Record<number, string>> = {
  1: 'Shrink',
  2: 'Reduce',
  3: 'Reduce',
  4: 'Reduce',
  5: 'Reduce',
  6: 'Implode',
  94: 'MP3',
  96: 'JPEG',
  97: 'WavPack',
  98: 'PPMd',
  99: 'AES encryption',
};

/** @throws ARCHIVE_UNSUPPORTED */
export function checkMethod({ method }: ZipEntry, place: ArchivePlace): void {
  if (method === STORED || method === DEFLATED || method in DECODE) return;
  const name = OTHER_METHODS[method] ?? 'unknown';
  throw archiveError('ARCHIVE_UNSUPPORTED', place, `is compressed by method ${method} (${name})`, {
    reason: 'compression',
  });
}

/** Whether an entry needs a decoder with memory of its own, up to its window of 128 MiB. */
export function needsOwnMemory({ method }: ZipEntry): boolean {
  return method in DECODE;
}

/** What comes of an entry's data; undefined where its method is one of the two that all zips have. @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
export function decoded(
  entry: ZipEntry,
  data: AsyncIterable<Buffer>,
  place: ArchivePlace,
): AsyncIterable<Buffer> | undefined {
  return DECODE[entry.method]?.(data, entry, place);
}

/** LZMA as zip has it (APPNOTE 5.8): a version, the length of the properties, the properties; the size is the directory's. */
async function* unlzma(data: AsyncIterable<Buffer>, { size }: ZipEntry, place: ArchivePlace): AsyncGenerator<Buffer> {
  const damaged = () => archiveError('ARCHIVE_INVALID', place, 'has a damaged LZMA stream, or one that is cut off');
  const source = new ByteSource(data);
  try {
    const header = await source.copy(9);
    if (header.length < 9 || header.readUInt16LE(2) !== 5) throw damaged();
    if (Math.min(header.readUInt32LE(5), size) > MAX_DICTIONARY_BYTES)
      throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a dictionary of more than 64 MiB', {
        reason: 'compression',
      });
    const decoder = new LzmaDecoder(header.subarray(4), size);
    for await (const piece of source.stream(Number.POSITIVE_INFINITY)) yield* decoder.decode(piece, false);
    yield* decoder.decode(Buffer.alloc(0), true);
  } catch (error) {
    throw error instanceof LzmaDamaged ? damaged() : error;
  } finally {
    await source.close();
  }
}

async function* inflated64(data: AsyncIterable<Buffer>, place: ArchivePlace): AsyncGenerator<Buffer> {
  try {
    yield* inflate64(data);
  } catch (error) {
    if (!(error instanceof Inflate64Damaged)) throw error;
    throw archiveError('ARCHIVE_INVALID', place, 'has a damaged Deflate64 stream, or one that is cut off');
  }
}
