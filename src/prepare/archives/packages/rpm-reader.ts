import { createHash } from 'node:crypto';
import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { compressionOf, decompress } from '../compression/compression.js';
import type { Unpacker } from '../unpacker.js';
import { unpackCpio } from './cpio-reader.js';

/** https://rpm-software-management.github.io/rpm/manual/format_v4.html */
export const RPM_MAGIC = '\xed\xab\xee\xdb';

const LEAD_BYTES = 96;
const HEADER_MAGIC = '\x8e\xad\xe8\x01';
const INTRO_BYTES = 16;
const ENTRY_BYTES = 16;
/** The most that a header may have; that of a package of 100,000 files has some 20 MiB. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
/** In the signature: of the header, in hexadecimal; of header and payload, as bytes. */
const TAG_SHA256_HEADER = 273;
const TAG_MD5 = 1004;
/** In the header: of the compressed payload. */
const TAG_PAYLOAD_DIGEST = 5092;
const TAG_PAYLOAD_DIGEST_ALGORITHM = 5093;
const SHA256 = 8;

interface Header {
  bytes: Buffer;
  text(tag: number): string | undefined;
  number(tag: number): number | undefined;
  binary(tag: number): Buffer | undefined;
}

/**
 * Unpacks the files that an rpm installs: a cpio archive behind two headers, whose digests are checked. Scripts are not
 * run, signatures not judged.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT
 */
export async function unpackRpm(source: ByteSource, unpacker: Unpacker): Promise<void> {
  const { archive } = unpacker;
  const lead = await source.skip(LEAD_BYTES);
  if (lead < LEAD_BYTES)
    throw archiveError('ARCHIVE_INVALID', { archive, offset: lead }, 'is cut off', { reason: 'cut-off' });
  const signature = await readHeader(source, archive, true);
  const header = await readHeader(source, archive, false);
  const expected = signature.text(TAG_SHA256_HEADER);
  if (expected !== undefined && createHash('sha256').update(header.bytes).digest('hex') !== expected.toLowerCase())
    throw archiveError('ARCHIVE_INVALID', { archive }, 'its header has a wrong digest', { reason: 'checksum' });
  const start = await source.copy(16);
  const compression = compressionOf(start);
  const payload = checked(start, source, signature, header, archive);
  const cpio = new ByteSource(compression === undefined ? payload : decompress(compression, payload, unpacker));
  try {
    await unpackCpio(cpio, unpacker);
  } finally {
    await cpio.close();
  }
}

/** The payload; says at its end where it is not what the headers say. */
async function* checked(
  start: Buffer,
  source: ByteSource,
  signature: Header,
  header: Header,
  archive: string,
): AsyncGenerator<Buffer> {
  const algorithm = header.number(TAG_PAYLOAD_DIGEST_ALGORITHM) ?? SHA256;
  const sha256 = algorithm === SHA256 ? header.text(TAG_PAYLOAD_DIGEST)?.toLowerCase() : undefined;
  const expected = sha256 ?? signature.binary(TAG_MD5)?.toString('hex');
  const hash = sha256 === undefined ? createHash('md5').update(header.bytes) : createHash('sha256');
  hash.update(start);
  yield start;
  for await (const chunk of source.stream(Number.MAX_SAFE_INTEGER)) {
    hash.update(chunk);
    yield chunk;
  }
  if (expected === undefined || hash.digest('hex') === expected) return;
  throw archiveError('ARCHIVE_INVALID', { archive }, 'its payload has a wrong digest: it is damaged, or cut off', {
    reason: 'checksum',
  });
}

async function readHeader(source: ByteSource, archive: string, isPadded: boolean): Promise<Header> {
  const { offset } = source;
  const invalid = (what: string, reason?: 'cut-off') =>
    archiveError('ARCHIVE_INVALID', { archive, offset }, what, reason && { reason });
  const intro = await source.copy(INTRO_BYTES);
  if (intro.length < INTRO_BYTES) throw invalid('is cut off', 'cut-off');
  if (intro.toString('latin1', 0, 4) !== HEADER_MAGIC) throw invalid('has no rpm header where one must be');
  const entries = intro.readUInt32BE(8);
  const indexBytes = entries * ENTRY_BYTES;
  const size = indexBytes + intro.readUInt32BE(12);
  if (size > MAX_HEADER_BYTES)
    throw archiveError('ARCHIVE_LIMIT', { archive, offset }, `has a header of ${size} bytes`);
  const content = await source.copy(size);
  const padding = isPadded ? (8 - (size % 8)) % 8 : 0;
  if (content.length < size || (await source.skip(padding)) < padding)
    throw invalid('is cut off inside a header', 'cut-off');
  const places = new Map<number, { at: number; count: number }>();
  for (let at = 0; at < indexBytes; at += ENTRY_BYTES) {
    const place = { at: indexBytes + content.readUInt32BE(at + 8), count: content.readUInt32BE(at + 12) };
    places.set(content.readUInt32BE(at), place);
  }
  const binary = (tag: number, count?: number): Buffer | undefined => {
    const place = places.get(tag);
    return place === undefined ? undefined : content.subarray(place.at, place.at + (count ?? place.count));
  };
  return {
    bytes: Buffer.concat([intro, content]),
    binary: (tag) => binary(tag),
    number(tag) {
      const bytes = binary(tag, 4);
      return bytes?.length === 4 ? bytes.readUInt32BE(0) : undefined;
    },
    text(tag) {
      const bytes = binary(tag, 256);
      const end = bytes?.indexOf(0) ?? -1;
      return end === -1 ? undefined : bytes?.toString('latin1', 0, end);
    },
  };
}
