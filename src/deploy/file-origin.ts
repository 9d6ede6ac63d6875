import type { Recipe } from '../plan/index.js';
import type { TreeEntry } from '../store/index.js';
import type { ExplainResult } from './results.js';

interface Known {
  recipe: Recipe;
  /** The package as it became. */
  entries: ReadonlyMap<string, TreeEntry>;
  touched: Pick<ExplainResult, 'steps' | 'unnamedSteps'> | undefined;
}

/**
 * The entry of an archive, or the file of a folder, that a file is made of: of the package's source, or of what the step that added it
 * extracted or copied. Folders that were stripped are `*`: nobody wrote down what they were called. Undefined where it is not known.
 */
export function archiveEntryOf(within: string, { recipe, entries, touched }: Known): ExplainResult['archive'] {
  if (within === '' || (touched === undefined && recipe.steps.length > 0)) return undefined;
  if ((touched?.unnamedSteps ?? []).length > 0) return undefined;
  const added = touched?.steps?.findLast(({ change }) => change === 'added');
  return added === undefined ? ofSource(within, recipe, entries) : ofStep(within, recipe.steps[added.step - 1]);
}

function ofSource(within: string, { source, extract }: Recipe, entries: Known['entries']): ExplainResult['archive'] {
  if (source.kind === 'folder') return { name: source.name, entry: within };
  if (extract === false || extract === 'single') return undefined;
  // What is no archive was kept as it is, under its own name.
  if (extract === 'auto')
    return entries.size === 1 && entries.has(source.name) ? undefined : { name: source.name, entry: within };
  return { name: source.name, entry: stripped(within, extract.strip) };
}

function ofStep(within: string, step: Recipe['steps'][number] | undefined): ExplainResult['archive'] {
  if (step?.kind !== 'extract' && step?.kind !== 'copy') return undefined;
  const folder = step.to.replace(/\/?$/, '/').replace(/^\/$/, '');
  if (!within.startsWith(folder)) return undefined;
  const rest = within.slice(folder.length);
  if (step.kind === 'extract') return { name: step.file, entry: stripped(rest, step.strip) };
  return step.from.kind === 'folder' ? { name: step.from.name, entry: rest } : undefined;
}

function stripped(path: string, folders: number): string {
  return '*/'.repeat(folders) + path;
}
