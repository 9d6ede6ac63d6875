import { crc32 } from 'node:zlib';
import { archiveError } from '../archive-error.js';
import { ByteSource, isZero } from '../byte-source.js';
import {
  DECODER_CHECKS,
  dictionaryBytes,
  Lzma2Damaged,
  Lzma2Decoder,
  lzma2Content,
  MAX_DICTIONARY_BYTES,
} from './lzma2.js';
import { type OnTrailingData, refuseTrailingData } from './trailing-data.js';
import { BlockSums, parseBlockHeader } from './xz-block.js';
import { BlockCheck, CHECK, CHECK_BYTES } from './xz-check.js';
import { withoutFilters } from './xz-filters.js';

const STREAM_MAGIC = '\xfd7zXZ\0';
const HEADER_BYTES = 12;
/** Stream padding comes in words of this many bytes. */
const WORD_BYTES = 4;

/** What is said of a place in the archive. */
interface Problems {
  cutOff(): Error;
  damaged(what: string): Error;
  unsupported(what: string): Error;
  /** @throws unless that may be */
  moreAfterEnd(): void;
}

/**
 * Decompresses xz ("The .xz File Format" 1.2.1): several streams too, with padding between and after them, each block
 * checked by its CRC32, CRC64 or SHA-256, each stream by its index. Memory is the archive's dictionary, 64 MiB at most.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end; ARCHIVE_UNSUPPORTED for larger dictionaries,
 * filters and checks that the format does not name
 */
export async function* unxz(
  chunks: AsyncIterable<Buffer>,
  archive: string,
  onTrailingData: OnTrailingData = refuseTrailingData,
): AsyncGenerator<Buffer> {
  const source = new ByteSource(chunks);
  const error = (code: 'ARCHIVE_INVALID' | 'ARCHIVE_UNSUPPORTED', what: string, more = {}) =>
    archiveError(code, { archive, offset: source.offset }, what, more);
  const problems: Problems = {
    cutOff: () => error('ARCHIVE_INVALID', 'is cut off: its xz stream does not end', { reason: 'cut-off' }),
    damaged: (what) => error('ARCHIVE_INVALID', `its xz stream is damaged: ${what}`),
    unsupported: (what) => error('ARCHIVE_UNSUPPORTED', `is xz with ${what}`),
    moreAfterEnd: () =>
      onTrailingData(source.offset, () =>
        error('ARCHIVE_INVALID', 'there is more after the end of its xz stream', { reason: 'trailing-data' }),
      ),
  };
  const decoders = new Map<number, Lzma2Decoder>();
  try {
    for (let flags = await nextStream(source, problems, true); flags; flags = await nextStream(source, problems, false))
      yield* streamContent(source, flags, decoders, problems);
  } catch (error) {
    throw error instanceof Lzma2Damaged ? problems.damaged('a block cannot be decoded, or its check is wrong') : error;
  } finally {
    await source.close();
  }
}

/** Passes over padding, and reads the header of a stream (2.1.1); its flags, or undefined at the end. */
async function nextStream(source: ByteSource, problems: Problems, isFirst: boolean): Promise<Buffer | undefined> {
  for (;;) {
    const start = await source.copy(WORD_BYTES);
    if (start.length === 0 && !isFirst) return undefined;
    if (start.length < WORD_BYTES && isFirst) throw problems.cutOff();
    if (!isFirst && start.length === WORD_BYTES && isZero(start)) continue;
    const header = Buffer.concat([start, await source.copy(HEADER_BYTES - start.length)]);
    if (header.toString('latin1', 0, 4) !== STREAM_MAGIC.slice(0, 4)) {
      problems.moreAfterEnd();
      await source.skip(Number.POSITIVE_INFINITY);
      return undefined;
    }
    if (header.length < HEADER_BYTES) throw problems.cutOff();
    const flags = header.subarray(6, 8);
    if (header.toString('latin1', 0, 6) !== STREAM_MAGIC || header.readUInt32LE(8) !== crc32(flags))
      throw problems.damaged('the header of a stream is wrong');
    return flags;
  }
}

