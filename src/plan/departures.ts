import * as z from 'zod';

/**
 * Rules of archives that a package may let pass, each by its name and alone. Paths with `..` are none of them: nothing makes
 * those harmless. What each means in each format is in docs/formats.md.
 */
export const DEPARTURES = {
  'absolute-names': 'Paths that begin with `/` are taken without it.',
  case: 'Paths that differ only in case, or in Unicode form.',
  concatenated: 'Archives that were joined end to end, as `tar --ignore-zeros` reads them.',
  devices: 'Devices, named pipes and sockets are left out.',
  duplicates: 'Of a path that is there twice, the later one counts.',
  'no-end-mark': 'The mark is missing that tells a whole archive from one that was cut off between two files.',
  'outside-links': 'Symbolic links that are absolute, or lead out of the package, are kept as they are.',
  'trailing-data': 'What follows the end is left out.',
  'unsafe-names': 'Control characters in names and in the targets of links, and drive letters before them.',
} as const;

export type Departure = keyof typeof DEPARTURES;

const NAMES = Object.keys(DEPARTURES) as [Departure, ...Departure[]];

/** As a configuration lists them. */
export const accept = z
  .array(z.enum(NAMES))
  .min(1, { error: 'at least one name' })
  .describe('Rules of archives that it may break. Default: none. docs/formats.md says what each name lets pass.');

/** As a recipe has them: sorted, as their order changes nothing. */
export const accepted = z.array(z.enum(NAMES)).min(1);

export function acceptList({ accept }: { accept?: readonly Departure[] | undefined }): { accept?: Departure[] } {
  return accept === undefined ? {} : { accept: [...new Set(accept)].sort() };
}
