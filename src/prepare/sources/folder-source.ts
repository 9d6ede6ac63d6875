import { join } from 'node:path';
import { listFolder } from '../../config/index.js';
import { PrestageError } from '../../core/errors.js';
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
  /** Told of each file's bytes as they are copied. */
  onBytes: (bytes: number) => void;
}

/**
 * Copies a folder into a tree. Its listing must have the pinned digest, and each file the digest that the listing says,
 * so that the copy is what was pinned even where somebody works in the folder meanwhile.
 * @throws SOURCE_CHANGED, CONFIG_FILE_MISSING
 */
export async function copyFolder(tree: Tree, { path: folder, sha256, signal, onBytes }: FolderCopy): Promise<void> {
  const listing = await listFolder(folder);
  if (listing.sha256 !== sha256) throw folderChanged(folder, sha256, listing.sha256);
  const waiting = listing.entries.values();
  const copyNext = async (): Promise<void> => {
    for (const entry of waiting) {
      signal.throwIfAborted();
      if (entry.type === 'dir') await tree.makeFolder(entry.path, entry.mode);
      else if (entry.type === 'link') await tree.makeLink(entry.path, entry.target);
      else {
        await tree.writeStream(
          entry.path,
          readLocalFile(join(folder, entry.path), entry.sha256),
          entry.mode,
          entry.size,
        );
        onBytes(entry.size);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, copyNext));
}

function folderChanged(path: string, expected: string, found: string): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `The source folder ${path} changed since its digest was taken.`, {
    hint: 'Wait until whatever writes there is done, then run the same command again: the new content gets its own digest.',
    context: { path, expected, found },
  });
}
