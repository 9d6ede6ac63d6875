import * as z from 'zod';

/**
 * The small values of the configuration. Every `error` in the schema is what the message says after "expected"
 * (zod-problems.ts), so it is a noun phrase: "a duration such as 500ms, 120s or 2m".
 */

export const ID_RULE = 'lower-case letters, digits and hyphens, beginning with a letter';
export const id = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: ID_RULE });

export const text = z.string().min(1, { error: 'text that is not empty' });

export const flag = z.boolean();

export const count = z.int({ error: 'a whole number' });

/** A value that is written into a file: numbers and truth values as they are. */
const scalars = [z.string(), z.number(), z.boolean()] as const;
export const scalar = z.union(scalars, { error: 'text, a number, true or false' });
export const scalarOrNull = z.union([...scalars, z.null()], { error: 'text, a number, true, false or null' });

export const duration = z
  .string({ error: 'a duration such as 500ms, 120s or 2m' })
  .regex(/^[1-9]\d{0,8}(ms|s|m)$/, { error: 'a duration such as 500ms, 120s or 2m' });

const A_SIZE = 'a size such as 512MiB or 80GiB, or a whole number of bytes';
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** As text with a unit, or as a number of bytes. */
export const size = z.union(
  [
    z
      .string()
      .regex(/^[1-9]\d{0,11}(KiB|MiB|GiB|TiB)$/, { error: A_SIZE })
      .refine((text) => Number.isSafeInteger(sizeInBytes(text)), { error: A_SIZE }),
    count.min(1, { error: A_SIZE }),
  ],
  { error: A_SIZE },
);

export function sizeInBytes(size: string | number): number {
  if (typeof size === 'number') return size;
  return Number.parseInt(size, 10) * 1024 ** (UNITS.indexOf(size.replace(/^\d+/, '')) + 1);
}

/** A path on this machine, relative to the configuration's folder. */
export const localPath = z
  .string({ error: 'a path' })
  .min(1, { error: 'a path that is not empty' })
  .refine((path) => !path.includes('\0'), { error: 'a path without a NUL character' })
  .describe("A path, relative to the configuration's folder.");

/** A script travels with the release under its own relative path, so it must lie in the configuration's folder. */
export const scriptPath = z.string().refine((path) => isTreePath(path.replace(/^\.\//, '')), {
  error: "a path inside the configuration's folder, with forward slashes",
});

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
