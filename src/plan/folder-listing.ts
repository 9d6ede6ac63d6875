import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join, posix, relative } from 'node:path';
import { mapBounded } from '../core/bounded.js';
import { sha256 } from '../core/digest.js';
import { asPrestageError, errnoOf, PrestageError } from '../core/errors.js';
import { foldedPath } from '../core/folded-path.js';
import { hashFile, sameFile, sourceChanged } from '../core/hash-file.js';
import { rereading } from '../core/rereading.js';
import { shownPath } from '../core/shown-path.js';

/** What a source folder holds at a path: relative to it, with forward slashes. */
export type FolderEntry =
  | { readonly type: 'dir'; readonly path: string; readonly mode: 0o755 }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly mode: 0o755 | 0o644;
      readonly size: number;
      readonly sha256: string;
    }
  | { readonly type: 'link'; readonly path: string; readonly target: string };

export interface FolderListing {
  /** By path, in code-unit order; without the folder itself. */
  entries: FolderEntry[];
  /** The SHA-256 of the listing: a JSON array a line for each entry. It is the folder's identity. */
  sha256: string;
  /** The sum of the files' sizes, in bytes. */
  size: number;
}

export interface ListOptions {
  /**
   * The SHA-256 of a file whose state is known; default: by reading it.
   * @internal the published types know no types of Node
   */
  digest?: (path: string, found: BigIntStats) => Promise<string>;
  signal?: AbortSignal | undefined;
}

/** Files that are read at the same time: enough to hide the latency of a network mount, few enough for any limit. */
const CONCURRENCY = 16;

/**
 * Lists a folder with the digest of every file. The result depends on names, contents, links and who may execute, and on
 * nothing else: not on times, owners, umask or the order in which the file system lists.
 * @throws SOURCE_UNSAFE for what no tree may hold, SOURCE_CHANGED where something vanished or changed meanwhile
 */
export async function listFolder(folder: string, options: ListOptions = {}): Promise<FolderListing> {
  const { signal, digest = (path, state) => digestUnchanged(path, state, signal) } = options;
  const found = await walk(folder, signal);
  const entries = await mapBounded(found, CONCURRENCY, (item) => entryOf(folder, item, digest));
  entries.sort(byPath);
  const size = entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
  return { entries, sha256: listingDigest(entries), size };
}

/** What a listing of these entries is identified by, in whatever order they come. */
export function listingDigest(entries: readonly ListedEntry[]): string {
  return sha256([...entries].sort(byPath).map(lineOf).join(''));
}

type ListedEntry =
  | { readonly type: 'dir'; readonly path: string }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly mode: number;
      readonly size: number;
      readonly sha256: string;
    }
  | { readonly type: 'link'; readonly path: string; readonly target: string };

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

async function digestUnchanged(path: string, found: BigIntStats, signal: AbortSignal | undefined): Promise<string> {
  const { sha256, stat } = await hashFile(path, { signal });
  if (!sameFile(found, stat)) throw sourceChanged(path);
  return sha256;
}

function lineOf(entry: ListedEntry): string {
  const { type, path } = entry;
  if (entry.type === 'dir') return `${JSON.stringify([type, path])}\n`;
  if (entry.type === 'link') return `${JSON.stringify([type, path, entry.target])}\n`;
  return `${JSON.stringify([type, path, entry.mode.toString(8), entry.size, entry.sha256])}\n`;
}

interface Found {
  path: string;
  stat: BigIntStats;
}

async function walk(folder: string, signal: AbortSignal | undefined): Promise<Found[]> {
  const found: Found[] = [];
  let level = [''];
  while (level.length > 0) {
    signal?.throwIfAborted();
    const names = (await mapBounded(level, CONCURRENCY, (path) => childrenOf(folder, path))).flat();
    const next = await mapBounded(names, CONCURRENCY, async (path) => ({
      path,
      stat: await stateOf(join(folder, path)),
    }));
    found.push(...next);
    level = next.filter((item) => item.stat.isDirectory()).map((item) => item.path);
  }
  return found;
}

async function childrenOf(folder: string, path: string): Promise<string[]> {
  const absolute = join(folder, path);
  const names = await vanishing(absolute, () => readdir(absolute));
  if (names.some((name) => name.includes('\ufffd'))) await demandUtf8(absolute);
  for (const name of names) {
    if (/[\u0000-\u001f\u007f-\u009f]/.test(name))
      throw unsafe(folder, childPath(path, name), 'a name with control characters');
    if (name.includes('\\')) throw unsafe(folder, childPath(path, name), 'a name with a backslash');
  }
  demandDistinct(folder, path, names);
  return names.map((name) => childPath(path, name));
}

