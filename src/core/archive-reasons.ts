/**
 * Why an archive is refused, finer than its error's code: `context.reason`, for programs. A code says what a person can do
 * about it; a reason, which rule it was.
 */
export const ARCHIVE_REASONS = {
  ARCHIVE_UNSAFE: {
    'path-upwards': 'A path has `..` in it.',
    'path-absolute': 'A path begins with `/`.',
    'path-drive': 'A path begins with a drive letter.',
    'path-backslash':
      'A path has a backslash that could be taken for a separator: it would lead upwards or to a root, this runs on Windows, or others have slashes.',
    'path-control': 'A path has a control character: a NUL, a line feed, an escape.',
    'path-unicode': 'A path is not valid Unicode.',
    'path-length': 'A name of more than 255 bytes, or a path of more than 4,096.',
    'path-empty': 'A file or link has no name.',
    'through-link': 'A path leads through a link, or through a file.',
    replaces: 'An entry takes the path of one of another kind: a link that of a folder, a file that of a link.',
    duplicate: 'A path is there twice.',
    collision: 'Two paths differ only in case or in Unicode form.',
    'link-absolute': 'The target of a symbolic link is absolute.',
    'link-escape': 'A symbolic link leads out of the tree, straight or by way of others.',
    'link-circle': 'Symbolic links lead to each other in a circle.',
    'link-target': 'The target of a symbolic link is empty, or no path that every system reads the same.',
    'hard-link': 'A hard link is to what was not unpacked before it from the same archive.',
    'special-file': 'A device, a named pipe or a socket.',
  },
  ARCHIVE_INVALID: {
    'cut-off': 'The archive, or a layer of it, ends too early.',
    checksum: 'A checksum or digest is wrong.',
    size: 'Something is longer or shorter than it says.',
    'trailing-data': 'Something follows the end.',
    'headers-differ': 'Two descriptions of the same thing differ, or programs differ in which one counts.',
    overlap: 'Entries of a zip or of an ISO image share bytes.',
    malformed: 'Any other rule of the format is broken.',
  },
  ARCHIVE_UNSUPPORTED: {
    format: 'It is of another format, or of none that is known.',
    compression: 'It is compressed in another way.',
    encrypted: 'It is encrypted.',
    password: 'The password is not the right one.',
    encoding: 'A name is not UTF-8, nor in the encoding that was said, or nothing says in which.',
    'multi-part': 'It is one part of several.',
    feature: 'Anything else of the format that is not read.',
  },
  ARCHIVE_LIMIT: {
    ratio: 'More than `limits.ratio`.',
    size: 'More than `limits.size`.',
    count: 'More than `limits.count`.',
    depth: 'More than `limits.depth`.',
    nameLength: 'More than `limits.nameLength`.',
    headers: 'Headers or tables that are too large for memory; fixed.',
  },
} as const;

export type ArchiveCode = keyof typeof ARCHIVE_REASONS;

export type ArchiveReason<Code extends ArchiveCode = ArchiveCode> = Code extends ArchiveCode
  ? keyof (typeof ARCHIVE_REASONS)[Code]
  : never;
