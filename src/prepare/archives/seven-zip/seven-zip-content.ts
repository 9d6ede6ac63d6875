import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { READ_BYTES } from '../archive-input.js';
import { ByteSource } from '../byte-source.js';
import { bunzip2 } from '../compression/bzip2.js';
import { PIECES_AT_A_TIME } from '../compression/compression.js';
import { INFLATE_CHUNK_BYTES, isZlibError } from '../compression/gunzip.js';
import { LzmaDamaged, LzmaDecoder } from '../compression/lzma.js';
import {
  dictionaryBytes,
  Lzma2Damaged,
  Lzma2Decoder,
  lzma2Content,
  MAX_DICTIONARY_BYTES,
} from '../compression/lzma2.js';
import { readAt } from '../read-at.js';
import type { Coder, Folder } from './seven-zip-header.js';

/** Numbers of the supported methods ("Methods.txt" of the LZMA SDK). */
const COPY = '00';
const LZMA = '030101';
const LZMA2 = '21';
const DEFLATE = '040108';
const BZIP2 = '040202';
const SUPPORTED: ReadonlySet<string> = new Set([COPY, LZMA, LZMA2, DEFLATE, BZIP2]);

const OTHER_METHODS: Record<string, string> = {
  '03': 'delta',
  '04': 'BCJ x86',
  '0a': 'ARM64',
  '0b': 'RISC-V',
  '03030103': 'BCJ x86',
  '0303011b': 'BCJ2',
  '03030205': 'PowerPC',
  '03030401': 'IA-64',
  '03030501': 'ARM',
  '03030701': 'ARM Thumb',
  '03030805': 'SPARC',
  '030401': 'PPMd',
  '040109': 'Deflate64',
  '04f71101': 'Zstandard',
  '04f71104': 'LZ4',
  '06f10701': 'AES',
};

/** @throws ARCHIVE_UNSUPPORTED, ARCHIVE_INVALID for a folder that cannot be unpacked whatever is in it */
export function checkFolder({ coders, packed }: Folder, place: ArchivePlace): void {
  const other = coders.find(({ method }) => !SUPPORTED.has(method));
  if (other?.method === '06f10701')
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is encrypted', {
      hint: 'Decrypt it, and pack it again without a password.',
    });
  if (other !== undefined) {
    const what = `is packed by the method ${OTHER_METHODS[other.method] ?? other.method}, which is not supported`;
    throw archiveError('ARCHIVE_UNSUPPORTED', place, what, { hint: 'Pack it again with `7z a -mf=off -m0=lzma2`.' });
  }
  const [coder] = coders;
  if (coder === undefined || coders.length > 1 || packed.length !== 1 || coder.inputs !== 1 || coder.outputs !== 1)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is packed by several methods, one over the other');
  const { method, properties, size } = coder;
  if (properties.length !== (method === LZMA ? 5 : method === LZMA2 ? 1 : 0))
    throw archiveError('ARCHIVE_INVALID', place, 'has a method with the wrong properties');
  const dictionary =
    method === LZMA ? properties.readUInt32LE(1) : method === LZMA2 ? dictionaryBytes(properties[0] ?? 255) : 0;
  if (dictionary === undefined) throw archiveError('ARCHIVE_INVALID', place, 'has an impossible dictionary');
  if (Math.min(dictionary, size) > MAX_DICTIONARY_BYTES)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a dictionary of more than 64 MiB');
}

/** What comes of a folder that was checked. @throws ARCHIVE_INVALID */
export async function* folderContent(
  handle: FileHandle,
  folder: Folder,
  offset: number,
  packedBytes: number,
  place: ArchivePlace,
  consumed: (offset: number) => void,
): AsyncGenerator<Buffer> {
  const [coder] = folder.coders;
  if (coder === undefined) return;
  let bytes = 0;
  let sum = 0;
  let pieces = 0;
  try {
    for await (const piece of decoded(coder, readRange(handle, offset, packedBytes, place, consumed), place)) {
      bytes += piece.length;
      if (bytes > coder.size) throw damaged(place);
      if (folder.crc !== undefined) sum = crc32(piece, sum);
      yield piece;
      pieces += 1;
      if (pieces % PIECES_AT_A_TIME === 0) await setImmediate();
    }
  } catch (error) {
    const isDamage = error instanceof LzmaDamaged || error instanceof Lzma2Damaged || isZlibError(error);
    throw isDamage ? damaged(place) : error;
  }
  if (bytes !== coder.size) throw damaged(place);
  if (folder.crc !== undefined && folder.crc !== sum)
    throw archiveError('ARCHIVE_INVALID', place, 'is damaged: the checksum (CRC-32) of what it lies in is wrong');
}

async function* decoded(
  { method, properties, size }: Coder,
  packed: AsyncIterable<Buffer>,
  place: ArchivePlace,
): AsyncGenerator<Buffer> {
  switch (method) {
    case COPY:
      return yield* packed;
    case LZMA:
      return yield* unlzma(packed, new LzmaDecoder(properties, size));
    case LZMA2:
      return yield* unlzma2(packed, properties[0] ?? 0, size, place);
    case BZIP2:
      return yield* bunzip2(packed, place.archive);
    default:
      return yield* inflate(packed);
  }
}

async function* unlzma(packed: AsyncIterable<Buffer>, decoder: LzmaDecoder): AsyncGenerator<Buffer> {
  for await (const piece of packed) yield* decoder.decode(piece, false);
  yield* decoder.decode(Buffer.alloc(0), true);
}

async function* unlzma2(
  packed: AsyncIterable<Buffer>,
  dictionary: number,
  size: number,
  place: ArchivePlace,
): AsyncGenerator<Buffer> {
  const source = new ByteSource(packed);
  const decoder = await Lzma2Decoder.create();
  // A dictionary that is larger than all that comes of it is of no use.
  let byte = 0;
  while (byte < dictionary && (dictionaryBytes(byte) ?? 0) < size) byte += 1;
  decoder.startBlock(byte);
  yield* lzma2Content(source, decoder, () => damaged(place));
  if ((await source.skip(1)) > 0) throw damaged(place);
}

async function* inflate(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  const inflater = createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES });
  const source = Readable.from(packed);
  source.once('error', (error) => inflater.destroy(error));
  source.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  source.pipe(inflater);
  try {
    for await (const piece of inflater) yield piece as Buffer;
  } finally {
    source.destroy();
    inflater.destroy();
  }
  if (inflater.bytesWritten !== bytes) throw new LzmaDamaged();
}

async function* readRange(
  handle: FileHandle,
  offset: number,
  length: number,
  place: ArchivePlace,
  consumed: (offset: number) => void,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; at += READ_BYTES) {
    const wanted = Math.min(READ_BYTES, length - at);
    const piece = await readAt(handle, offset + at, wanted);
    if (piece.length < wanted) throw archiveError('ARCHIVE_INVALID', place, 'is cut off');
    consumed(offset + at + wanted);
    yield piece;
  }
}

function damaged(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'is damaged: it cannot be decompressed');
}
