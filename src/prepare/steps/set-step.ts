import { asPrestageError, PrestageError } from '../../core/errors.js';
import { mostAlike } from '../../core/nearest.js';
import { matchRegularFiles } from './match-files.js';
import { applySet, formatOf, knownKeys, type SetFormat } from './set/index.js';
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
      if (added.length > 0 && !step.add) throw notThere(file, added, knownKeys(before, format, file));
      if (content.equals(before)) continue;
      edited.push({ file, content, changes });
      addedKeys.push(...added);
    } catch (error) {
      throw asPrestageError(error, { file });
    }
  }
  for (const { file, content } of edited) await tree.write(file, content);
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

/** A key that is not there is most often one that is misspelt, or is called otherwise in this version. */
function notThere(file: string, missing: readonly string[], known: readonly string[]): PrestageError {
  const near = missing.flatMap((key) => {
    const [found] = mostAlike(key, known, 1);
    return found === undefined ? [] : [{ key, found }];
  });
  const [first] = near;
  const told = near.map(({ key, found }) => `${found} for ${key}`).join(', ');
  return new PrestageError('STEP_INVALID', `${file} has no key ${missing.join(', ')}.`, {
    hint: `${told === '' ? '' : `Nearest: ${told}. `}Correct the name, or give the step \`add: true\` to add what is not there.`,
    context: { file, key: missing[0] ?? '', ...(first === undefined ? {} : { expected: first.found }) },
  });
}

function formatByName(file: string): SetFormat {
  const format = formatOf(file);
  if (format !== undefined) return format;
  throw new PrestageError('STEP_INVALID', `The name ${JSON.stringify(file)} does not say what format the file has.`, {
    hint: 'Add `format: properties`, `ini`, `json`, `yaml`, `xml` or `toml` to the step.',
    context: { file, key: 'format' },
  });
}
