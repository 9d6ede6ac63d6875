import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import { count, files, flag, mayChangeNothing, text } from './written.js';

export const replace = stepKind({
  written: z
    .strictObject({
      files,
      from: text.describe('The text to find; with `regex: true`, a JavaScript regular expression.'),
      to: z.string().describe('What to put in its place; with `regex: true`, `$1` and `$<name>` stand for groups.'),
      regex: flag.describe('Default: false.').optional(),
      expect: count
        .min(1, { error: 'a whole number from 1' })
        .describe('The exact number of places, in all files together.')
        .optional(),
      optional: mayChangeNothing,
    })
    .superRefine((step, context) => {
      const reason = step.regex ? regexFault(step.from) : undefined;
      if (reason) context.addIssue({ code: 'custom', path: ['from'], message: `a regular expression (${reason})` });
    })
    .describe('Replaces text in files.'),

  recipe: z.strictObject({
    kind: z.literal('replace'),
    files: globs,
    from: z.string(),
    to: z.string(),
    regex: z.boolean(),
    expect: z.int().min(0).optional(),
    optional,
  }),

  resolve({ files, from, to, regex = false, expect, optional = false }) {
    const exactly = expect === undefined ? {} : { expect };
    return [{ files: [files].flat(), from, to, regex, ...exactly, optional }];
  },
});

function regexFault(source: string): string | undefined {
  try {
    new RegExp(source, 'gm');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^.*: /s, '').toLowerCase() : String(error);
  }
}
