import { crc32 } from 'node:zlib';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { LzmaDamaged, LzmaDecoder } from './lzma.js';
import { MAX_DICTIONARY_BYTES } from './lzma2.js';

const MAGIC = 'LZIP\x01';
const HEADER_BYTES = 6;
/** The CRC-32, the size, and that of the member. */
const TRAILER_BYTES = 20;
const READ_BYTES = 64 * 1024;
/** lc, lp and pb are always the same. */
const PROPERTIES = 93;

/**
 * Decompresses lzip (RFC draft-diaz-lzip): several members too, each checked by its CRC-32 and its sizes.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end; ARCHIVE_UNSUPPORTED for larger dictionaries
 */
export async function* unlzip(chunks: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  const source = new ByteSource(chunks);
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset: source.offset }, what, reason && { reason });
  const cutOff = () => invalid('is cut off: its lzip stream does not end', 'cut-off');
  let input: Buffer = Buffer.alloc(0);
  /** Sees to it that so much is there, unless the source ends. */
  const more = async (count: number) => {
    if (input.length < count) input = Buffer.concat([input, await source.copy(Math.max(READ_BYTES, count))]);
  };
  try {
    await more(HEADER_BYTES);
    for (let isFirst = true; input.length > 0 || isFirst; isFirst = false) {
      if (input.length < HEADER_BYTES)
        throw isFirst ? cutOff() : invalid('there is more after its end', 'trailing-data');
      if (input.toString('latin1', 0, MAGIC.length) !== MAGIC)
        throw invalid('there is more after its end', 'trailing-data');
      yield* member();
      await more(HEADER_BYTES);
    }
  } catch (error) {
    throw error instanceof LzmaDamaged ? invalid('its lzip stream is damaged, or cut off') : error;
  } finally {
    await source.close();
  }

  async function* member(): AsyncGenerator<Buffer> {
    const decoder = new LzmaDecoder(propertiesOf(input[HEADER_BYTES - 1] ?? 0), Number.POSITIVE_INFINITY);
    let sum = 0;
    let bytes = 0;
    let packedBytes = 0;
    let piece = input.subarray(HEADER_BYTES);
    for (let isLast = false; decoder.rest === undefined; ) {
      packedBytes += piece.length;
      for (const content of decoder.decode(piece, isLast, true)) {
        sum = crc32(content, sum);
        bytes += content.length;
        yield content;
      }
      if (isLast && decoder.rest === undefined) throw cutOff();
      if (decoder.rest !== undefined) break;
      piece = await source.copy(READ_BYTES);
      isLast = piece.length < READ_BYTES;
    }
    const rest = decoder.rest ?? Buffer.alloc(0);
    input = rest;
    packedBytes -= rest.length;
    await more(TRAILER_BYTES);
    if (input.length < TRAILER_BYTES) throw cutOff();
    if (input.readUInt32LE(0) !== sum) throw invalid('is damaged: its checksum (CRC-32) is wrong', 'checksum');
    const sizes = [input.readBigUInt64LE(4), input.readBigUInt64LE(12)];
    if (sizes[0] !== BigInt(bytes) || sizes[1] !== BigInt(packedBytes + HEADER_BYTES + TRAILER_BYTES))
      throw invalid('its lzip stream is not as long as it says', 'size');
    input = Buffer.from(input.subarray(TRAILER_BYTES));
  }

  /** A power of two, and how many sixteenths of it are taken away. */
  function propertiesOf(byte: number): Buffer {
    const base = 2 ** (byte & 31);
    const dictionary = base - (base / 16) * (byte >>> 5);
    if ((byte & 31) < 12 || (byte & 31) > 29) throw invalid('its lzip stream has an impossible dictionary');
    if (dictionary > MAX_DICTIONARY_BYTES)
      throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'has a dictionary of more than 64 MiB');
    const properties = Buffer.from([PROPERTIES, 0, 0, 0, 0]);
    properties.writeUInt32LE(dictionary, 1);
    return properties;
  }
}
