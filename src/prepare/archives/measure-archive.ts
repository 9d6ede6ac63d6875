import { type FileHandle, open } from 'node:fs/promises';
import type { ArchiveLimits } from '../../plan/index.js';
import { isZero } from './byte-source.js';
import { xzLength } from './compression/xz-index.js';
import { zstdLength } from './compression/zstd-frame.js';
import { DEFAULT_LIMITS } from './limits.js';
import { type ArchiveFormat, recogniseFile } from './recognise.js';
import { contentBytes, readSevenZip } from './seven-zip/seven-zip-reader.js';
import { type PaxRecords, parsePax } from './tar/pax.js';
import { paddedSize, parseTarHeader, TAR_BLOCK } from './tar/tar-header.js';
import { mapGoesOn, oldSparseSize } from './tar/tar-sparse.js';
import { readDirectory } from './zip/zip-directory.js';
import { findEndRecord, readAt } from './zip/zip-end-record.js';

/** What an archive comes to when it is unpacked, as its own index says before anything is. */
export interface ArchiveMeasure {
  format: ArchiveFormat;
  /** Files and links; undefined where the format has no index. */
  files: number | undefined;
  /** Bytes of the files. */
  bytes: number;
  /** Whether that is all of it, or only the least that it can be. */
  exact: boolean;
}

/**
 * Measures an archive file without unpacking it: a zip or a 7z by its directory, a tar by hopping from header to header, gzip by
 * the length at its end, xz by its index, zstd by its first frame. Damage is not looked for: what cannot be read ends the
 * count.
 * @returns undefined where the file is no archive, or of a format that says nothing
 * @throws as `recogniseFile`, and ARCHIVE_LIMIT for a zip of more entries than the limits allow
 */
export async function measureArchive(input: {
  file: string;
  name?: string;
  limits?: ArchiveLimits | undefined;
}): Promise<ArchiveMeasure | undefined> {
  const name = input.name ?? input.file;
  const format = await recogniseFile(input.file, name);
  if (format === undefined) return undefined;
  const handle = await open(input.file);
  try {
    const { size } = await handle.stat();
    const maxCount = input.limits?.count ?? DEFAULT_LIMITS.count;
    if (format === 'zip') return await measureZip(handle, size, name, maxCount);
    if (format === '7z') return await measureSevenZip(handle, size, name, maxCount);
    if (format === 'tar') return await measureTar(handle, size);
    const bytes = await decompressedLength(handle, size, format);
    return bytes === undefined ? undefined : { format, files: undefined, bytes, exact: false };
  } finally {
    await handle.close();
  }
}

async function measureZip(handle: FileHandle, size: number, name: string, maxCount: number): Promise<ArchiveMeasure> {
  const end = await findEndRecord(handle, size, name);
  const entries = end === undefined ? [] : await readDirectory(handle, end, name, maxCount);
  const files = entries.filter(({ kind }) => kind !== 'folder');
  return {
    format: 'zip',
    files: files.length,
    bytes: files.reduce((sum, { kind, size }) => sum + (kind === 'file' ? size : 0), 0),
    exact: end !== undefined,
  };
}

async function measureSevenZip(
  handle: FileHandle,
  size: number,
  name: string,
  maxCount: number,
): Promise<ArchiveMeasure> {
  const directory = await readSevenZip(handle, size, name, maxCount);
  const files = directory.files.filter(({ isFolder }) => !isFolder).length;
  return { format: '7z', files, bytes: contentBytes(directory), exact: true };
}

function decompressedLength(handle: FileHandle, size: number, format: ArchiveFormat): Promise<number | undefined> {
  if (format.endsWith('.gz')) return gzipLength(handle, size);
  if (format.endsWith('.xz')) return xzLength(handle, size);
  if (format.endsWith('.zst')) return zstdLength(handle);
  return Promise.resolve(undefined);
}

/**
 * Gzip ends with the length of what it holds, modulo 4 GiB; deflate makes nothing longer by more than a thousandth, so
 * the length is at least about that of the file, which says how often 4 GiB went round at least. Of several members,
 * only the last one's length is seen.
 */
async function gzipLength(handle: FileHandle, size: number): Promise<number> {
  const tail = await readAt(handle, Math.max(0, size - 4), 4);
  const least = Math.floor(size * 0.999) - 64;
  let length = tail.length === 4 ? tail.readUInt32LE(0) : 0;
  while (length < least) length += 2 ** 32;
  return length;
}

async function measureTar(handle: FileHandle, size: number): Promise<ArchiveMeasure> {
  const window = windowOn(handle);
  const measure = { format: 'tar' as const, files: 0, bytes: 0, exact: true };
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
