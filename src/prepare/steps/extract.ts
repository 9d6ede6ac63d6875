import { PrestageError } from '../../core/errors.js';
import type { StepOf } from '../../plan/index.js';
import { archiveFile, type ExtractedArchive, extractArchive } from '../archives/index.js';
import { fileMissing } from './match-files.js';
import { type ApplyStep, counted, type StepContext, type StepOutcome } from './step.js';
import { treeFolder } from './tree-folder.js';

/** Extracts an archive of the tree into the tree; then the archive is removed, unless it is to be kept. */
export const applyExtract: ApplyStep<'extract'> = async (step, context) => {
  const { tree } = context;
  const archive = tree.entries.get(step.file);
  if (archive === undefined) {
    const missing = fileMissing(tree, step.file, `There is no ${JSON.stringify(step.file)} in the package to extract.`);
    if (!step.optional) throw missing;
    return nothingOut(`there is no ${step.file}`);
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
  const extracted = await unpack(step, context);
  if (extracted === undefined) return nothingOut(`nothing came out of ${step.file}`);
  await tree.settled();
  // An entry of the archive may have taken the archive's own name: that one stays.
  const isStillThere = tree.entries.get(step.file) === archive;
  if (!step.keep && isStillThere) await tree.remove(step.file);
  const { files, format, remarks } = extracted;
  context.onRemarks?.(step.file, remarks);
  const summary = `${counted(files, 'file')} from ${step.file} (${format})`;
  return files === 0 ? nothingOut(`nothing came out of ${step.file}`) : { files, changes: files, summary };
};

/** Undefined where an optional step's patterns match nothing in the archive. */
async function unpack(
  step: StepOf<'extract'>,
  { tree, limits, password, signal }: StepContext,
): Promise<ExtractedArchive | undefined> {
  const { strip, include, exclude, encoding, accept } = step;
  const options = { to: treeFolder(step.to), strip, include, exclude, encoding, accept, limits, password, signal };
  try {
    return await extractArchive(archiveFile(tree.absolute(step.file), step.file), tree, options);
  } catch (error) {
    if (step.optional && error instanceof PrestageError && error.code === 'STEP_FILE_MISSING') return undefined;
    throw error;
  }
}

function nothingOut(reason: string): StepOutcome {
  const hint = 'Check `strip`, `include` and `exclude` against what the archive holds.';
  return { files: 0, changes: 0, summary: reason, nothing: { reason, hint } };
}
