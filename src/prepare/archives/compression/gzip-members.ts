import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { gzipError, INFLATE_OPTIONS, moreAfterEnd, written } from './gunzip.js';
import type { OnTrailingData } from './trailing-data.js';

const FIXED_BYTES = 10;
const TRAILER_BYTES = 8;
const FLAG = { checksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/**
 * Inflates gzip (RFC 1952) of several members, and knows where the last one ends, which zlib does not tell. It costs a new
 * inflater for each member, so this is only for streams behind which something may follow.
 * @throws ARCHIVE_INVALID for damage, wrong checksums and truncation; what `onTrailingData` throws
 */
export async function* gunzipMembers(
  source: AsyncIterable<Buffer>,
  archive: string,
  onTrailingData: OnTrailingData,
): AsyncGenerator<Buffer> {
  const input = new ByteSource(source);
  try {
    do yield* member(input, archive);
    while (await startsMember(input));
    if (await input.restIsZero()) return;
    onTrailingData(input.offset, () => moreAfterEnd(archive));
    await input.skip(Number.POSITIVE_INFINITY); // for who counts the source's bytes
  } catch (error) {
    throw gzipError(error, archive);
  } finally {
    await input.close();
  }
}

async function* member(input: ByteSource, archive: string): AsyncGenerator<Buffer> {
  const damaged = (what: string, reason: 'cut-off' | 'checksum' | 'size' | 'malformed') =>
    archiveError('ARCHIVE_INVALID', { archive, offset: input.offset }, what, { reason });
  const cutOff = () => damaged('is cut off: its gzip stream does not end', 'cut-off');
  await passHeader(input, cutOff, (what) => damaged(`its gzip stream is damaged (${what})`, 'malformed'));
  let sum = 0;
  let size = 0;
  for await (const piece of inflated(input)) {
    sum = crc32(piece, sum);
    size = (size + piece.length) % 2 ** 32;
    yield piece;
  }
  const trailer = await input.copy(TRAILER_BYTES);
  if (trailer.length < TRAILER_BYTES) throw cutOff();
  if (trailer.readUInt32LE(0) !== sum) throw damaged('its gzip stream is damaged (incorrect data check)', 'checksum');
  if (trailer.readUInt32LE(4) !== size) throw damaged('its gzip stream is damaged (incorrect length check)', 'size');
}

async function passHeader(input: ByteSource, cutOff: () => Error, damaged: (what: string) => Error): Promise<void> {
  let sum = 0;
  const next = async (count: number) => {
    const bytes = await input.copy(count);
    if (bytes.length < count) throw cutOff();
    sum = crc32(bytes, sum);
    return bytes;
  };
  const passText = async () => {
    while ((await next(1))[0] !== 0);
  };
  const fixed = await next(FIXED_BYTES);
  const flags = fixed[3] ?? 0;
  if (fixed.readUInt16BE(0) !== 0x1f8b || fixed[2] !== 8) throw damaged('unknown compression method');
  if (flags & FLAG.reserved) throw damaged('unknown header flags set');
  if (flags & FLAG.extra) await next((await next(2)).readUInt16LE(0));
  if (flags & FLAG.name) await passText();
  if (flags & FLAG.comment) await passText();
  if (!(flags & FLAG.checksum)) return;
  const expected = sum & 0xffff;
  if ((await next(2)).readUInt16LE(0) !== expected) throw damaged('header crc mismatch');
}

/** Another member follows at once. zlib, too, takes two bytes for its mark. */
async function startsMember(input: ByteSource): Promise<boolean> {
  const start = await input.peek(2);
  return start.length >= 2 && start.readUInt16BE(0) === 0x1f8b;
}

async function* inflated(input: ByteSource): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw(INFLATE_OPTIONS);
  const fed = feed(input, inflater);
  fed.catch((error: unknown) => inflater.destroy(error as Error));
  try {
    for await (const piece of inflater) yield piece as Buffer;
  } finally {
    inflater.destroy();
  }
  await fed;
}

/** Takes from the input what the inflater uses, and no more. */
async function feed(input: ByteSource, inflater: InflateRaw): Promise<void> {
  for (let used = 0; ; ) {
    const piece = await input.peek(1);
    if (piece.length === 0 && !inflater.destroyed) inflater.end();
    if (piece.length === 0 || inflater.destroyed) return;
    await written(inflater, piece);
    if (inflater.destroyed && !inflater.readableEnded) return;
    const count = inflater.bytesWritten - used;
    used += count;
    await input.skip(count);
    if (count < piece.length) return;
  }
}
