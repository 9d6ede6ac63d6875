import { parentOf } from '../../tree/tree-path.js';
import type { ChangedFiles } from './changed-files.js';
import { stripName, treePath } from './file-name.js';
import type { FilePatch } from './model.js';

export interface ChosenFile {
  /** The file that is read. */
  path: string;
  /** The file that is written: another one where the part renames or copies. */
  output: string;
}

/**
 * Which file a part is about, by GNU patch's rules: of its names, after `strip`, those that exist; of them the one with
 * the fewest parts, then the shortest base name, then the shortest, then the first of old, new and `Index:`. Where none
 * exists and the part creates a file, the one that needs the fewest new folders.
 */
export function chooseFile(
  part: FilePatch,
  strip: number,
  files: Pick<ChangedFiles, 'has' | 'hasFolder'>,
): ChosenFile | undefined {
  const { old: oldName, new: newName, index } = candidates(part, strip);
  if (part.moves && (oldName === undefined || newName === undefined)) return undefined;
  const hasHeader = oldName !== undefined || newName !== undefined;
  const names = [oldName, newName, hasHeader ? undefined : index].filter((name) => name !== undefined);
  let path = best(names.filter((name) => files.has(name)));
  if (path === undefined && part.old !== 'content') {
    const missing = names.map((name) => missingFolders(name, files));
    const fewest = Math.min(...missing);
    path = best(names.filter((_, at) => missing[at] === fewest));
  }
  if (path === undefined) return undefined;
  return { path, output: part.moves && newName !== undefined ? newName : path };
}

/** A part's names as paths of the tree; without those that have too few slashes, or that no tree may hold. */
export function candidates(part: FilePatch, strip: number): FilePatch['names'] {
  const stripped = (name: string | undefined): string | undefined => {
    const rest = name === undefined ? undefined : stripName(name, strip);
    return rest === undefined ? undefined : treePath(rest);
  };
  const entries = Object.entries(part.names).map(([side, name]) => [side, stripped(name)]);
  return Object.fromEntries(entries.filter(([, name]) => name !== undefined));
}

function best(names: readonly string[]): string | undefined {
  const keys = [
    (name: string) => name.split('/').length,
    (name: string) => name.length - name.lastIndexOf('/') - 1,
    (name: string) => name.length,
  ];
  let left = names;
  for (const key of keys) {
    const least = Math.min(...left.map(key));
    left = left.filter((name) => key(name) === least);
  }
  return left[0];
}

function missingFolders(name: string, files: Pick<ChangedFiles, 'hasFolder'>): number {
  let missing = 0;
  for (let folder = parentOf(name); folder !== '' && !files.hasFolder(folder); folder = parentOf(folder)) missing += 1;
  return missing;
}
