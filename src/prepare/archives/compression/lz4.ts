import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { Xxh32 } from './xxh32.js';

/** "LZ4 Frame Format Description" 1.6.4, and the format of before, which Linux' images still have. */
const FRAME = 0x184d2204;
const LEGACY = 0x184c2102;
const isSkippable = (magic: number) => magic >>> 4 === 0x184d2a5;
const MAX_BLOCK_BYTES = { 4: 64 * 1024, 5: 256 * 1024, 6: 1024 * 1024, 7: 4 * 1024 * 1024 } as Record<number, number>;
const LEGACY_BLOCK_BYTES = 8 * 1024 * 1024;
/** How far back a match reaches. */
const WINDOW_BYTES = 64 * 1024;

interface Frame {
  blockBytes: number;
  isLinked: boolean;
  hasBlockSums: boolean;
  hasSum: boolean;
  size: number | undefined;
}

/**
 * Decompresses lz4: several frames too, and skippable ones, each block and frame checked by its checksum where it has one.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end; ARCHIVE_UNSUPPORTED for dictionaries
 */
export async function* unlz4(chunks: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  const source = new ByteSource(chunks);
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset: source.offset }, what, reason && { reason });
  const taken = async (count: number): Promise<Buffer> => {
    const bytes = await source.copy(count);
    if (bytes.length < count) throw invalid('is cut off: its lz4 stream does not end', 'cut-off');
    return bytes;
  };
  const damaged = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    invalid(`its lz4 stream is damaged: ${what}`, reason);
  try {
    let isFirst = true;
    for (let start = await source.copy(4); start.length > 0; start = await source.copy(4)) {
      const magic = start.length === 4 ? start.readUInt32LE(0) : 0;
      if (magic === FRAME) yield* frameContent();
      else if (isSkippable(magic)) await skipped((await taken(4)).readUInt32LE(0));
      else if (magic === LEGACY && isFirst) return yield* legacyContent();
      else throw damaged('there is more after its end', 'trailing-data');
      isFirst = false;
    }
  } finally {
    await source.close();
  }

  async function skipped(count: number): Promise<void> {
    if ((await source.skip(count)) < count) throw invalid('is cut off: its lz4 stream does not end', 'cut-off');
  }

  async function frameHeader(): Promise<Frame> {
    const flags = await taken(2);
    const [flag = 0, descriptor = 0] = flags;
    const more = await taken(((flag & 8) === 0 ? 0 : 8) + ((flag & 1) === 0 ? 0 : 4));
    const [sum] = await taken(1);
    const blockBytes = MAX_BLOCK_BYTES[(descriptor >>> 4) & 7];
    const isKnown = flag >>> 6 === 1 && (flag & 2) === 0 && (descriptor & 0x8f) === 0 && blockBytes !== undefined;
    const header = new Xxh32();
    header.update(Buffer.concat([flags, more]));
    if (!isKnown || ((header.digest() >>> 8) & 255) !== sum) throw damaged('the header of a frame is wrong');
    if ((flag & 1) !== 0)
      throw archiveError('ARCHIVE_UNSUPPORTED', { archive }, 'is lz4 with a dictionary of its own', {
        reason: 'compression',
      });
    return {
      blockBytes,
      isLinked: (flag & 0x20) === 0,
      hasBlockSums: (flag & 0x10) !== 0,
      hasSum: (flag & 4) !== 0,
      size: (flag & 8) === 0 ? undefined : Number(more.readBigUInt64LE(0)),
    };
  }

  async function* frameContent(): AsyncGenerator<Buffer> {
    const { blockBytes, isLinked, hasBlockSums, hasSum, size } = await frameHeader();
    const sum = new Xxh32();
    let window: Buffer = Buffer.alloc(0);
    let bytes = 0;
    for (let word = (await taken(4)).readUInt32LE(0); word !== 0; word = (await taken(4)).readUInt32LE(0)) {
      const packedBytes = word & 0x7fffffff;
      if (packedBytes > blockBytes) throw damaged('a block is longer than it may be');
      const packed = await taken(packedBytes);
      if (hasBlockSums && Xxh32.of(packed) !== (await taken(4)).readUInt32LE(0))
        throw damaged('the checksum of a block is wrong', 'checksum');
      const block = word >>> 31 === 1 ? packed : unpackedBlock(packed, window, blockBytes);
      if (block === undefined) throw damaged('a block cannot be decoded');
      if (isLinked) window = Buffer.concat([window, block]).subarray(-WINDOW_BYTES);
      if (hasSum) sum.update(block);
      bytes += block.length;
      yield block;
    }
    if (size !== undefined && size !== bytes) throw damaged('a frame is not as long as it says', 'size');
    if (hasSum && sum.digest() !== (await taken(4)).readUInt32LE(0))
      throw damaged('the checksum of a frame is wrong', 'checksum');
  }

  /** Blocks up to the end of the file. */
  async function* legacyContent(): AsyncGenerator<Buffer> {
    for (let start = await source.copy(4); start.length > 0; start = await source.copy(4)) {
      if (start.length < 4) throw invalid('is cut off: its lz4 stream does not end', 'cut-off');
      const packedBytes = start.readUInt32LE(0);
      if (packedBytes === LEGACY) continue; // joined files
      if (packedBytes > 2 * LEGACY_BLOCK_BYTES) throw damaged('there is more after its end', 'trailing-data');
      const block = unpackedBlock(await taken(packedBytes), Buffer.alloc(0), LEGACY_BLOCK_BYTES);
      if (block === undefined) throw damaged('a block cannot be decoded');
      yield block;
    }
  }
}

