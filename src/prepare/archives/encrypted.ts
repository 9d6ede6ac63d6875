import { type ArchivePlace, archiveError } from './archive-error.js';

/** What is encrypted by a way that is read, and no password was given. */
export function encrypted(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_UNSUPPORTED', place, 'is encrypted', {
    reason: 'encrypted',
    hint: 'Give the package `password: {fromEnv: VENDOR_PASSWORD}`, and set that variable where the command runs.',
  });
}

export function encryptedOtherwise(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_UNSUPPORTED', place, 'is encrypted in a way that is not supported', {
    reason: 'encrypted',
    hint: 'Decrypt it, and pack it again without a password.',
  });
}

/** `orDamaged`: where the format cannot tell the one from the other. */
export function wrongPassword(place: ArchivePlace, { orDamaged = false } = {}): Error {
  const what = `is encrypted, and the password is not the right one${orDamaged ? ', or it is damaged' : ''}`;
  return archiveError('ARCHIVE_UNSUPPORTED', place, what, {
    reason: 'password',
    hint: 'Set the variable that `password` of the package names to the password of this archive.',
  });
}
