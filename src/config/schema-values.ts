import * as z from 'zod';
import { count, isTreePath, scalar } from '../plan/index.js';

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

const AN_INSTANCE_TYPE = 'an instance type such as t3.medium';
export const instanceType = z.string({ error: AN_INSTANCE_TYPE }).regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, {
  error: AN_INSTANCE_TYPE,
});

const A_VALUE_NAME = 'a name of letters, digits, _ and -, beginning with a letter or _';

/** By name: what texts of the configuration refer to as `${values.name}`. */
export const values = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, { error: A_VALUE_NAME }), scalar);
export const OWN_VALUES = 'Values in this environment, beside those of the configuration or in their place.';

const A_VARIABLE = 'the name of a variable: letters, digits and underscores, beginning with a letter or _';

/** Variables of the environment in which a command is run that texts may refer to as `${env.NAME}`. */
export const inputs = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: A_VARIABLE }),
    z
      .strictObject({
        default: scalar
          .describe('What it is where the variable is not set. A number, true or false makes the variable one too.')
          .optional(),
      })
      .nullable(),
  )
  .describe('Variables of the environment that a command is run in: what `env.NAME` in a text stands for.');
