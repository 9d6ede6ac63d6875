import { closeSync, openSync, writeSync } from 'node:fs';
import { pauseUnlessAborted } from '../../../core/pause.js';
import { replaceFile } from '../../../core/replace-file.js';

/** Files that tell how a host is. Running goes before recording: nothing here ever throws. */
export interface Records {
  /** Gives a file its content now, or, where that cannot be (a full disk), as soon as it can. */
  keep(path: string, content: string): void;
  /** Resolves when all is written; or when `signal` aborts. */
  settled(signal: AbortSignal): Promise<void>;
}

const RETRY_MS = 1_000;
/** What every file is filled up to: then it has its block on the disk, and can be overwritten when there is no other. */
const SIZE = 4096;

export function openRecords(): Records {
  const pending = new Map<string, string>();
  const write = () => {
    for (const [path, content] of pending) if (wrote(path, content)) pending.delete(path);
  };
  setInterval(write, RETRY_MS).unref();
  return {
    keep(path, content) {
      pending.set(path, `${content}${' '.repeat(Math.max(0, SIZE - 1 - Buffer.byteLength(content)))}\n`);
      write();
    },
    async settled(signal) {
      while (pending.size > 0 && !signal.aborted) await pauseUnlessAborted(RETRY_MS, signal);
    },
  };
}

function wrote(path: string, content: string): boolean {
  try {
    replaceFile(path, content);
    return true;
  } catch {
    return overwrote(path, content);
  }
}

/** In place, with no moment at which a reader finds half of it: one write of one block. */
function overwrote(path: string, content: string): boolean {
  if (Buffer.byteLength(content) !== SIZE) return false;
  try {
    const file = openSync(path, 'r+');
    try {
      return writeSync(file, content, 0) === SIZE;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
