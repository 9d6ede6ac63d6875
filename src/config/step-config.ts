import { posix } from 'node:path';
import type { RecipeStep } from '../plan/index.js';
import type { ParsedConfig } from './config.js';
import type { KeyPath } from './read/source-file.js';

type Written = NonNullable<ParsedConfig['packages'][string]['steps']>[number];
type WrittenPatch = NonNullable<Written['patch']>;

/**
 * A step with its defaults and short forms written out; patches and copies still by their paths, which resolve turns
 * into digests. `index` is the step's place in the configuration, from 0.
 */
export type StepConfig =
  | { kind: 'patch'; index: number; files: PatchFile[]; strip: number; fuzz: number; optional: boolean }
  | { kind: 'copy'; index: number; from: string; to: string; optional: boolean }
  | { kind: 'recipe'; index: number; step: RecipeStep };

/** A patch, and where below its step the configuration names it. */
interface PatchFile {
  path: string;
  key: KeyPath;
}

export function normalizeStep(written: Written, index: number): StepConfig[] {
  const { patch, copy } = written;
  if (patch !== undefined) return [{ kind: 'patch', index, ...normalizePatch(patch) }];
  if (copy)
    return [{ kind: 'copy', index, from: copy.from, to: treeFolder(copy.to ?? '.'), optional: copy.optional ?? false }];
  const step = recipeStep(written);
  return step ? [{ kind: 'recipe', index, step }] : [];
}

function normalizePatch(written: WrittenPatch) {
  const options = { strip: 1, fuzz: 0, optional: false };
  if (typeof written === 'string' || Array.isArray(written)) return { ...options, files: patchFiles(written, []) };
  const { file, files = [], strip = 1, fuzz = 0, optional = false } = written;
  return {
    strip,
    fuzz,
    optional,
    files: file === undefined ? patchFiles(files, ['files']) : patchFiles(file, ['file']),
  };
}

function patchFiles(paths: string | string[], key: KeyPath): PatchFile[] {
  return typeof paths === 'string' ? [{ path: paths, key }] : paths.map((path, i) => ({ path, key: [...key, i] }));
}

function recipeStep({ replace, set, template, remove, chmod, extract }: Written): RecipeStep | undefined {
  if (replace) {
    const { files, from, to, regex = false, expect, optional = false } = replace;
    return {
      kind: 'replace',
      files: [files].flat(),
      from,
      to,
      regex,
      ...(expect === undefined ? {} : { expect }),
      optional,
    };
  }
  if (set) {
    const { file, files = literalGlob(file ?? ''), format, values, add = false, optional = false } = set;
    return { kind: 'set', files: [files].flat(), ...(format === undefined ? {} : { format }), values, add, optional };
  }
  if (template) {
    const { files, values, optional = false } = template;
    return { kind: 'template', files: [files].flat(), values, optional };
  }
  if (remove !== undefined) {
    const { files, optional = false } =
      typeof remove === 'string' || Array.isArray(remove) ? { files: remove } : remove;
    return { kind: 'remove', files: [files].flat(), optional };
  }
  if (chmod) {
    const { files, mode, optional = false } = chmod;
    return { kind: 'chmod', files: [files].flat(), mode: Number.parseInt(mode, 8), optional };
  }
  if (extract) {
    const { file, to = `${posix.dirname(file)}/`, strip = 0, keep = false, optional = false } = extract;
    return { kind: 'extract', file, to: treeFolder(to), strip, ...globLists(extract), keep, optional };
  }
  return undefined;
}

/** `include` and `exclude` as lists, where they are given. */
export function globLists(written: {
  include?: string | string[] | undefined;
  exclude?: string | string[] | undefined;
}): {
  include?: string[];
  exclude?: string[];
} {
  const { include, exclude } = written;
  return {
    ...(include === undefined ? {} : { include: [include].flat() }),
    ...(exclude === undefined ? {} : { exclude: [exclude].flat() }),
  };
}

/** The tree's root is ''. */
function treeFolder(written: string): string {
  return written === '.' || written === './' ? '' : written;
}

/** A pattern that matches this one path: what patterns give a meaning to is escaped. */
function literalGlob(path: string): string {
  return path.replace(/[[\]{}()!+@]/g, '\\$&');
}
