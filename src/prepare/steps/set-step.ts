import type { StepOf } from '../../config/index.js';
import { asPrestageError, PrestageError } from '../../core/errors.js';
import { matchRegularFiles } from './match-files.js';
import { applySet } from './set/index.js';
import { type ApplyStep, counted } from './step.js';

type Format = NonNullable<StepOf<'set'>['format']>;

const FORMATS: Record<string, Format> = {
  '.properties': 'properties',
  '.ini': 'ini',
  '.cfg': 'ini',
  '.conf': 'ini',
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.xml': 'xml',
  '.toml': 'toml',
};

/** Sets keys in configuration files; every file is edited before any is written. */
export const applySetStep: ApplyStep<'set'> = async (step, { tree }) => {
  const files = matchRegularFiles(tree, step);
  const edited: { file: string; content: Buffer; changes: number }[] = [];
  for (const file of files) {
    const format = step.format ?? formatOf(file);
    const before = await tree.read(file);
    try {
      const { content, changes } = applySet(before, format, step.values, file);
      if (!content.equals(before)) edited.push({ file, content, changes });
    } catch (error) {
      throw asPrestageError(error, { file });
    }
  }
  for (const { file, content } of edited) await tree.write(file, content);
  const changes = edited.reduce((sum, file) => sum + file.changes, 0);
  return {
    files: edited.length,
    changes,
    summary: `${counted(changes, 'key')} in ${counted(edited.length, 'file')}`,
    nothing: {
      reason: files.length === 0 ? 'no file matches' : 'every key has its value already',
      hint: 'Remove the step, or give it `optional: true` if the files may be right already.',
    },
  };
};

function formatOf(file: string): Format {
  const format = FORMATS[/\.[^./]+$/.exec(file)?.[0].toLowerCase() ?? ''];
  if (format !== undefined) return format;
  throw new PrestageError('STEP_INVALID', `The name ${JSON.stringify(file)} does not say what format the file has.`, {
    hint: 'Add `format: properties`, `ini`, `json`, `yaml`, `xml` or `toml` to the step.',
    context: { file, key: 'format' },
  });
}