/** @throws SOURCE_UNSAFE for names that some file systems take for one: a tree would be refused for them later. */
function demandDistinct(folder: string, path: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of [...names].sort()) {
    const folded = foldedPath(name);
    const other = seen.get(folded);
    if (other !== undefined) {
      const clashing = [other, name].map((each) => JSON.stringify(childPath(path, each)));
      const what = 'two names that differ only in case or in Unicode form';
      throw unsafe(folder, childPath(path, name), what, clashing.join(' and '));
    }
    seen.set(folded, name);
  }
}

function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

/** Node reads bytes that are no UTF-8 as U+FFFD, under which the file cannot be opened. */
async function demandUtf8(absolute: string): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const name of await readdir(absolute, { encoding: 'buffer' })) {
    try {
      decoder.decode(name);
    } catch {
      throw unsafe(absolute, name.toString('latin1'), 'a name that is not valid UTF-8');
    }
  }
}

async function stateOf(absolute: string): Promise<BigIntStats> {
  return vanishing(absolute, () => lstat(absolute, { bigint: true }));
}

async function entryOf(
  folder: string,
  { path, stat }: Found,
  digest: NonNullable<ListOptions['digest']>,
): Promise<FolderEntry> {
  const absolute = join(folder, path);
  if (stat.isDirectory()) return { type: 'dir', path, mode: 0o755 };
  if (stat.isSymbolicLink()) return { type: 'link', path, target: await linkTarget(folder, path) };
  if (!stat.isFile()) throw unsafe(folder, path, kindOf(stat));
  const [sha256, executable] = await vanishing(absolute, () =>
    Promise.all([digest(absolute, stat), isExecutable(absolute, stat)]),
  );
  return { type: 'file', path, mode: executable ? 0o755 : 0o644, size: Number(stat.size), sha256 };
}

/** By the owner's bit, as git does it; on Windows, which has none, a program is what begins with `#!`. */
async function isExecutable(absolute: string, stat: BigIntStats): Promise<boolean> {
  return process.platform === 'win32' ? beginsWithShebang(absolute) : (stat.mode & 0o100n) !== 0n;
}

export async function beginsWithShebang(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.toString('latin1') === '#!';
  } finally {
    await file.close();
  }
}

/** A link must lead to something in the folder, by its text and, where it leads somewhere now, in fact. */
async function linkTarget(folder: string, path: string): Promise<string> {
  const absolute = join(folder, path);
  const written = await vanishing(absolute, () => readlink(absolute));
  const target = process.platform === 'win32' ? written.replaceAll('\\', '/') : written;
  if (/[\\\u0000-\u001f\u007f-\u009f\ufffd]/.test(target)) {
    throw unsafe(folder, path, 'a link whose target has a backslash, control characters, or no valid UTF-8');
  }
  const lexical = posix.join(posix.dirname(path), target);
  if (isAbsolute(target) || leaves(lexical)) throw unsafe(folder, path, `a link that leaves the folder (to ${target})`);
  const [actual, root] = await Promise.all([realpath(absolute).catch(() => undefined), realpath(folder)]);
  if (actual !== undefined && leaves(relative(root, actual)))
    throw unsafe(folder, path, `a link that leaves the folder (to ${target})`);
  return target;
}

function leaves(path: string): boolean {
  return isAbsolute(path) || /^\.\.([/\\]|$)/.test(path);
}

function kindOf(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}

function unsafe(folder: string, path: string, what: string, named = JSON.stringify(path)): PrestageError {
  return new PrestageError('SOURCE_UNSAFE', `The folder ${shownPath(folder)} holds ${what}: ${named}.`, {
    hint: 'Remove it from the folder, or put it under a name and as a kind of file that a package can hold.',
    context: { path: join(folder, path), found: what },
  });
}

async function vanishing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await rereading(work);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw sourceChanged(path);
    // Where a call fails on a descriptor, the system does not say which file it was.
    throw errnoOf(error) === undefined || (error as { path?: string }).path !== undefined
      ? error
      : asPrestageError(error, { path });
  }
}
