import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ByteSource } from '../byte-source.js';
import { filterProblem, LZMA2, MAX_FILTERS, type XzFilter } from './xz-filters.js';

/** What "The .xz File Format" 1.2.1 calls a block header (3.1), and the index that sums up the blocks (4). */

export interface BlockHeader {
  /** The byte that stands for the dictionary's size. */
  dictionary: number;
  /** The size of the LZMA2 stream, where the header says it. */
  packedBytes: number | undefined;
  bytes: number | undefined;
  /** Those before LZMA2. */
  filters: XzFilter[];
}

const MAX_PROPERTY_BYTES = 1024;

/**
 * @param header from its first byte, which says how long it is, to its CRC
 * @returns undefined where it is damaged, the name of a filter where that is not supported
 */
export function parseBlockHeader(header: Buffer): BlockHeader | string | undefined {
  const end = header.length - 4;
  const flags = header[1] ?? 0;
  if (header.readUInt32LE(end) !== crc32(header.subarray(0, end)) || (flags & 0x3c) !== 0) return undefined;
  const numbers = numbersIn(header.subarray(0, end), 2);
  const packedBytes = flags & 0x40 ? numbers.next() : undefined;
  const bytes = flags & 0x80 ? numbers.next() : undefined;
  const filters: XzFilter[] = [];
  for (let left = (flags & 3) + 1; left > 0; left -= 1) {
    const id = numbers.next();
    const length = numbers.next();
    if (!(length <= MAX_PROPERTY_BYTES)) return undefined;
    filters.push({ id, properties: numbers.bytes(length) });
  }
  const last = filters.pop();
  const rest = header.subarray(numbers.at, end);
  if (last === undefined || numbers.at > end || !rest.every((byte) => byte === 0)) return undefined;
  const unknown = last.id === LZMA2 ? filters.find((filter) => filterProblem(filter) === 'unknown') : last;
  if (unknown !== undefined) return `number ${unknown.id}`;
  const isWhole = last.properties.length === 1 && filters.length < MAX_FILTERS;
  if (!isWhole || filters.some((filter) => filterProblem(filter) === 'damaged')) return undefined;
  return { dictionary: last.properties[0] ?? 0, packedBytes, bytes, filters };
}

/** Reads numbers as xz has them (1.2): seven bits in each byte, the lowest first. NaN where there is none. */
function numbersIn(
  bytes: Buffer,
  start: number,
): { next(): number; bytes(count: number): Buffer; readonly at: number } {
  let at = start;
  return {
    get at() {
      return at;
    },
    bytes(count) {
      at += count;
      return bytes.subarray(at - count, at);
    },
    next() {
      let value = 0;
      for (let weight = 1; at < bytes.length; weight *= 128) {
        const byte = bytes[at] ?? 0;
        at += 1;
        value += (byte & 127) * weight;
        if (byte < 128) return Number.isSafeInteger(value) ? value : Number.NaN;
      }
      return Number.NaN;
    },
  };
}

function numberBytes(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    bytes.push((left % 128) + (left < 128 ? 0 : 128));
    if (left < 128) return Buffer.from(bytes);
  }
}

/**
 * Compares a stream's index with the blocks that were read. There is one way to write it, so that takes a digest of what
 * it must be, not a list of blocks.
 */
export class BlockSums {
  readonly #records = createHash('sha256');
  #blocks = 0;
  #recordBytes = 0;

  /** @param unpaddedBytes of the header, what is compressed, and the check */
  add(unpaddedBytes: number, bytes: number): void {
    const record = Buffer.concat([numberBytes(unpaddedBytes), numberBytes(bytes)]);
    this.#records.update(record);
    this.#blocks += 1;
    this.#recordBytes += record.length;
  }

  /** What the index must have, with its first byte and its CRC. */
  get indexBytes(): number {
    return Math.ceil((1 + numberBytes(this.#blocks).length + this.#recordBytes) / 4) * 4 + 4;
  }

  /** Whether what comes next is the index after its first byte, a zero. */
  async matchesIndex(source: ByteSource): Promise<boolean> {
    const count = numberBytes(this.#blocks);
    const start = await source.copy(count.length);
    const records = createHash('sha256');
    let sum = crc32(start, crc32(Buffer.alloc(1)));
    for await (const piece of source.stream(this.#recordBytes)) {
      records.update(piece);
      sum = crc32(piece, sum);
    }
    const end = await source.copy(this.indexBytes - 1 - count.length - this.#recordBytes);
    const expectedEnd = Buffer.alloc(end.length);
    if (end.length < 4) return false;
    expectedEnd.writeUInt32LE(crc32(expectedEnd.subarray(0, -4), sum), end.length - 4);
    return start.equals(count) && records.digest().equals(this.#records.copy().digest()) && end.equals(expectedEnd);
  }
}
