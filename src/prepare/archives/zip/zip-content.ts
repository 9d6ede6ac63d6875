import type { FileHandle } from 'node:fs/promises';
import { Readable, type TransformOptions } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32, createInflateRaw, type InflateRaw, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { READ_BYTES } from '../archive-input.js';
import { PIECES_AT_A_TIME } from '../compression/compression.js';
import { INFLATE_AHEAD_BYTES, INFLATE_CHUNK_BYTES, isZlibError } from '../compression/gunzip.js';
import { encrypted, encryptedOtherwise } from '../encrypted.js';
import { readAt } from '../read-at.js';
import { FLAG, type ZipEntry } from './zip-directory.js';
import { decrypted, encryptionBytes, hasCrc } from './zip-encryption.js';
import { checkMethod, decoded, STORED } from './zip-methods.js';

/**
 * The way through the thread pool costs some 60 µs of processor time, in which 20 KiB are inflated (measured, of 4,000 entries
 * of 18 KiB: 0.16 s at once, 0.37 to 0.46 s by the pool; of 64 KiB: 0.38 and 0.61 s, in the same time by the clock).
 */
const AT_ONCE_BYTES = 64 * 1024;

/** @throws ARCHIVE_UNSUPPORTED, ARCHIVE_INVALID for an entry whose content cannot be had whatever it is */
export function checkReadable(entry: ZipEntry, place: ArchivePlace, password: string | undefined): void {
  const isEncrypted = (entry.flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) !== 0;
  const isKnown = entry.encryption !== undefined && (entry.flags & (FLAG.strong | FLAG.masked)) === 0;
  if (isEncrypted && !isKnown) throw encryptedOtherwise(place);
  if (isEncrypted && password === undefined) throw encrypted(place);
  if (entry.flags & FLAG.patched) throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is a difference to another file');
  checkMethod(entry, place);
  if (dataBytes(entry) < 0)
    throw archiveError('ARCHIVE_INVALID', place, 'is encrypted, and too short for that', { reason: 'size' });
  if (entry.method === STORED && dataBytes(entry) !== entry.size) {
    throw archiveError('ARCHIVE_INVALID', place, 'is stored, and has two sizes', { reason: 'size' });
  }
}

/** Bytes of its compressed data, without what encryption adds. */
function dataBytes({ compressedSize, encryption }: ZipEntry): number {
  return encryption === undefined ? compressedSize : compressedSize - encryptionBytes(encryption);
}

/** An entry's content from its compressed bytes, in memory of its own. @throws ARCHIVE_INVALID; ARCHIVE_UNSUPPORTED for a wrong password */
export async function wholeContent(
  entry: ZipEntry,
  raw: Buffer,
  place: ArchivePlace,
  password: string | undefined,
): Promise<Buffer> {
  const data = await decryptedWhole(entry, raw, place, password);
  const other = decoded(entry, oneChunk(data), place);
  const content = other
    ? await gathered(entry, other)
    : entry.method === STORED
      ? Buffer.from(data)
      : await inflateWhole(entry, data, place);
  checkContent(entry, content.length, crc32(content), place);
  return content;
}

/** The content of an entry that is too large for memory. @throws ARCHIVE_INVALID */
export async function* streamedContent(
  entry: ZipEntry,
  handle: FileHandle,
  dataOffset: number,
  place: ArchivePlace,
  password: string | undefined,
): AsyncGenerator<Buffer> {
  const data = decryptedData(entry, readRange(handle, dataOffset, entry.compressedSize), place, password);
  const content = decoded(entry, data, place) ?? (entry.method === STORED ? data : inflateStream(entry, data, place));
  let size = 0;
  let crc = 0;
  let chunks = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > entry.size) break;
    crc = crc32(chunk, crc);
    yield chunk;
    chunks += 1;
    if (chunks % PIECES_AT_A_TIME === 0) await setImmediate();
  }
  checkContent(entry, size, crc, place);
}

