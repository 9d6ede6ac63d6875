import { formatMode } from '../../core/units.js';
import { isPlainPath, matchFiles } from './match-files.js';
import { type ApplyStep, counted } from './step.js';

/** Sets the mode of files; of a folder only where a pattern is its very path, for `bin/*` hardly ever means folders. */
export const applyChmod: ApplyStep<'chmod'> = async (step, { tree }) => {
  const { optional } = step;
  const named = matchFiles(tree, step.files.filter(isPlainPath), { types: ['file', 'dir'], optional });
  const globbed = matchFiles(
    tree,
    step.files.filter((pattern) => !isPlainPath(pattern)),
    { types: ['file'], optional },
  );
  const paths = [...new Set([...named, ...globbed])];
  const changed = paths.filter((path) => {
    const entry = tree.entries.get(path);
    return entry !== undefined && entry.type !== 'link' && entry.mode !== step.mode;
  });
  for (const path of changed) await tree.chmod(path, step.mode);
  const mode = formatMode(step.mode);
  const files = changed.filter((path) => tree.entries.get(path)?.type === 'file').length;
  return {
    files,
    changes: changed.length,
    summary: `mode ${mode} on ${counted(changed.length, 'path')}`,
    nothing: {
      reason:
        paths.length === 0
          ? 'no file matches'
          : `${counted(paths.length, 'path has', 'paths have')} mode ${mode} already`,
      hint: 'Remove the step, or give it `optional: true` if it may have nothing to do.',
    },
  };
};