/** @param decoders by the check that they verify: one serves all streams, however many were joined */
async function* streamContent(
  source: ByteSource,
  flags: Buffer,
  decoders: Map<number, Lzma2Decoder>,
  problems: Problems,
): AsyncGenerator<Buffer> {
  const check = flags[1] ?? 0;
  const checkBytes = CHECK_BYTES.get(check);
  if (flags[0] !== 0 || checkBytes === undefined) throw problems.unsupported(`a check of the unknown kind ${check}`);
  const sums = new BlockSums();
  for (;;) {
    const headerWords = (await source.copy(1))[0];
    if (headerWords === undefined) throw problems.cutOff();
    if (headerWords === 0) break;
    yield* blockContent(headerWords, checkBytes);
  }
  const indexAt = source.offset - 1;
  if (!(await sums.matchesIndex(source))) {
    const isWhole = source.offset - indexAt === sums.indexBytes;
    throw isWhole ? problems.damaged('its index is not that of its blocks') : problems.cutOff();
  }
  const footer = await source.copy(HEADER_BYTES);
  if (footer.length < HEADER_BYTES) throw problems.cutOff();
  if (!isFooter(footer, sums.indexBytes, flags)) throw problems.damaged('the end of a stream is wrong');

  async function decoderFor(kind: number): Promise<Lzma2Decoder> {
    const decoder = decoders.get(kind) ?? (await Lzma2Decoder.create(kind));
    decoders.set(kind, decoder);
    return decoder;
  }

  async function* blockContent(headerWords: number, checkBytes: number): AsyncGenerator<Buffer> {
    const headerBytes = (headerWords + 1) * 4;
    const rest = await source.copy(headerBytes - 1);
    if (rest.length < headerBytes - 1) throw problems.cutOff();
    const header = parseBlockHeader(Buffer.concat([Buffer.from([headerWords]), rest]));
    if (header === undefined) throw problems.damaged('the header of a block is wrong');
    if (typeof header === 'string') throw problems.unsupported(`the filter ${header}, which is not known`);
    if ((dictionaryBytes(header.dictionary) ?? 0) > MAX_DICTIONARY_BYTES)
      throw problems.unsupported('a dictionary of more than 64 MiB');
    // The decoder sees what comes before the filters are undone, and knows no SHA-256.
    const isOwn = header.filters.length > 0 || !DECODER_CHECKS.has(check);
    const sum = isOwn ? new BlockCheck(check) : undefined;
    const decoder = await decoderFor(isOwn ? 0 : check);
    const start = source.offset;
    let bytes = 0;
    decoder.startBlock(header.dictionary);
    const content = lzma2Content(source, decoder, problems.cutOff);
    for await (const piece of withoutFilters(content, header.filters)) {
      bytes += piece.length;
      sum?.update(piece);
      yield piece;
    }
    const packedBytes = source.offset - start;
    const paddingBytes = (4 - (packedBytes % 4)) % 4;
    const end = await source.copy(paddingBytes + checkBytes);
    if (end.length < paddingBytes + checkBytes) throw problems.cutOff();
    decoder.endBlock(sum === undefined ? end : end.subarray(0, paddingBytes));
    if (sum !== undefined && !sum.digest().equals(end.subarray(paddingBytes)))
      throw problems.damaged(`the ${check === CHECK.sha256 ? 'SHA-256' : 'check'} of a block is wrong`);
    if ((header.packedBytes ?? packedBytes) !== packedBytes || (header.bytes ?? bytes) !== bytes)
      throw problems.damaged('a block is not as long as it says');
    sums.add(headerBytes + packedBytes + checkBytes, bytes);
  }
}

/** 2.1.2: a CRC, the length of the index in words less one, the header's flags, the end's magic. */
function isFooter(footer: Buffer, indexBytes: number, flags: Buffer): boolean {
  return (
    footer.readUInt32LE(0) === crc32(footer.subarray(4, 10)) &&
    (footer.readUInt32LE(4) + 1) * 4 === indexBytes &&
    footer.subarray(8, 10).equals(flags) &&
    footer.toString('latin1', 10) === 'YZ'
  );
}
