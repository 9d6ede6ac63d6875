import type { BigIntStats } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import * as z from 'zod';
import { hashFile, sameFile, sourceChanged } from '../core/hash-file.js';
import { publishFile } from '../store/index.js';

const entry = z.strictObject({
  size: z.string(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  ino: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const cacheFile = z.strictObject({ version: z.literal(1), files: z.record(z.string(), entry) });
type Entry = z.infer<typeof entry>;

/**
 * A file that changed in the same tick of the clock in which it was hashed may have the same times as before: only files
 * that had been left alone for this long when they were hashed are remembered (git's "racy index" has the same rule).
 * Two seconds are the coarsest clock that a file system in use has (FAT).
 */
const SETTLED_NS = 2_000_000_000n;

/** Who is told how far the reading of a file is. */
export interface Reading {
  /** @param bytes read so far */
  progressed(bytes: number): void;
  finished(): void;
}

export interface DigestOptions {
  signal?: AbortSignal | undefined;
  /** Told of each file that must be read, with its size in bytes. */
  onRead?: (path: string, sizeBytes: number) => Reading | undefined;
}

/**
 * Digests of files that were hashed before, by size, times and inode, in `.prestage/cache/digests.json` under the
 * configuration's folder. A cache and nothing else: damaged, unwritable or deleted, it costs time only.
 */
export class DigestCache {
  private readonly folder: string;
  private readonly known: Record<string, Entry>;
  private readonly used: Record<string, Entry> = {};
  private changed = false;

  private constructor(folder: string, known: Record<string, Entry>) {
    this.folder = folder;
    this.known = known;
  }

  static async open(folder: string): Promise<DigestCache> {
    try {
      const { files } = cacheFile.parse(JSON.parse(await readFile(pathIn(folder), 'utf8')));
      return new DigestCache(folder, files);
    } catch {
      return new DigestCache(folder, {});
    }
  }

  /**
   * The SHA-256 of a file, read only where it may have changed. `found` is its state now.
   * @throws SOURCE_CHANGED
   * @internal the published types know no types of Node
   */
  async digest(path: string, found: BigIntStats, { signal, onRead }: DigestOptions = {}): Promise<string> {
    const key = relative(this.folder, path);
    const cached = Object.hasOwn(this.known, key) ? this.known[key] : undefined;
    if (cached && isSame(cached, found)) {
      this.used[key] = cached;
      return cached.sha256;
    }
    const reading = onRead?.(path, Number(found.size));
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    const { sha256, stat } = await hashFile(path, { signal, onProgress: reading?.progressed });
    reading?.finished();
    if (!sameFile(found, stat)) throw sourceChanged(path);
    this.changed = true;
    const settled = [stat.mtimeNs, stat.ctimeNs].every((time) => time + SETTLED_NS < nowNs);
    if (settled) this.used[key] = { ...stateOf(stat), sha256 };
    return sha256;
  }

  /** Keeps what was used; `complete`, everything was asked for and the rest is forgotten. Never fails. */
  async save({ complete }: { complete: boolean }): Promise<void> {
    const files = complete ? this.used : { ...this.known, ...this.used };
    const forgotten = Object.keys(this.known).length !== Object.keys(files).length;
    if (!this.changed && !forgotten) return;
    try {
      await makePrivateFolder(join(this.folder, '.prestage'));
      await mkdir(dirname(pathIn(this.folder)), { recursive: true });
      await publishFile(pathIn(this.folder), `${JSON.stringify({ version: 1, files })}\n`);
    } catch {
      // A read-only checkout or a full disk: the next run hashes again.
    }
  }
}

function pathIn(folder: string): string {
  return join(folder, '.prestage', 'cache', 'digests.json');
}

function stateOf(found: BigIntStats): Omit<Entry, 'sha256'> {
  return { size: `${found.size}`, mtimeNs: `${found.mtimeNs}`, ctimeNs: `${found.ctimeNs}`, ino: `${found.ino}` };
}

function isSame(cached: Entry, found: BigIntStats): boolean {
  const { size, mtimeNs, ctimeNs, ino } = stateOf(found);
  return cached.size === size && cached.mtimeNs === mtimeNs && cached.ctimeNs === ctimeNs && cached.ino === ino;
}

/** `.prestage` holds caches and, by default, the local store: nothing of it belongs in a repository. */
async function makePrivateFolder(folder: string): Promise<void> {
  const ignore = join(folder, '.gitignore');
  if (await stat(ignore).catch(() => undefined)) return;
  await mkdir(folder, { recursive: true });
  await writeFile(ignore, '*\n', { flag: 'wx' }).catch(() => undefined);
}
