import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import { files, mayChangeNothing } from './written.js';

export const chmod = stepKind({
  written: z
    .strictObject({
      files,
      mode: z
        .string({ error: "an octal mode in quotes, such as '755'" })
        .regex(/^0?[0-7]{3}$/, { error: "an octal mode of three digits in quotes, such as '755'" })
        .describe("The mode in octal, in quotes: '755'."),
      optional: mayChangeNothing,
    })
    .describe('Sets the mode of files and folders.'),

  recipe: z.strictObject({ kind: z.literal('chmod'), files: globs, mode: z.int().min(0).max(0o777), optional }),

  resolve({ files, mode, optional = false }) {
    return [{ files: [files].flat(), mode: Number.parseInt(mode, 8), optional }];
  },
});
