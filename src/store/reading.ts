import { createHash } from 'node:crypto';
import { close, constants, fstat, open, read, type Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { errnoOf } from '../core/errors.js';
import { rereading } from '../core/rereading.js';

/** How many file operations may be under way: a network file system answers many at once as fast as one (decision 0004). */
export const IN_FLIGHT = 128;

/** What `read` gives, or undefined where there is nothing at that path (any more). */
export async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await rereading(read);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Lists folders, the outermost first. An NFS client may go on saying for a minute (`acdirmax`) that a name is not there, if
 * it looked for it before it came. To list a folder asks the server, and a look after that finds what is there.
 *
 * @returns the names in the last of them
 */
export async function listAnew(...folders: string[]): Promise<string[]> {
  let names: string[] = [];
  for (const folder of folders) names = await readdir(folder).catch(() => []);
  return names;
}

export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

/** Where a link leads, in the words that it was made with: Windows writes their slashes as backslashes. */
export async function readLink(path: string): Promise<string | undefined> {
  const target = await ifThere(() => readlink(path));
  return process.platform === 'win32' ? target?.replaceAll('\\', '/') : target;
}

const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const CHUNK_BYTES = 1024 * 1024;
const HEAD_BYTES = 4096;

export interface HashedFile {
  sha256: string;
  bytes: number;
  /** The first bytes, 4,096 at most. */
  head: Buffer;
}

/** A file's SHA-256, in constant memory. */
export function hashFile(path: string): Promise<HashedFile> {
  return rereading(() => withOpenFile(path, (fd) => hashOpenFile(fd, CHUNK_BYTES)));
}

/**
 * What is at a path, as `lstat` tells it, with its SHA-256 where it is a file of that size. Opening a file brings its attributes: to
 * ask for them before is a round trip more for each on NFS.
 */
export function lookAndHash(path: string, size: number): Promise<{ stats: Stats; sha256?: string }> {
  const hashed = async (fd: number, stats: Stats) =>
    stats.isFile() && stats.size === size ? { stats, sha256: (await hashOpenFile(fd, size)).sha256 } : { stats };
  return rereading(async () => {
    // Windows has no way to open a link instead of where it leads.
    const stats = constants.O_NOFOLLOW === undefined ? await lstat(path) : undefined;
    if (stats?.isFile() === false) return { stats };
    try {
      return await withOpenFile(path, async (fd) => hashed(fd, stats ?? (await attributesOf(fd))));
    } catch (error) {
      if (isAbsent(error)) throw error;
      const found = await lstat(path);
      if (found.isFile()) throw error;
      return { stats: found }; // a link (ELOOP), a socket (ENXIO)
    }
  });
}

/** The callback API costs half of what FileHandle does, and files are many. */
async function withOpenFile<T>(path: string, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = await openToRead(path);
  try {
    return await work(fd);
  } finally {
    close(fd, () => undefined); // nothing was written, so nothing can be lost
  }
}

function attributesOf(fd: number): Promise<Stats> {
  return new Promise((resolve, reject) => {
    fstat(fd, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

/** Where its size is known, a small file is read by one call. */
async function hashOpenFile(fd: number, size: number): Promise<HashedFile> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
  let head = Buffer.alloc(0);
  let bytes = 0;
  for (;;) {
    const part = chunk.subarray(0, await readAt(fd, chunk, bytes));
    hash.update(part);
    if (bytes === 0) head = Buffer.from(part.subarray(0, HEAD_BYTES));
    bytes += part.length;
    // A byte more than the size was asked for: fewer came, so this was the end.
    if (part.length === 0 || (bytes === size && part.length < chunk.length))
      return { sha256: hash.digest('hex'), bytes, head };
  }
}

/** Neither through a link, nor waiting for who writes into a pipe. */
function openToRead(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, READ_ONLY, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function readAt(fd: number, chunk: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, chunk, 0, chunk.length, position, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}
