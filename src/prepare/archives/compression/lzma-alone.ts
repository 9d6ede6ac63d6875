import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { LzmaDamaged, LzmaDecoder } from './lzma.js';
import { MAX_DICTIONARY_BYTES } from './lzma2.js';

const PROPERTY_BYTES = 5;
const HEADER_BYTES = PROPERTY_BYTES + 8;
/** The size where an end mark says it instead. */
const UNKNOWN = 0xffff_ffff_ffff_ffffn;
const READ_BYTES = 64 * 1024;

/** Decompresses what was LZMA's own format before xz: no signature, no checksum. @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
export async function* unlzma(input: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  const source = new ByteSource(input);
  const header = await source.copy(HEADER_BYTES);
  const damaged = () => archiveError('ARCHIVE_INVALID', { archive }, 'its LZMA stream is damaged, or cut off');
  if (header.length < HEADER_BYTES) throw damaged();
  if (header.readUInt32LE(1) > MAX_DICTIONARY_BYTES)
    throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'has a dictionary of more than 64 MiB');
  const size = header.readBigUInt64LE(PROPERTY_BYTES);
  try {
    const properties = header.subarray(0, PROPERTY_BYTES);
    const decoder = new LzmaDecoder(properties, size === UNKNOWN ? Number.POSITIVE_INFINITY : Number(size));
    let piece: Buffer;
    do {
      piece = await source.copy(READ_BYTES);
      yield* decoder.decode(piece, piece.length < READ_BYTES);
    } while (piece.length === READ_BYTES);
  } catch (error) {
    throw error instanceof LzmaDamaged ? damaged() : error;
  } finally {
    await source.close();
  }
}
