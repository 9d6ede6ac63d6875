import * as z from 'zod';

/**
 * The values of which the written forms of steps are made, and others of the configuration. Every `error` is what the
 * message says after "expected", so it is a noun phrase: "a pattern, or a list of patterns".
 */

export const text = z.string().min(1, { error: 'text that is not empty' });

export const flag = z.boolean();

export const count = z.int({ error: 'a whole number' });

/** A value that is written into a file: numbers and truth values as they are. */
const scalars = [z.string(), z.number(), z.boolean()] as const;
export const scalar = z.union(scalars, { error: 'text, a number, true or false' });
export const scalarOrNull = z.union([...scalars, z.null()], { error: 'text, a number, true, false or null' });

/** A path on this machine, relative to the configuration's folder. */
export const localPath = z
  .string({ error: 'a path' })
  .min(1, { error: 'a path that is not empty' })
  .refine((path) => !path.includes('\0'), { error: 'a path without a NUL character' })
  .describe("A path, relative to the configuration's folder.");

/** A path inside a prepared tree: relative, with forward slashes. */
const treePath = z
  .string()
  .refine(isTreePath, { error: 'a relative path inside the package, with forward slashes and without . or ..' });

/** The folder that something goes to: `conf/`, or `.` for the tree's root. */
export const treeFolder = z
  .string()
  .refine((path) => path === '.' || path === './' || isTreePath(path.replace(/\/$/, '')), {
    error: 'a relative path inside the package, with forward slashes and without . or ..',
  });

/** The path of one file, where wildcards would be a mistake: patterns go under `files`. */
export const exactTreePath = treePath.refine((path) => !/[*?]/.test(path), {
  error: 'the path of one file, without wildcards (patterns go under `files`)',
});

export const glob = z
  .string({ error: 'a pattern' })
  .min(1, { error: 'a pattern that is not empty' })
  .refine((pattern) => !pattern.startsWith('/') && !pattern.split('/').includes('..'), {
    error: 'a pattern relative to the package, without a leading / and without ..',
  });

export const globs = z.union([glob, z.array(glob).min(1, { error: 'at least one pattern' })], {
  error: 'a pattern, or a list of patterns',
});

/** Relative, normalised, POSIX, and safe to join to a folder. */
export function isTreePath(path: string): boolean {
  const segments = path.split('/');
  return segments.every(
    (segment) => segment !== '' && segment !== '.' && segment !== '..' && !/[\\\u0000-\u001f\u007f]/.test(segment),
  );
}

/** Leading names of a path to drop. */
export const strip = count.min(0, { error: 'a whole number from 0' });

/** `include` and `exclude` as lists, where they are given. */
export function globLists({ include, exclude }: GlobLists): { include?: string[]; exclude?: string[] } {
  return {
    ...(include === undefined ? {} : { include: [include].flat() }),
    ...(exclude === undefined ? {} : { exclude: [exclude].flat() }),
  };
}

interface GlobLists {
  include?: string | string[] | undefined;
  exclude?: string | string[] | undefined;
}

/** As a recipe has the folder that something goes to: the tree's root is ''. */
export function treeFolderPath(written: string): string {
  return written === '.' || written === './' ? '' : written;
}

/** `optional`, the member that every kind of step has. */
export const mayChangeNothing = flag
  .describe('true: the step may change nothing. Default: false, a step without effect is an error.')
  .optional();

/** `files`, the member of the steps that change files by patterns. */
export const files = globs.describe('Patterns of files in the package, such as `bin/*.sh` or `conf/**`.');
