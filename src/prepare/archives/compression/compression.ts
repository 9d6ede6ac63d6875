import { setImmediate } from 'node:timers/promises';
import { PrestageError } from '../../../core/errors.js';
import { archiveError } from '../archive-error.js';
import type { Unpacker } from '../unpacker.js';
import { bunzip2 } from './bzip2.js';
import { gunzip, inflatedStart } from './gunzip.js';
import { gunzipMembers } from './gzip-members.js';
import { lz4Start, unlz4 } from './lz4.js';
import { unlzip } from './lzip.js';
import { unlzma } from './lzma-alone.js';
import type { OnTrailingData } from './trailing-data.js';
import { uncompress } from './uncompress.js';
import { unxz } from './xz.js';
import { unzstd } from './zstd.js';

/** How a whole archive is compressed, by the usual ending of its name. */
export type Compression = 'gz' | 'xz' | 'zst' | 'bz2' | 'lzma' | 'lz' | 'lz4' | 'Z';

const DECOMPRESS = {
  gz: gunzip,
  xz: unxz,
  zst: unzstd,
  bz2: bunzip2,
  lzma: unlzma,
  lz: unlzip,
  lz4: unlz4,
  Z: uncompress,
} as const;

/** This many pieces are decompressed on this thread before anything else gets its turn. */
export const PIECES_AT_A_TIME = 64;

/** By the signature at the start. */
export function compressionOf(start: Buffer): Compression | undefined {
  const text = start.toString('latin1', 0, 21);
  if (text.startsWith('\x1f\x8b\x08')) return 'gz';
  if (text.startsWith('\xfd7zXZ\0')) return 'xz';
  if (text.startsWith('LZIP\x01')) return 'lz';
  if (/^(\x04\x22\x4d|\x02\x21\x4c)\x18/.test(text)) return 'lz4';
  // How long its codes get, and whether its table is cleared.
  if (/^\x1f\x9d[\x09-\x10\x89-\x90]/.test(text)) return 'Z';
  // LZMA alone has no signature: the usual properties, a dictionary of whole KiB, and a size that is unknown or possible.
  if (/^\x5d\0..[\0-\x40](\xff{8}|.{5}\0{3})/s.test(text)) return 'lzma';
  if (text.startsWith('\x28\xb5\x2f\xfd') || startsWithSkippable(text)) return 'zst';
  // The level, and the mark of a block, or of the end where there is none.
  return /^BZh[1-9](1AY&SY|\x17rE8P\x90)/.test(text) ? 'bz2' : undefined;
}

/** Decompresses, and holds what comes out against the unpacker's limits. @throws ARCHIVE_INVALID, …_UNSUPPORTED, …_LIMIT */
export async function* decompress(
  compression: Compression,
  source: AsyncIterable<Buffer>,
  unpacker: Unpacker,
): AsyncGenerator<Buffer> {
  const { archive, budget } = unpacker;
  const onTrailingData: OnTrailingData = (offset, refusal) => {
    unpacker.goesOn(false, offset, refusal);
  };
  const isOpenEnded = compression === 'gz' && unpacker.acceptance.accepts('trailing-data');
  const content = isOpenEnded ? gunzipMembers : DECOMPRESS[compression];
  let bytes = 0;
  let pieces = 0;
  for await (const piece of content(source, archive, onTrailingData)) {
    bytes += piece.length;
    budget.ratio({ archive }, bytes);
    yield piece;
    pieces += 1;
    if (pieces % PIECES_AT_A_TIME === 0) await setImmediate();
  }
}

/**
 * The first bytes of what is compressed, as many as the first bytes of the archive show.
 * @throws ARCHIVE_INVALID where it is no such stream, ARCHIVE_UNSUPPORTED
 */
export async function decompressedStart(
  compression: Compression,
  head: Buffer,
  count: number,
  isWhole: boolean,
  archive: string,
): Promise<Buffer> {
  try {
    if (compression === 'gz') return await inflatedStart(head, count, isWhole);
    if (compression === 'lz4') return lz4Start(head, count);
    return await firstBytes(DECOMPRESS[compression](onlyHead(head, isWhole), archive), count);
  } catch (cause) {
    if (cause instanceof PrestageError && cause.code === 'ARCHIVE_UNSUPPORTED') throw cause;
    if (startsWithSkippable(head.toString('latin1', 0, 4))) return Buffer.alloc(0); // that alone does not make it zstd
    const what = `starts as ${compression === 'gz' ? 'gzip' : compression} does and cannot be decompressed`;
    throw archiveError('ARCHIVE_INVALID', { archive }, what, {
      hint: 'Fetch or build it again. If it is no archive at all, `extract: false` keeps it as it is.',
      cause,
    });
  }
}

class MoreIsNeeded extends Error {}

async function* onlyHead(head: Buffer, isWhole: boolean): AsyncGenerator<Buffer> {
  yield head;
  if (!isWhole) throw new MoreIsNeeded();
}

async function firstBytes(pieces: AsyncIterable<Buffer>, count: number): Promise<Buffer> {
  const start: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      start.push(piece);
      bytes += piece.length;
      if (bytes >= count) break;
    }
  } catch (error) {
    if (!(error instanceof MoreIsNeeded)) throw error;
  }
  return Buffer.concat(start).subarray(0, count);
}

/** The signature of a skippable frame, of zstd and of lz4. */
function startsWithSkippable(text: string): boolean {
  return /^[\x50-\x5f]\x2a\x4d\x18/.test(text);
}