function decryptedData(
  { encryption, compressedSize: size }: ZipEntry,
  data: AsyncIterable<Buffer>,
  place: ArchivePlace,
  password: string | undefined,
): AsyncIterable<Buffer> {
  if (encryption === undefined) return data;
  if (password === undefined) throw encrypted(place);
  return decrypted(encryption, data, { size, password, place });
}

async function decryptedWhole(
  entry: ZipEntry,
  raw: Buffer,
  place: ArchivePlace,
  password: string | undefined,
): Promise<Buffer> {
  if (entry.encryption === undefined) return raw;
  const chunks: Buffer[] = [];
  for await (const chunk of decryptedData(entry, oneChunk(raw), place, password)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* oneChunk(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

/** All of it, or a little more than it says that it is. */
async function gathered(entry: ZipEntry, content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > entry.size) break;
  }
  return Buffer.concat(chunks);
}

function checkContent(entry: ZipEntry, size: number, crc: number, place: ArchivePlace): void {
  if (size !== entry.size)
    throw archiveError('ARCHIVE_INVALID', place, `is not the ${entry.size} bytes that it says it is`, {
      reason: 'size',
    });
  if (!hasCrc(entry.encryption) || crc === entry.crc) return;
  const why = entry.encryption?.kind === 'zipcrypto' ? ', or the password is not the right one' : '';
  throw archiveError('ARCHIVE_INVALID', place, `is damaged: its checksum (CRC-32) is wrong${why}`, {
    reason: 'checksum',
  });
}

async function inflateWhole(entry: ZipEntry, data: Buffer, place: ArchivePlace): Promise<Buffer> {
  // Room for all at once, and a little, so that inflating ends in one call; the limit stops what lies about its size.
  const options = { chunkSize: entry.size + 64, maxOutputLength: entry.size + 64, info: true };
  const isTiny = Math.max(entry.size, data.length) <= AT_ONCE_BYTES;
  let result: unknown;
  try {
    result = isTiny ? inflateRawSync(data, options) : await inflatedInPool(data, options);
  } catch (error) {
    throw damaged(error, place);
  }
  // With `info`, the result is the engine as well, which says how much it read.
  const { buffer, engine } = result as { buffer: Buffer; engine: InflateRaw };
  if (engine.bytesWritten !== data.length) throw trailing(place);
  return buffer;
}

const inflatedInPool = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

async function* inflateStream(
  entry: ZipEntry,
  data: AsyncIterable<Buffer>,
  place: ArchivePlace,
): AsyncGenerator<Buffer> {
  const options: ZlibOptions & TransformOptions = {
    chunkSize: INFLATE_CHUNK_BYTES,
    highWaterMark: INFLATE_AHEAD_BYTES,
  };
  const inflater = createInflateRaw(options);
  const source = Readable.from(data);
  source.once('error', (error) => inflater.destroy(error));
  source.pipe(inflater);
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (error) {
    throw damaged(error, place);
  } finally {
    source.destroy();
    inflater.destroy();
  }
  if (inflater.bytesWritten !== dataBytes(entry)) throw trailing(place);
}

async function* readRange(handle: FileHandle, offset: number, length: number): AsyncGenerator<Buffer> {
  const read = (at: number) => {
    const bytes = readAt(handle, offset + at, Math.min(READ_BYTES, length - at));
    bytes.catch(() => undefined); // seen when it is awaited
    return bytes;
  };
  let ahead = read(0);
  for (let at = 0; at < length; at += READ_BYTES) {
    const chunk = await ahead;
    if (at + READ_BYTES < length) ahead = read(at + READ_BYTES);
    yield chunk;
  }
}

function trailing(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'has more compressed data than belongs to it', { reason: 'size' });
}

function damaged(error: unknown, place: ArchivePlace): unknown {
  if (isZlibError(error))
    return archiveError('ARCHIVE_INVALID', place, `is damaged (${error.message})`, { cause: error });
  if (error instanceof RangeError)
    return archiveError('ARCHIVE_INVALID', place, 'is larger than it says', { reason: 'size', cause: error });
  return error;
}
