import type { ArchiveCode, ArchiveReason } from '../../core/archive-reasons.js';
import { type ErrorDetails, PrestageError } from '../../core/errors.js';
import { quoted, shortened } from '../../core/shortened.js';

const HINTS = {
  ARCHIVE_INVALID: 'Fetch or build the archive again, and compare its digest with what its maker publishes.',
  ARCHIVE_UNSUPPORTED: 'Repack it as tar.gz or zip, or keep it as it is with `extract: false` and unpack it at boot.',
  ARCHIVE_UNSAFE:
    'Do not trust this archive before you know why it is so. `exclude` leaves out what is not needed, but no path with `..` and none that is absolute.',
  ARCHIVE_LIMIT:
    'No honest archive that was seen comes near this limit, which guards memory and is fixed. Pack the files again.',
} as const satisfies Record<ArchiveCode, string>;

/** Where nothing finer is said. What is unsafe always says which rule it breaks. */
const USUAL_REASONS = {
  ARCHIVE_INVALID: 'malformed',
  ARCHIVE_UNSUPPORTED: 'feature',
  ARCHIVE_UNSAFE: undefined,
  ARCHIVE_LIMIT: 'headers',
} as const satisfies { [Code in ArchiveCode]: ArchiveReason<Code> | undefined };

interface ArchiveErrorDetails<Code extends ArchiveCode> extends Pick<ErrorDetails, 'hint' | 'cause' | 'context'> {
  reason?: ArchiveReason<Code>;
}

/** Where in an archive something is wrong. */
export interface ArchivePlace {
  /** The archive's name, for people. */
  archive: string;
  /** The entry's name, as the archive has it. */
  entry?: string | undefined;
  /** Bytes from the start of the (decompressed) archive. */
  offset?: number | undefined;
}

/** An error of an archive: `what` says what is wrong with the entry, or with the archive where none is given. */
export function archiveError<Code extends ArchiveCode>(
  code: Code,
  place: ArchivePlace,
  what: string,
  details: ArchiveErrorDetails<Code> = {},
): PrestageError {
  const entry = place.entry === undefined ? '' : `entry ${quoted(place.entry)} `;
  const at = place.offset === undefined ? '' : ` (at byte ${place.offset})`;
  return new PrestageError(code, `${place.archive}: ${entry}${what}${at}.`, {
    hint: details.hint ?? HINTS[code],
    cause: details.cause,
    context: {
      ...details.context,
      reason: details.reason ?? USUAL_REASONS[code],
      file: place.archive,
      ...(place.entry === undefined ? {} : { path: shortened(place.entry, 4096) }),
      ...(place.offset === undefined ? {} : { offset: place.offset }),
    },
  });
}
