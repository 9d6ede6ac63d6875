import { quoted } from '../../../core/shortened.js';
import type { NameEncoding } from '../../../plan/index.js';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { likelyEncodings } from './likely-encodings.js';
import { nameText } from './name-text.js';

/**
 * The refusal of names whose encoding is not known, or is not the one that was said: with how the first of them would look in
 * those that are likely.
 */
export function unknownEncoding(
  place: ArchivePlace,
  what: string,
  names: readonly [Buffer, ...Buffer[]],
  said?: NameEncoding,
): Error {
  const [first] = names;
  const likely = likelyEncodings(names).filter((encoding) => encoding !== said);
  const looks = likely.map((encoding) => ({ encoding, name: nameText(first, encoding) ?? '' }));
  const [best, ...others] = looks.map(
    ({ encoding, name }) => `\`extract: {encoding: ${encoding}}\` for ${quoted(name)}`,
  );
  const problem = said === undefined ? 'that is not UTF-8, or of which nothing says that it is' : `that is not ${said}`;
  return archiveError(
    'ARCHIVE_UNSUPPORTED',
    { ...place, entry: place.entry ?? first.toString('latin1') },
    `has ${what} ${problem}`,
    {
      reason: 'encoding',
      hint:
        best === undefined
          ? 'Say in which encoding its names are: `extract: {encoding: …}`.'
          : `Say in which encoding its names are: ${[best, ...others].join(', or ')}.`,
      ...(looks.length === 0 ? {} : { context: { encodings: looks } }),
    },
  );
}
