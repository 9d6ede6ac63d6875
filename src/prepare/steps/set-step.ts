import { asPrestageError, PrestageError } from '../../core/errors.js';
import { matchRegularFiles } from './match-files.js';
import { applySet, formatOf, type SetFormat } from './set/index.js';
import { type ApplyStep, counted } from './step.js';

/** Sets keys in configuration files; every file is edited before any is written. */
export const applySetStep: ApplyStep<'set'> = async (step, { tree }) => {
  const files = matchRegularFiles(tree, step);
  const edited: { file: string; content: Buffer; changes: number }[] = [];
  const addedKeys: string[] = [];
  for (const file of files) {
    const format = step.format ?? formatByName(file);
    const before = await tree.read(file);
    try {
      const { content, changes, added } = applySet(before, format, step.values, file);
      if (content.equals(before)) continue;
      edited.push({ file, content, changes });
      addedKeys.push(...added);
    } catch (error) {
      throw asPrestageError(error, { file });
    }
  }
  for (const { file, content } of edited) await tree.write(file, content);
  // A key that was not there may be a misspelt one that was: it is named.
  const remark = addedKeys.length > 0 ? ` (added: ${[...new Set(addedKeys)].join(', ')})` : '';
  const changes = edited.reduce((sum, file) => sum + file.changes, 0);
  return {
    files: edited.length,
    changes,
    summary: `${counted(changes, 'key')} in ${counted(edited.length, 'file')}${remark}`,
    nothing: {
      reason: files.length === 0 ? 'no file matches' : 'every key has its value already',
      hint: 'Remove the step, or give it `optional: true` if the files may be right already.',
    },
  };
};

function formatByName(file: string): SetFormat {
  const format = formatOf(file);
  if (format !== undefined) return format;
  throw new PrestageError('STEP_INVALID', `The name ${JSON.stringify(file)} does not say what format the file has.`, {
    hint: 'Add `format: properties`, `ini`, `json`, `yaml`, `xml` or `toml` to the step.',
    context: { file, key: 'format' },
  });
}
