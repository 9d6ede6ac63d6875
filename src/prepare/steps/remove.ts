import { matchFiles } from './match-files.js';
import { type ApplyStep, counted } from './step.js';

/** Removes files, links, and folders with all that is in them. `docs/**` is the folder `docs` as well. */
export const applyRemove: ApplyStep<'remove'> = async (step, { tree }) => {
  const before = inventory(tree.entries);
  const matched = matchFiles(tree, step.files, { types: ['file', 'link', 'dir'], optional: step.optional });
  // In code-unit order a folder comes before what is in it, which goes with it.
  for (const path of matched) if (tree.entries.has(path)) await tree.remove(path);
  const after = inventory(tree.entries);
  const [files, folders] = [before.files - after.files, before.folders - after.folders];
  return {
    files,
    changes: files + folders,
    summary: [files > 0 || folders === 0 ? counted(files, 'file') : '', folders > 0 ? counted(folders, 'folder') : '']
      .filter(Boolean)
      .join(' and ')
      .concat(' removed'),
    nothing: { reason: 'no pattern matches anything', hint: 'Check the patterns.' },
  };
};

function inventory(entries: ReadonlyMap<string, { type: string }>): { files: number; folders: number } {
  let folders = 0;
  for (const { type } of entries.values()) if (type === 'dir') folders += 1;
  return { files: entries.size - folders, folders };
}