/**
 * The first bytes of what a stream of lz4 holds: a block may be longer than what is there of it.
 * @returns nothing where a skippable frame comes first, or the header is damaged
 */
export function lz4Start(head: Buffer, count: number): Buffer {
  const magic = head.readUInt32LE(0);
  const flag = head[4] ?? 0;
  const at = magic === LEGACY ? 4 : 7 + ((flag & 8) === 0 ? 0 : 8) + ((flag & 1) === 0 ? 0 : 4);
  if ((magic !== FRAME && magic !== LEGACY) || at + 4 > head.length) return Buffer.alloc(0);
  const word = head.readUInt32LE(at);
  const packed = head.subarray(at + 4, at + 4 + (word & 0x7fffffff));
  const isPlain = magic === FRAME && word >>> 31 === 1;
  const start = isPlain ? packed : decodedBlock(packed, Buffer.alloc(0), LEGACY_BLOCK_BYTES).content;
  return start.subarray(0, count);
}

/** One block ("LZ4 Block Format Description"). @returns undefined where it is damaged */
function unpackedBlock(packed: Buffer, window: Buffer, most: number): Buffer | undefined {
  const { content, isWhole } = decodedBlock(packed, window, most);
  return isWhole ? content : undefined;
}

/** What a block comes to, up to its end or to where it cannot be decoded. */
function decodedBlock(packed: Buffer, window: Buffer, most: number): { content: Buffer; isWhole: boolean } {
  const output = Buffer.allocUnsafe(window.length + most);
  window.copy(output);
  let at = window.length;
  let from = 0;
  const ended = (isWhole: boolean) => ({ content: output.subarray(window.length, at), isWhole });
  const length = (nibble: number): number => {
    let value = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; from += 1) {
      more = packed[from] ?? Number.NaN;
      value += more;
    }
    return value;
  };
  while (from < packed.length) {
    const token = packed[from] ?? 0;
    from += 1;
    const literals = length(token >>> 4);
    if (!(from + literals <= packed.length && at + literals <= output.length)) return ended(false);
    packed.copy(output, at, from, from + literals);
    at += literals;
    from += literals;
    if (from === packed.length) return ended(true);
    const distance = (packed[from] ?? 0) | ((packed[from + 1] ?? 0) << 8);
    from += 2;
    const matched = length(token & 15) + 4;
    if (!(from <= packed.length && distance > 0 && distance <= at && at + matched <= output.length))
      return ended(false);
    if (distance >= matched) output.copyWithin(at, at - distance, at - distance + matched);
    else for (let i = 0; i < matched; i += 1) output[at + i] = output[at + i - distance] ?? 0;
    at += matched;
  }
  return ended(false);
}
