import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PrestageError } from '../../../core/errors.js';
import { type FolderEntry, listFolder } from '../../../plan/index.js';

const BLOCK = 512;

export interface PackedFolder {
  /** The size of the tar, in bytes: known before a file is read. */
  size: number;
  /** @throws SOURCE_CHANGED where a file is not what the listing says */
  content: AsyncIterable<Buffer>;
}

/**
 * A folder as a tar that depends on what the folder's digest depends on, and on nothing else: the same folder gives the same bytes.
 * It is in the format of POSIX.1-2001 (pax): each entry has its path, and a link its target, in an extended header.
 * @param digest of the folder's listing
 * @throws SOURCE_CHANGED where the folder has another
 */
export async function packFolder(folder: string, digest: string, signal: AbortSignal): Promise<PackedFolder> {
  const { entries, sha256 } = await listFolder(folder, { signal });
  if (sha256 !== digest) throw changed(folder, digest, sha256);
  const headers = entries.map((entry) => ({ entry, header: headerOf(entry) }));
  const size = headers.reduce((sum, { entry, header }) => sum + header.length + paddedSize(entry), 2 * BLOCK);
  return { size, content: contentOf(folder, headers, signal) };
}

async function* contentOf(
  folder: string,
  headers: readonly { entry: FolderEntry; header: Buffer }[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for (const { entry, header } of headers) {
    yield header;
    if (entry.type !== 'file') continue;
    yield* fileContent(join(folder, entry.path), entry, signal);
    yield Buffer.alloc(paddedSize(entry) - entry.size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function* fileContent(
  path: string,
  { size, sha256 }: Extract<FolderEntry, { type: 'file' }>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let read = 0;
  for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read > size) throw changed(path, sha256, `more than ${size} bytes`);
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== sha256) throw changed(path, sha256, found);
}

function paddedSize(entry: FolderEntry): number {
  return entry.type === 'file' ? Math.ceil(entry.size / BLOCK) * BLOCK : 0;
}

/** The extended header and the entry's own, by which old programs find at least its kind and size. */
function headerOf(entry: FolderEntry): Buffer {
  const records = [
    record('path', entry.path),
    ...(entry.type === 'link' ? [record('linkpath', entry.target)] : []),
    ...(entry.type === 'file' ? [record('size', String(entry.size))] : []),
  ];
  const extended = Buffer.concat(records);
  const padding = Buffer.alloc((BLOCK - (extended.length % BLOCK)) % BLOCK);
  return Buffer.concat([
    ustar({ type: 'x', mode: 0o644, size: extended.length }),
    extended,
    padding,
    ustar({
      type: entry.type === 'file' ? '0' : entry.type === 'link' ? '2' : '5',
      mode: entry.type === 'link' ? 0o777 : entry.mode,
      // What does not fit eleven octal digits is in the extended header.
      size: entry.type === 'file' ? Math.min(entry.size, 0o77777777777) : 0,
    }),
  ]);
}

/** `<length> <key>=<value>\n`, whose length counts its own digits. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function ustar({ type, mode, size }: { type: string; mode: number; size: number }): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write('entry', 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

function changed(path: string, expected: string, found: string): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `${path} changed while it was being uploaded.`, {
    hint: 'Wait until whatever writes it is done, then run the same command again: the new content gets its own digest.',
    context: { path, expected, found },
  });
}
