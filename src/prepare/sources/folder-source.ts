import { join } from 'node:path';
import { PrestageError } from '../../core/errors.js';
import { type FolderEntry, listFolder } from '../../plan/index.js';
import type { Progress } from '../progress.js';
import type { Tree } from '../tree/tree.js';
import { readLocalFile } from './file-source.js';

/** Files that are read at once. Each is held in chunks, so this bounds memory as well. */
const CONCURRENCY = 8;

export interface FolderCopy {
  /** The folder on this machine. */
  path: string;
  /** The digest of its listing that was pinned. */
  sha256: string;
  signal: AbortSignal;
  progress: Progress;
}

/**
 * Copies a folder into a tree. Its listing must have the pinned digest, and each file the digest that the listing says,
 * so that the copy is what was pinned even where somebody works in the folder meanwhile.
 * @throws SOURCE_CHANGED, CONFIG_FILE_MISSING
 */
export async function copyFolder(tree: Tree, { path: folder, sha256, signal, progress }: FolderCopy): Promise<void> {
  const listing = await listFolder(folder, { signal });
  if (listing.sha256 !== sha256) throw folderChanged(folder, sha256, listing.sha256);
  const waiting = listing.entries.values();
  const failures: unknown[] = [];
  const copyWaiting = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done && failures.length === 0; next = waiting.next()) {
      signal.throwIfAborted();
      await copyEntry(tree, folder, next.value);
      progress.add({
        bytes: next.value.type === 'file' ? next.value.size : 0,
        files: next.value.type === 'dir' ? 0 : 1,
      });
    }
  };
  // All have ended when this does: nobody may write to a tree that is being thrown away.
  await Promise.all(Array.from({ length: CONCURRENCY }, () => copyWaiting().catch((error) => failures.push(error))));
  if (failures.length > 0) throw failures[0];
}

function copyEntry(tree: Tree, folder: string, entry: FolderEntry): Promise<void> {
  switch (entry.type) {
    case 'dir':
      return tree.makeFolder(entry.path, entry.mode);
    case 'link':
      return tree.makeLink(entry.path, entry.target);
    case 'file':
      return tree.writeStream(
        entry.path,
        readLocalFile(join(folder, entry.path), entry.sha256),
        entry.mode,
        entry.size,
      );
  }
}

function folderChanged(path: string, expected: string, found: string): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `The source folder ${path} changed since its digest was taken.`, {
    hint: 'Wait until whatever writes there is done, then run the same command again: the new content gets its own digest.',
    context: { path, expected, found },
  });
}
