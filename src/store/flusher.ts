import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../core/bounded.js';
import { asPrestageError, type PrestageError } from '../core/errors.js';
import { rereading } from '../core/rereading.js';
import { flushFolder } from './publish-file.js';
import { IN_FLIGHT } from './reading.js';
import { calls } from './system-calls.js';
import type { TreeEntry } from './tree-entry.js';

/** Makes what was written survive a crash of the machine, before anything gets its final name. */
export interface Flusher {
  /**
   * Flushes a folder and all that is in it, and `files` besides.
   * @param entries what is in the folder, where that is known; else it is walked
   * @throws DISK_FULL or STORE_IO where the file system could not keep what it had taken.
   */
  flush(folder: string, entries?: ReadonlyMap<string, TreeEntry>, files?: readonly string[]): Promise<void>;
  /**
   * Flushes now and then, beside what is being written, so that less is left for `flush` to wait for: the kernel itself
   * begins after half a minute, or gigabytes. What fails is thrown by the next `flush`: the system tells it once.
   * @returns ends it
   */
  flushAhead(): () => void;
}

/** Up to this many, a call each is cheaper than a process and a flush of everything that the machine has written. */
const FEW = 16;
/** Between two flushes ahead. */
const AHEAD_MS = 400;

/**
 * One `sync -f` (syncfs(2): everything of that file system) does what thousands of fsync calls do. It needs the command
 * of GNU coreutils or a recent busybox; where it is missing, every file and folder is flushed by itself.
 */
export function createFlusher(root: string): Flusher {
  const sync = oneAfterAnother(() => syncFileSystem(root));
  let canSync = process.platform === 'linux';
  let failedAhead: { error: unknown } | undefined;
  const flushNow = async () => {
    try {
      canSync = (await sync()) && canSync;
    } catch (error) {
      failedAhead ??= { error };
    }
  };
  return {
    flushAhead() {
      let timer: NodeJS.Timeout;
      let isWanted = true;
      const later = () => {
        timer = setTimeout(async () => {
          if (canSync) await flushNow();
          if (isWanted) later();
        }, AHEAD_MS);
        timer.unref();
      };
      later();
      return () => {
        isWanted = false;
        clearTimeout(timer);
      };
    },
    async flush(folder, entries, files = []) {
      try {
        const listing = entries ?? (await walk(folder));
        const isForAll = listing.size > FEW || !canOpenAll(listing);
        if (canSync && isForAll) canSync = (await sync()) && canSync;
        if (failedAhead) throw failedAhead.error; // asked only now, as it was perhaps still under way
        if (!canSync || !isForAll) await flushEach(folder, listing, files);
      } catch (error) {
        throw asPrestageError(error, { path: folder });
      }
    },
  };
}

/**
 * Groups requests: what was written before a run of `work` began is covered by that run, so all requests that arrive
 * while one is under way share the next.
 */
export function oneAfterAnother<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined;
  let next: Promise<T> | undefined;
  return () => {
    next ??= (async () => {
      await running?.catch(() => undefined);
      next = undefined;
      const run = work();
      running = run;
      return run;
    })();
    return next;
  };
}

/** @returns false where there is no such command */
function syncFileSystem(root: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', root], { env: { ...process.env, LC_ALL: 'C' } }, (error, _stdout, stderr) => {
      if (!error) resolve(true);
      else if (typeof error.code === 'string' || /invalid option|unrecognized option|usage/i.test(stderr))
        resolve(false);
      else reject(syncFailed(root, stderr.trim() || error.message));
    });
  });
}

function syncFailed(root: string, reason: string): PrestageError {
  const [, code = 'EIO'] = ERRNOS.find(([words]) => words.test(reason)) ?? [];
  return asPrestageError(Object.assign(new Error(reason), { code, syscall: 'syncfs', path: root }));
}

/** The command's own words, in the C locale. What it says otherwise is a failing file system, too. */
const ERRNOS = [
  [/no space left/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/stale file handle/i, 'ESTALE'],
] as const;

type Listing = ReadonlyMap<string, { readonly type: 'dir' | 'file' | 'link'; readonly mode?: number }>;

/** What is to be flushed must be opened, and a tree may hold what its owner may not read. */
function canOpenAll(listing: Listing): boolean {
  for (const { mode = 0o755 } of listing.values()) if ((mode & 0o400) === 0) return false;
  return true;
}

async function flushEach(folder: string, listing: Listing, files: readonly string[]): Promise<void> {
  await forEachBounded(files, IN_FLIGHT, flushFile);
  await flushFolder(folder);
  await forEachBounded(listing, IN_FLIGHT, async ([path, entry]) => {
    if (entry.type === 'file') await flushFile(join(folder, path));
    if (entry.type === 'dir') await flushFolder(join(folder, path)); // a link is in its folder
  });
}

async function flushFile(path: string): Promise<void> {
  const file = await rereading(() => calls.openToSync(path));
  try {
    await calls.sync(file);
  } finally {
    await calls.close(file);
  }
}

async function walk(folder: string): Promise<Listing> {
  const found = await rereading(() => readdir(folder, { withFileTypes: true, recursive: true }));
  return new Map(
    found.map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
      return [path, { type: entry.isDirectory() ? 'dir' : entry.isFile() ? 'file' : 'link' }];
    }),
  );
}
