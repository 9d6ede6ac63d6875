import { realpathSync, statSync } from 'node:fs';

/** Where a folder is, for what is recorded in it: a copy of the folder has another path and another inode. */
export interface Place {
  path: string;
  inode: string;
}

export function placeOf(folder: string): Place {
  const { dev, ino } = statSync(folder, { bigint: true });
  // The native one, since a process whose working folder was moved must not be told where that was.
  return { path: realpathSync.native(folder), inode: `${dev}:${ino}` };
}

/**
 * Whether a record was written in this very folder. A move keeps the inode; some file systems do not, and there the path
 * has to do. True where an earlier version wrote the record, and false where the folder is gone.
 */
export function isPlace(recorded: Place | undefined, folder: string): boolean {
  if (!recorded) return true;
  try {
    const now = placeOf(folder);
    return now.inode === recorded.inode || now.path === recorded.path;
  } catch {
    return false;
  }
}
