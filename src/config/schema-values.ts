import * as z from 'zod';
import { count, isTreePath } from '../plan/index.js';

/**
 * The small values of the configuration. Every `error` in the schema is what the message says after "expected"
 * (zod-problems.ts), so it is a noun phrase: "a duration such as 500ms, 120s or 2m".
 */

export const ID_RULE = 'lower-case letters, digits and hyphens, beginning with a letter';
export const id = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: ID_RULE });

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

/** A script travels with the release under its own relative path, so it must lie in the configuration's folder. */
export const scriptPath = z.string().refine((path) => isTreePath(path.replace(/^\.\//, '')), {
  error: "a path inside the configuration's folder, with forward slashes",
});
