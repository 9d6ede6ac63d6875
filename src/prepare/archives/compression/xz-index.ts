import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../read-at.js';

const FOOTER_BYTES = 12;
const HEADER_BYTES = 12;
/** Some 100,000 blocks. */
const MAX_INDEX_BYTES = 1024 * 1024;
/** Streams that were joined are looked at up to this many. */
const MAX_STREAMS = 1000;

/** What an xz file comes to, by the indexes at the ends of its streams; undefined where they cannot be read. */
export async function xzLength(handle: FileHandle, size: number): Promise<number | undefined> {
  let total = 0;
  let end = size;
  for (let streams = 0; end > 0; streams += 1) {
    if (streams === MAX_STREAMS) return total; // no less than that
    const footer = await readAt(handle, Math.max(0, end - FOOTER_BYTES), Math.min(FOOTER_BYTES, end));
    if (footer.length === FOOTER_BYTES && footer.readUInt32LE(8) === 0 && end % 4 === 0) {
      end -= 4; // padding between streams
      continue;
    }
    if (footer.length < FOOTER_BYTES || footer.toString('latin1', 10) !== 'YZ') return undefined;
    const indexBytes = (footer.readUInt32LE(4) + 1) * 4;
    const indexAt = end - FOOTER_BYTES - indexBytes;
    if (indexBytes > MAX_INDEX_BYTES || indexAt < HEADER_BYTES) return undefined;
    const index = readIndex(await readAt(handle, indexAt, indexBytes));
    if (index === undefined) return undefined;
    total += index.bytes;
    end = indexAt - index.blockBytes - HEADER_BYTES;
  }
  return end === 0 && Number.isSafeInteger(total) ? total : undefined;
}

function readIndex(index: Buffer): { bytes: number; blockBytes: number } | undefined {
  let at = 1;
  const next = (): number => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = index[at] ?? 0;
      at += 1;
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  const blocks = next();
  if (index[0] !== 0 || blocks > index.length) return undefined;
  const sums = { bytes: 0, blockBytes: 0 };
  for (let block = 0; block < blocks; block += 1) {
    sums.blockBytes += Math.ceil(next() / 4) * 4;
    sums.bytes += next();
  }
  return sums;
}
