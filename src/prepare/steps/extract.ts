import { createReadStream } from 'node:fs';
import { PrestageError } from '../../core/errors.js';
import { extractArchive } from '../archives/index.js';
import { fileMissing } from './match-files.js';
import { type ApplyStep, counted } from './step.js';
import { treeFolder } from './tree-folder.js';

/** Extracts an archive of the tree into the tree; then the archive is removed, unless it is to be kept. */
export const applyExtract: ApplyStep<'extract'> = async (step, { tree, signal }) => {
  const archive = tree.entries.get(step.file);
  if (archive === undefined) {
    const missing = fileMissing(tree, step.file, `There is no ${JSON.stringify(step.file)} in the package to extract.`);
    if (!step.optional) throw missing;
    return { files: 0, changes: 0, summary: 'no archive', nothing: { reason: `there is no ${step.file}`, hint: '' } };
  }
  if (archive.type !== 'file') {
    throw new PrestageError(
      'STEP_INVALID',
      `${JSON.stringify(step.file)} is a ${archive.type === 'dir' ? 'folder' : 'link'}, not an archive.`,
      {
        hint: 'Name the archive itself.',
        context: { file: step.file },
      },
    );
  }
  const absolute = tree.absolute(step.file);
  const { format, files } = await extractArchive(
    { name: step.file, file: absolute, stream: () => createReadStream(absolute, { highWaterMark: 1024 * 1024 }) },
    tree,
    {
      to: treeFolder(step.to),
      strip: step.strip,
      ...(step.include ? { include: step.include } : {}),
      ...(step.exclude ? { exclude: step.exclude } : {}),
      signal,
    },
  );
  await tree.settled();
  // An entry of the archive may have taken the archive's own name: that one stays.
  const isStillThere = tree.entries.get(step.file) === archive;
  if (!step.keep && isStillThere) await tree.remove(step.file);
  return {
    files,
    changes: files,
    summary: `${counted(files, 'file')} from ${step.file} (${format})`,
    nothing: {
      reason: `nothing came out of ${step.file}`,
      hint: 'Check `strip`, `include` and `exclude` against what the archive holds.',
    },
  };
};
