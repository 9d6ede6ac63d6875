import * as z from 'zod';
import { input } from '../input.js';
import { optional, stepKind } from './step-kind.js';
import { localPath, mayChangeNothing, treeFolder, treeFolderPath } from './written.js';

export const copy = stepKind({
  written: z
    .strictObject({
      from: localPath.describe("A file or a folder, relative to the configuration's folder."),
      to: treeFolder.describe("Where to, in the package. Default: the package's root.").optional(),
      optional: mayChangeNothing,
    })
    .describe("Copies a file, or what a folder holds, from the configuration's folder into the package."),

  recipe: z.strictObject({ kind: z.literal('copy'), from: input, to: z.string(), optional }),

  async resolve({ from, to = '.', optional = false }, files) {
    const found = await files.input(from, ['from']);
    return found ? [{ from: found, to: treeFolderPath(to), optional }] : [];
  },

  inputs: ({ from }) => [from],
});
