import type { PrestageError } from '../../../core/errors.js';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { BitReader, BlockCutOff, BlockDamaged, type Bzip2Block, readBlock } from './bzip2-block.js';
import { type OnTrailingData, refuseTrailingData } from './trailing-data.js';

/** `BZh` and the level. */
const MAGIC_BYTES = 4;
const BLOCK_START = [0x314159, 0x265359] as const;
const STREAM_END = [0x177245, 0x385090] as const;
/** A block at the level 9; a lower level has as many ninths of it. */
const LEVEL_BYTES = 100_000;
/** What is collected before a block is tried: bytes that do not compress take little more than their length. */
const FIRST_TRY_BYTES = 960 * 1024;
/** No block is larger: 900,000 codes of 20 bits, and its tables. */
const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const OUTPUT_BYTES = 256 * 1024;

/**
 * Decompresses bzip2: several streams too, each block and stream checked by its CRC.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end
 */
export async function* bunzip2(
  source: AsyncIterable<Buffer>,
  archive: string,
  onTrailingData: OnTrailingData = refuseTrailingData,
): AsyncGenerator<Buffer> {
  const input = new Input(source);
  let table = new Uint32Array(0);
  let streamSum = 0;
  let isFirst = true;
  try {
    for (;;) {
      if (!(await input.fill(isFirst ? 4 : 1))) {
        if (isFirst) throw new BlockCutOff('its bzip2 stream does not end');
        return;
      }
      const level = streamLevel(await input.read((bits) => [bits.read(24), bits.read(8)]));
      if (level === undefined) {
        const damage = new BlockDamaged('there is more after its end', 'trailing-data');
        if (isFirst) throw damage;
        const offset = input.offset - MAGIC_BYTES;
        onTrailingData(offset, () => damagedStream(damage, { archive, offset }));
        return await input.drain();
      }
      isFirst = false;
      if (table.length < level * LEVEL_BYTES) table = new Uint32Array(level * LEVEL_BYTES);
      const room = table.subarray(0, level * LEVEL_BYTES);
      streamSum = 0;
      for (;;) {
        const next = await input.read((bits) => {
          const mark = [bits.read(24), bits.read(24)] as const;
          const sum = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
          if (mark[0] === STREAM_END[0] && mark[1] === STREAM_END[1]) return { sum };
          if (mark[0] !== BLOCK_START[0] || mark[1] !== BLOCK_START[1]) throw new BlockDamaged('no block begins there');
          return { sum, block: readBlock(bits, room) };
        });
        if (next.block === undefined) {
          if (next.sum !== streamSum) throw new BlockDamaged('the checksum of a stream is wrong', 'checksum');
          input.alignToByte();
          break;
        }
        let sum = 0xffffffff;
        for (const bytes of withoutRuns(next.block)) {
          sum = checksum(sum, bytes);
          yield bytes;
        }
        if (~sum >>> 0 !== next.sum) throw new BlockDamaged('the checksum of a block is wrong', 'checksum');
        streamSum = (((streamSum << 1) | (streamSum >>> 31)) ^ next.sum) >>> 0;
      }
    }
  } catch (error) {
    throw asArchiveError(error, archive, input.offset);
  } finally {
    await input.close();
  }
}

function asArchiveError(error: unknown, archive: string, offset: number): unknown {
  const place = { archive, offset };
  if (error instanceof BlockCutOff)
    return archiveError('ARCHIVE_INVALID', place, 'is cut off: its bzip2 stream does not end', { reason: 'cut-off' });
  return error instanceof BlockDamaged ? damagedStream(error, place) : error;
}

function damagedStream({ message, reason }: BlockDamaged, place: ArchivePlace): PrestageError {
  return archiveError('ARCHIVE_INVALID', place, `its bzip2 stream is damaged: ${message}`, { reason });
}

/** What was collected of the source and not used yet, from which whole things are read, or tried again with more. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bits of `#bytes` that were used. */
  #used = 0;
  #before = 0;
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Bytes that were used. */
  get offset(): number {
    return this.#before + (this.#used >>> 3);
  }

  alignToByte(): void {
    this.#used = Math.ceil(this.#used / 8) * 8;
  }

  /** Whether this many bytes are there, or can be had. */
  async fill(count: number): Promise<boolean> {
    const at = this.#used >>> 3;
    if (this.#bytes.length - at >= count) return true;
    const parts: Buffer[] = [this.#bytes.subarray(at)];
    let have = this.#bytes.length - at;
    while (have < count && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done) this.#ended = true;
      else {
        parts.push(next.value);
        have += next.value.length;
      }
    }
    this.#before += at;
    this.#used &= 7;
    this.#bytes = Buffer.concat(parts);
    return have >= count;
  }

  /** Reads something whole; nothing is used where that fails. @throws BlockCutOff, BlockDamaged */
  async read<T>(one: (bits: BitReader) => T): Promise<T> {
    for (let count = FIRST_TRY_BYTES; ; count *= 2) {
      const isAll = !(await this.fill(count));
      const bits = new BitReader(this.#bytes, this.#used);
      try {
        const result = one(bits);
        this.#used = bits.position;
        return result;
      } catch (error) {
        if (!(error instanceof BlockCutOff) || isAll) throw error;
        if (count > MAX_BLOCK_BYTES) throw new BlockDamaged('a block has no end');
      }
    }
  }

  /** Reads what is left, for who counts the source's bytes. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** Undefined where no stream begins. */
function streamLevel([magic, digit]: readonly number[]): number | undefined {
  const level = (digit ?? 0) - 0x30;
  return magic === 0x425a68 && level >= 1 && level <= 9 ? level : undefined;
}

/** Follows a block's bytes and undoes its runs: after four equal ones, a byte says how many more there are. */
function* withoutRuns({ table, length, origin }: Bzip2Block): Generator<Buffer> {
  let out = Buffer.allocUnsafe(OUTPUT_BYTES);
  let filled = 0;
  let entry = table[(table[origin] ?? 0) >>> 8] ?? 0;
  let last = -1;
  let equal = 0;
  for (let left = length; left > 0; left -= 1) {
    const byte = entry & 255;
    entry = table[entry >>> 8] ?? 0;
    if (equal === 4) {
      out.fill(last, filled, filled + byte);
      filled += byte;
      equal = 0;
      last = -1;
    } else {
      out[filled] = byte;
      filled += 1;
      equal = byte === last ? equal + 1 : 1;
      last = byte;
    }
    if (filled > OUTPUT_BYTES - 256) {
      yield out.subarray(0, filled);
      out = Buffer.allocUnsafe(OUTPUT_BYTES);
      filled = 0;
    }
  }
  yield out.subarray(0, filled);
}

/** CRC-32 as bzip2 has it: the usual polynomial, from the first bit of each byte on. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let i = 0; i < 8; i += 1) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  return sum >>> 0;
});

function checksum(before: number, bytes: Buffer): number {
  let sum = before;
  for (let i = 0; i < bytes.length; i += 1) sum = (sum << 8) ^ (CRC_TABLE[(sum >>> 24) ^ (bytes[i] ?? 0)] ?? 0);
  return sum >>> 0;
}
