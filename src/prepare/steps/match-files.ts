import picomatch from 'picomatch';
import { PrestageError } from '../../core/errors.js';
import { mostAlike } from '../../core/nearest.js';
import type { TreeEntry } from '../../store/index.js';
import type { Tree } from '../tree/tree.js';

export interface MatchOptions {
  /** What the step can work on. */
  types: readonly TreeEntry['type'][];
  /** A pattern that matches nothing is no error. */
  optional: boolean;
}

/**
 * The paths that any of the patterns matches, in code-unit order. `*` matches names that start with a dot too; `!` at the
 * start means nothing special, so that no pattern matches "everything but" by surprise.
 * @throws STEP_FILE_MISSING where a pattern matches nothing of these types
 */
export function matchFiles(tree: Tree, patterns: readonly string[], { types, optional }: MatchOptions): string[] {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const matched = matchPattern(tree, pattern).filter((path) => isOf(tree, path, types));
    if (matched.length === 0 && !optional) throw noMatch(tree, pattern, types);
    for (const path of matched) found.add(path);
  }
  return [...found].sort(byCodeUnit);
}

/** The files that any of the patterns matches. */
export function matchRegularFiles(tree: Tree, step: { files: readonly string[]; optional: boolean }): string[] {
  return matchFiles(tree, step.files, { types: ['file'], optional: step.optional });
}

/** Whether a pattern is just a path: it names one thing outright. */
export function isPlainPath(pattern: string): boolean {
  return !/[*?[\]{}()!+@\\]/.test(pattern);
}

/** Sorts as manifests do, whatever the locale. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function matchPattern(tree: Tree, pattern: string): string[] {
  const path = pattern.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  if (tree.entries.has(path)) return [path];
  if (isPlainPath(path)) return [];
  const matches = picomatch(path, { dot: true, nonegate: true });
  return [...tree.entries.keys()].filter((candidate) => matches(candidate));
}

function isOf(tree: Tree, path: string, types: readonly TreeEntry['type'][]): boolean {
  const type = tree.entries.get(path)?.type;
  return type !== undefined && types.includes(type);
}

function noMatch(tree: Tree, pattern: string, types: readonly TreeEntry['type'][]): PrestageError {
  const others = matchPattern(tree, pattern);
  const only = others.length > 0 ? ` (only ${kindsOf(tree, others)}, such as ${JSON.stringify(others[0])})` : '';
  return fileMissing(tree, pattern, `Nothing in the package matches ${JSON.stringify(pattern)}${only}.`, types);
}

/** A STEP_FILE_MISSING that names what is there and looks like what was meant. */
export function fileMissing(
  tree: Tree,
  wanted: string,
  message: string,
  types: readonly TreeEntry['type'][] = ['file'],
): PrestageError {
  const known = [...tree.entries].filter(([, entry]) => types.includes(entry.type)).map(([path]) => path);
  const near = nearNames(wanted, known);
  const hint =
    near.length > 0
      ? `Nearest to it: ${near.join(', ')}. Paths are relative to the package's root, after \`strip\` and the steps before.`
      : known.length === 0
        ? 'The package is empty at this step: check its source, its `strip` and the steps before.'
        : `The package holds ${known.slice(0, 3).join(', ')}${known.length > 3 ? ', …' : ''}: check the path, \`strip\` and the steps before.`;
  return new PrestageError('STEP_FILE_MISSING', message, { hint, context: { file: wanted } });
}

/** By the whole path first; then the same base name in another folder. */
function nearNames(wanted: string, known: readonly string[]): string[] {
  const base = baseName(wanted);
  const sameBase = isPlainPath(base) ? known.filter((path) => baseName(path) === base) : [];
  return [...new Set([...sameBase.slice(0, 3), ...mostAlike(wanted, known)])].slice(0, 3);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function kindsOf(tree: Tree, paths: readonly string[]): string {
  const types = new Set(paths.map((path) => tree.entries.get(path)?.type));
  const words = [types.has('dir') && 'folders', types.has('link') && 'links', types.has('file') && 'files'];
  return words.filter(Boolean).join(' and ');
}
