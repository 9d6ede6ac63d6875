import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import { files, glob, mayChangeNothing } from './written.js';

export const remove = stepKind({
  written: z
    .union(
      [
        glob,
        z.array(glob).min(1, { error: 'at least one pattern' }),
        z.strictObject({ files, optional: mayChangeNothing }),
      ],
      { error: 'a pattern, a list of patterns, or {files}' },
    )
    .describe('Removes files and folders.'),

  recipe: z.strictObject({ kind: z.literal('remove'), files: globs, optional }),

  resolve(written) {
    const isShort = typeof written === 'string' || Array.isArray(written);
    const { files, optional = false } = isShort ? { files: written } : written;
    return [{ files: [files].flat(), optional }];
  },
});
