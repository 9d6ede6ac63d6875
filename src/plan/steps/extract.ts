import { posix } from 'node:path';
import * as z from 'zod';
import { globs, optional, stepKind } from './step-kind.js';
import {
  exactTreePath,
  flag,
  globLists,
  mayChangeNothing,
  strip,
  treeFolder,
  treeFolderPath,
  globs as writtenGlobs,
} from './written.js';

export const extract = stepKind({
  written: z
    .strictObject({
      file: exactTreePath.describe('The archive, in the package.'),
      to: treeFolder.describe("Where to, in the package. Default: the archive's own folder.").optional(),
      strip: strip.describe('Leading folders of the entries to drop. Default: 0.').optional(),
      include: writtenGlobs.describe('Only entries that match. Default: all.').optional(),
      exclude: writtenGlobs.describe('Not the entries that match.').optional(),
      keep: flag.describe('true: the archive stays beside what came out of it. Default: false.').optional(),
      optional: mayChangeNothing,
    })
    .describe('Extracts an archive that lies in the package.'),

  recipe: z.strictObject({
    kind: z.literal('extract'),
    file: z.string(),
    to: z.string(),
    strip: z.int().min(0),
    include: globs.optional(),
    exclude: globs.optional(),
    keep: z.boolean(),
    optional,
  }),

  resolve({ file, to = `${posix.dirname(file)}/`, strip = 0, keep = false, optional = false, ...lists }) {
    return [{ file, to: treeFolderPath(to), strip, ...globLists(lists), keep, optional }];
  },
});
