import * as fs from 'node:fs/promises';
import { whileHeld } from '../core/held-files.js';

/**
 * The system calls by which anything comes to its final name, in one record: a test makes each of them fail in turn and
 * shows that the store is still right.
 */
export const calls = {
  mkdir: (path: string, mode: number): Promise<unknown> => fs.mkdir(path, { mode }),
  chmodFolder: (path: string, mode: number): Promise<void> => fs.chmod(path, mode),
  /** Creates a file that must not exist. */
  create: (path: string, mode: number): Promise<fs.FileHandle> => whileHeld(() => fs.open(path, 'wx', mode)),
  write: (file: fs.FileHandle, content: Uint8Array): Promise<void> => fs.writeFile(file, content),
  chmod: (file: fs.FileHandle, mode: number): Promise<void> => file.chmod(mode),
  size: async (file: fs.FileHandle): Promise<number> => (await file.stat()).size,
  openToSync: process.platform === 'win32' ? openToSyncOnWindows : (path: string) => fs.open(path, 'r'),
  sync: (file: fs.FileHandle): Promise<void> => file.sync(),
  close: (file: fs.FileHandle): Promise<void> => file.close(),
  symlink: (target: string, path: string, kind?: 'dir' | 'junction'): Promise<void> => fs.symlink(target, path, kind),
  link: (existing: string, path: string): Promise<void> => fs.link(existing, path),
  rename: (from: string, to: string): Promise<void> => fs.rename(from, to),
};

/** Windows flushes only what is open for writing, and opens nothing for writing that has the read-only attribute. */
async function openToSyncOnWindows(path: string): Promise<fs.FileHandle> {
  const { mode } = await fs.stat(path);
  if ((mode & 0o200) !== 0) return whileHeld(() => fs.open(path, 'r+'));
  await fs.chmod(path, 0o666);
  try {
    return await whileHeld(() => fs.open(path, 'r+'));
  } finally {
    await fs.chmod(path, mode);
  }
}
