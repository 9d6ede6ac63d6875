import { type ArchivePlace, archiveError } from '../archive-error.js';
import type { ByteSource } from '../byte-source.js';
import type { PaxSparse } from './pax.js';
import { numberField, TAR_BLOCK } from './tar-header.js';

/**
 * Files that GNU tar stores without their holes: a map says where what is stored belongs (the manual's "Sparse Formats").
 */
export interface SparseMap {
  /** The size of the file, with its holes. */
  size: number;
  /** In the order of the file; only the last may end within a block. */
  segments: readonly Segment[];
}

interface Segment {
  offset: number;
  bytes: number;
}

/** Far more than the files of installers have; databases that are packed while they run may have more. */
const MAX_SEGMENTS = 100_000;
/** Where the format "Old GNU" has its map: in the header, and in blocks after it. */
const OLD_MAP = {
  header: { at: 386, segments: 4, moreAt: 482 },
  block: { at: 0, segments: 21, moreAt: 504 },
} as const;
const OLD_SIZE_AT = 483;
const FIELD_BYTES = 12;

/** Reads the rest of the map of an entry of the type S, whose header was read. @throws ARCHIVE_INVALID, …_UNSUPPORTED, …_LIMIT */
export async function readOldMap(source: ByteSource, header: Buffer, place: ArchivePlace): Promise<SparseMap> {
  if (header.toString('latin1', 257, 265) !== 'ustar  \0')
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is a sparse file in a format other than those of GNU tar');
  const segments = segmentsIn(header, 'header');
  for (let more = mapGoesOn(header, 'header'); more; ) {
    const block = await source.copy(TAR_BLOCK);
    if (block.length < TAR_BLOCK) throw cutOff(place);
    segments.push(...segmentsIn(block, 'block'));
    checkCount(segments.length, place);
    more = mapGoesOn(block, 'block');
  }
  return { size: oldSparseSize(header) ?? Number.NaN, segments };
}

/** The size of the file, with its holes. */
export function oldSparseSize(header: Buffer): number | undefined {
  return numberField(header, OLD_SIZE_AT, FIELD_BYTES);
}

/** Whether a block of a map in the format "Old GNU" is followed by another one. */
export function mapGoesOn(block: Buffer, part: keyof typeof OLD_MAP): boolean {
  return (block[OLD_MAP[part].moreAt] ?? 0) !== 0;
}

/** What is no number is judged where the map is used. */
function segmentsIn(block: Buffer, part: keyof typeof OLD_MAP): Segment[] {
  const { at, segments: count } = OLD_MAP[part];
  const segments: Segment[] = [];
  for (let i = 0; i < count; i += 1) {
    const field = at + i * 2 * FIELD_BYTES;
    if (block[field + FIELD_BYTES] === 0) break; // no more of them
    const offset = numberField(block, field, FIELD_BYTES);
    const bytes = numberField(block, field + FIELD_BYTES, FIELD_BYTES);
    segments.push({ offset: offset ?? Number.NaN, bytes: bytes ?? Number.NaN });
  }
  return segments;
}

/**
 * The map of an entry whose pax header says that it is sparse: in the formats 0.0 and 0.1 it is there, in 1.0 before the
 * content.
 * @param stored bytes of the entry's content
 * @returns the map, and how much of the content it took
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_LIMIT
 */
export async function readPaxMap(
  source: ByteSource,
  pax: PaxSparse,
  stored: number,
  place: ArchivePlace,
): Promise<{ map: SparseMap; mapBytes: number }> {
  const size = pax.size ?? Number.NaN;
  if (pax.other !== undefined)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, `is a sparse file in the format of ${pax.other}`);
  const version = `${pax.major ?? '0'}.${pax.minor ?? '0'}`;
  if (version === '1.0') {
    const { numbers, mapBytes } = await readMapInContent(source, stored, place);
    return { map: { size, segments: inPairs(numbers, place) }, mapBytes };
  }
  if (version !== '0.0' && version !== '0.1')
    throw archiveError('ARCHIVE_UNSUPPORTED', place, `is a sparse file in the unknown format ${version}`);
  return { map: { size, segments: inPairs(pax.map, place) }, mapBytes: 0 };
}

/** Lines of decimal digits, the first of which says how many pairs there are, in whole blocks. */
async function readMapInContent(
  source: ByteSource,
  stored: number,
  place: ArchivePlace,
): Promise<{ numbers: number[]; mapBytes: number }> {
  let block: Buffer = Buffer.alloc(0);
  let at = 0;
  let mapBytes = 0;
  const next = async (): Promise<number> => {
    let digits = '';
    for (;;) {
      if (at === block.length) {
        if (mapBytes + TAR_BLOCK > stored) throw wrongMap(place, 'is longer than its content');
        block = await source.copy(TAR_BLOCK);
        if (block.length < TAR_BLOCK) throw cutOff(place);
        mapBytes += TAR_BLOCK;
        at = 0;
      }
      const char = String.fromCharCode(block[at] ?? 0);
      at += 1;
      if (char === '\n' && digits !== '') return Number(digits);
      digits += char;
      if (!/^[0-9]{1,15}$/.test(digits)) throw wrongMap(place, 'has something that is not a number');
    }
  };
  const count = await next();
  checkCount(count, place);
  const numbers: number[] = [];
  while (numbers.length < 2 * count) numbers.push(await next());
  return { numbers, mapBytes };
}

function inPairs(numbers: readonly number[], place: ArchivePlace): Segment[] {
  if (numbers.length % 2 !== 0) throw wrongMap(place, 'ends within a pair');
  checkCount(numbers.length / 2, place);
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    offset: numbers[2 * i] ?? 0,
    bytes: numbers[2 * i + 1] ?? 0,
  }));
}

/** @param stored bytes of the entry's content, without a map in it @throws ARCHIVE_INVALID for a map that cannot be right */
export function checkMap({ size, segments }: SparseMap, stored: number, place: ArchivePlace): void {
  if (!Number.isSafeInteger(size)) throw wrongMap(place, 'does not say how large the file is');
  let end = 0;
  let bytes = 0;
  for (const segment of segments) {
    // GNU tar reads each segment from a block's start, bsdtar from where the last one ended.
    if (bytes % TAR_BLOCK !== 0 && segment.bytes > 0) throw wrongMap(place, 'has a segment that ends within a block');
    if (!(segment.offset >= end)) throw wrongMap(place, 'has segments that overlap, or are out of order');
    end = segment.offset + segment.bytes;
    bytes += segment.bytes;
  }
  if (!(end <= size)) throw wrongMap(place, 'reaches beyond the end of the file');
  // GNU tar writes an empty segment there where a hole is the end, and makes a shorter file where it finds none.
  if (end < size) throw wrongMap(place, 'ends before the file does');
  if (bytes !== stored) throw wrongMap(place, `is about ${bytes} bytes, and there are ${stored}`);
}

function checkCount(segments: number, place: ArchivePlace): void {
  if (segments <= MAX_SEGMENTS) return;
  throw archiveError('ARCHIVE_LIMIT', place, `is a sparse file of more than ${MAX_SEGMENTS} segments`);
}

function wrongMap(place: ArchivePlace, what: string): Error {
  return archiveError('ARCHIVE_INVALID', place, `is a sparse file whose map ${what}`);
}

function cutOff(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'is cut off: the archive ends inside its map', {
    reason: 'cut-off',
  });
}
