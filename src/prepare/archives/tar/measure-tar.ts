import type { FileHandle } from 'node:fs/promises';
import { isZero } from '../byte-source.js';
import type { Measure, MeasuredFile } from '../format.js';
import { readAt } from '../read-at.js';
import { type PaxRecords, parsePax } from './pax.js';
import { paddedSize, parseTarHeader, TAR_BLOCK } from './tar-header.js';
import { mapGoesOn, oldSparseSize } from './tar-sparse.js';

/** By hopping from header to header. */
export async function measureTar({ handle, size }: MeasuredFile): Promise<Measure> {
  const window = windowOn(handle);
  const measure = { files: 0, bytes: 0, exact: true };
  let pax: PaxRecords = {};
  for (let at = 0; at + TAR_BLOCK <= size; ) {
    const block = await window(at, TAR_BLOCK);
    if (isZero(block)) return measure;
    const header = parseTarHeader(block);
    if (typeof header === 'string') break;
    at += TAR_BLOCK;
    if ('xXgLKV'.includes(header.type)) {
      if (header.type === 'x') pax = paxRecords(await window(at, Math.min(header.size, 1024 * 1024)));
      at += paddedSize(header.size);
      continue;
    }
    const stored = pax.size ?? header.size;
    const bytes = (header.type === 'S' ? oldSparseSize(block) : pax.sparse?.size) ?? stored;
    for (let more = header.type === 'S' && mapGoesOn(block, 'header'); more && at + TAR_BLOCK <= size; at += TAR_BLOCK)
      more = mapGoesOn(await window(at, TAR_BLOCK), 'block');
    if (header.type === '1') measure.exact = false; // becomes a copy of a file whose size is not looked up
    if (header.type !== '5') measure.files += 1;
    measure.bytes += bytes;
    at += paddedSize(stored);
    pax = {};
  }
  return { ...measure, exact: false };
}

function paxRecords(content: Buffer): PaxRecords {
  const records = parsePax(content);
  return typeof records === 'string' ? {} : records;
}

/** Reads by pieces large enough to hold the headers of many small files, one piece at a time. */
function windowOn(handle: FileHandle): (at: number, length: number) => Promise<Buffer> {
  let start = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return async (at, length) => {
    if (at < start || at + length > start + bytes.length) {
      start = at;
      bytes = await readAt(handle, at, Math.max(length, 64 * 1024));
    }
    return bytes.subarray(at - start, at - start + length);
  };
}
