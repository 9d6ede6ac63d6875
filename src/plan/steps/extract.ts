import { posix } from 'node:path';
import * as z from 'zod';
import { extraction, extractionOf, writtenExtraction } from '../extraction.js';
import { optional, stepKind } from './step-kind.js';
import { exactTreePath, flag, mayChangeNothing, treeFolder, treeFolderPath } from './written.js';

export const extract = stepKind({
  written: z
    .strictObject({
      file: exactTreePath.describe('The archive, in the package.'),
      to: treeFolder.describe("Where to, in the package. Default: the archive's own folder.").optional(),
      ...writtenExtraction,
      keep: flag.describe('true: the archive stays beside what came out of it. Default: false.').optional(),
      optional: mayChangeNothing,
    })
    .describe('Extracts an archive that lies in the package.'),

  recipe: z.strictObject({
    kind: z.literal('extract'),
    file: z.string(),
    to: z.string(),
    ...extraction,
    keep: z.boolean(),
    optional,
  }),

  resolve({ file, to = `${posix.dirname(file)}/`, keep = false, optional = false, ...how }) {
    return [{ file, to: treeFolderPath(to), ...extractionOf(how), keep, optional }];
  },
});
