import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import { files, mayChangeNothing, scalar, scalarOrNull, text } from './written.js';

export const template = stepKind({
  written: z
    .strictObject({
      files,
      values: z.record(text, scalar).describe('The variables and their values.'),
      optional: mayChangeNothing,
    })
    .describe('Fills in the variables of `*.tmpl` files and writes them without the `.tmpl`.'),

  recipe: z.strictObject({
    kind: z.literal('template'),
    files: globs,
    values: z.record(z.string(), scalarOrNull),
    optional,
  }),

  resolve({ files, values, optional = false }) {
    return [{ files: [files].flat(), values, optional }];
  },
});
