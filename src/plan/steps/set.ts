import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import { exactTreePath, files, flag, mayChangeNothing, scalarOrNull, text } from './written.js';

const format = z.enum(['properties', 'ini', 'json', 'yaml', 'xml', 'toml']);

export const set = stepKind({
  written: z
    .strictObject({
      file: exactTreePath.describe('The file, in the package.').optional(),
      files: files.optional(),
      format: format.describe("The files' format. Default: by the file's name.").optional(),
      values: z.record(text, scalarOrNull).describe('Keys, with dots between levels, and their values.'),
      add: flag.describe('true: keys that are not there are added. Default: false, such a key is an error.').optional(),
      optional: mayChangeNothing,
    })
    .refine((step) => (step.file === undefined) !== (step.files === undefined), { error: 'either file or files' })
    .describe('Sets keys in properties, ini, json, yaml, xml and toml files; comments and order stay.'),

  recipe: z.strictObject({
    kind: z.literal('set'),
    files: globs,
    format: format.optional(),
    values: z.record(z.string(), scalarOrNull),
    /** Whether keys may be added. Always there: without it, what earlier versions made by adding keys had this identity. */
    add: z.boolean(),
    optional,
  }),

  resolve({ file, files = literalGlob(file ?? ''), format, values, add = false, optional = false }) {
    const named = format === undefined ? {} : { format };
    return [{ files: [files].flat(), ...named, values, add, optional }];
  },
});

/** A pattern that matches this one path: what patterns give a meaning to is escaped. */
function literalGlob(path: string): string {
  return path.replace(/[[\]{}()!+@]/g, '\\$&');
}
