import * as z from 'zod';
import { accept, accepted, acceptList } from './departures.js';
import { encodingOf, nameEncoding, writtenEncoding } from './name-encoding.js';
import { globLists, strip, globs as writtenGlobs } from './steps/written.js';

/** How an archive is unpacked: what `extract` of a package and the step `extract` have in common. */

export const writtenExtraction = {
  strip: strip.describe('Leading folders of the entries to drop. Default: 0.').optional(),
  include: writtenGlobs.describe('Only entries that match. Default: all.').optional(),
  exclude: writtenGlobs.describe('Not the entries that match.').optional(),
  encoding: writtenEncoding
    .describe('The encoding of names that the archive does not say to be UTF-8, such as cp932. Default: UTF-8.')
    .optional(),
  accept: accept.optional(),
};

const globs = z.array(z.string()).min(1);

/** In a recipe. */
export const extraction = {
  strip: z.int().min(0),
  include: globs.optional(),
  exclude: globs.optional(),
  encoding: nameEncoding.optional(),
  accept: accepted.optional(),
};

type Written = z.output<z.ZodObject<typeof writtenExtraction>>;
export type Extraction = z.infer<z.ZodObject<typeof extraction>>;

/** What was not said has no place in a recipe, so that its digest stays what it was before that could be said. */
export function extractionOf({ strip = 0, encoding, ...lists }: Written): Extraction {
  return {
    strip,
    ...globLists(lists),
    ...acceptList(lists),
    ...(encoding === undefined ? {} : { encoding: encodingOf(encoding) }),
  };
}
