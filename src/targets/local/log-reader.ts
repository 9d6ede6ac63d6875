import { type FileHandle, open, stat } from 'node:fs/promises';
import { errnoOf } from '../../core/errors.js';
import { KEPT_LOGS, rotatedLog } from './layout.js';

/** Reads a log from its beginning, and again what was added since, over all the files that it was rotated into. */
export interface LogReader {
  /** Gives each whole line once. False where no file was ever there. */
  read(line: (bytes: Buffer) => void): Promise<boolean>;
  /** Gives a last line that has no end yet. */
  rest(line: (bytes: Buffer) => void): void;
  /** How often a part was missed, because it was rotated away before it was read. */
  readonly gaps: number;
  close(): Promise<void>;
}

const CHUNK = 256 * 1024;
const NEWLINE = 0x0a;

export function openLogReader(path: string): LogReader {
  let file: FileHandle | undefined;
  let position = 0;
  let partial = Buffer.alloc(0);
  let gaps = 0;
  const buffer = Buffer.alloc(CHUNK);
  const finished = new Set<number>();

  /** Holds the file open, by which it stays whole when it is renamed or removed. */
  const begin = async (next: FileHandle) => {
    if (file) finished.add((await file.stat()).ino);
    await file?.close();
    file = next;
    position = 0;
  };
  const toEnd = async (current: FileHandle, line: (bytes: Buffer) => void) => {
    if ((await current.stat()).size < position) position = 0; // it was emptied
    for (;;) {
      const { bytesRead } = await current.read(buffer, 0, CHUNK, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      partial = splitLines(partial, buffer.subarray(0, bytesRead), line);
    }
  };
  return {
    get gaps() {
      return gaps;
    },
    async read(line) {
      if (!file) {
        const first = await oldest(path);
        if (!first) return false;
        await begin(first);
      }
      while (file) {
        // In this order: what was written before the file was renamed is read before the next one is begun.
        const next = await successor(path, file, finished);
        await toEnd(file, line);
        if (next === undefined) return true;
        if (next.missed) {
          gaps += 1;
          // Its end is among what was missed: what comes next is of another line.
          if (partial.length > 0) line(partial);
          partial = Buffer.alloc(0);
        }
        await begin(next.file);
      }
      return true;
    },
    rest(line) {
      if (partial.length > 0) line(partial);
      partial = Buffer.alloc(0);
    },
    async close() {
      await file?.close();
    },
  };
}

/** Gives the whole lines, and returns what is left. */
function splitLines(before: Buffer, bytes: Buffer, line: (bytes: Buffer) => void): Buffer<ArrayBuffer> {
  let start = 0;
  let head = before;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    const part = bytes.subarray(start, end);
    line(head.length > 0 ? Buffer.concat([head, part]) : part);
    head = EMPTY;
    start = end + 1;
  }
  return Buffer.concat([head, bytes.subarray(start)]);
}

const EMPTY = Buffer.alloc(0);

async function oldest(path: string): Promise<FileHandle | undefined> {
  for (let number = KEPT_LOGS; number >= 0; number--) {
    const file = await openIfThere(rotatedLog(path, number));
    if (file) return file;
  }
  return undefined;
}

interface Successor {
  file: FileHandle;
  missed: boolean;
}

/** The file that was begun after this one was renamed; undefined while it is the last one. */
async function successor(
  path: string,
  file: FileHandle,
  finished: ReadonlySet<number>,
): Promise<Successor | undefined> {
  for (;;) {
    const place = await placeOf(path, file);
    if (place === undefined) return oldestAfter(path, file, finished);
    const next = place === 0 ? undefined : await openIfThere(rotatedLog(path, place - 1));
    if (!next) return undefined; // where it was just renamed, the next look finds it
    // It may have been rotated again meanwhile.
    if ((await placeOf(path, file)) === place) return { file: next, missed: false };
    await next.close();
  }
}

/** Where the file is not kept any more, because it was rotated away or somebody removed it: the first one after it. */
async function oldestAfter(
  path: string,
  file: FileHandle,
  finished: ReadonlySet<number>,
): Promise<Successor | undefined> {
  const { mtimeMs } = await file.stat();
  for (let number = KEPT_LOGS; number >= 0; number--) {
    const next = await openIfThere(rotatedLog(path, number));
    if (!next) continue;
    const stats = await next.stat();
    // A file system's clock has ticks, in which a small file may be written and another begun.
    const isLater = stats.mtimeMs > mtimeMs || (stats.mtimeMs === mtimeMs && !finished.has(stats.ino));
    if (isLater) return { file: next, missed: number === KEPT_LOGS };
    await next.close();
  }
  return undefined;
}

/** How often the file was rotated; undefined where it is no longer kept. */
async function placeOf(path: string, file: FileHandle): Promise<number | undefined> {
  const { ino } = await file.stat();
  for (let number = 0; number <= KEPT_LOGS; number++) {
    if ((await inodeOf(rotatedLog(path, number))) === ino) return number;
  }
  return undefined;
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
