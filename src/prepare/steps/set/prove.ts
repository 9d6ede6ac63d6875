import { PrestageError } from '../../../core/errors.js';
import type { Setting } from './format.js';

/**
 * That an edited file says what it said before, but for what was set.
 * @throws INTERNAL where it does not: then an editor has a defect, and the file must not be written
 */
export function prove(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  settings: readonly Setting[],
  file: string,
): void {
  const wanted = new Map(settings.map((setting) => [setting.path, setting.expected]));
  for (const [path, expected] of wanted) {
    if (after.get(path) !== expected) throw defect(file, path, expected, after.get(path));
  }
  // An empty object or null goes when something is added in it.
  const filled = new Set(settings.filter(({ added }) => added).flatMap(({ path }) => ancestors(path)));
  for (const [path, value] of before) {
    const now = after.get(path);
    if (now === value || wanted.has(path) || (now === undefined && filled.has(path))) continue;
    throw defect(file, path, value, now);
  }
  for (const [path, value] of after) {
    if (!before.has(path) && !wanted.has(path)) throw defect(file, path, undefined, value);
  }
}

function ancestors(path: string): string[] {
  const parts = JSON.parse(path) as unknown[];
  return parts.map((_, length) => JSON.stringify(parts.slice(0, length)));
}

function defect(file: string, path: string, expected: string | undefined, found: string | undefined): PrestageError {
  return new PrestageError('INTERNAL', `Setting keys in ${file} would have changed what it says at ${path}.`, {
    hint: 'Nothing was written. This is a defect of Prestage: please report it with the file and the step.',
    context: { file, expected: expected ?? 'nothing', found: found ?? 'nothing' },
  });
}
