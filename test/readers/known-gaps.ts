/**
 * What some readers are known not to implement. Where an archive uses it, such a reader's tree says nothing about how the
 * archive is to be read, so it does not count. Each line is a fact about that program, not a wish of ours.
 */
export const KNOWN_GAPS: Readonly<Record<string, readonly string[]>> = {
  // Takes the times of GNU's own headers for the first part of a name; makes files of links in zips.
  python: ['volume label', 'times of GNU', 'links in a zip', 'Unicode field', 'backslashes', 'code page'],
  go: ['Unicode field', 'backslashes', 'code page'],
  jdk: ['links in a zip', 'Unicode field', 'backslashes', 'code page'],
  // Converts backslashes of FAT alone; takes another code page for each system, and on Debian one for UTF-8 from FAT as well.
  unzip: ['backslashes', 'code page', 'UTF-8 not from Unix'],
  // Makes files of volumes' labels and of symbol tables.
  '7-Zip': ['volume label', 'times of GNU', 'pax sparse', 'symbol table', 'backslashes', 'code page'],
  // Warns of NULs behind pax records, and forgets the records. Reads a zip64 behind something else from its front, where
  // nothing tells a link from a file.
  bsdtar: ['symbol table', 'code page', 'padded pax', 'links in a zip64 behind something'],
  'GNU ar': ['symbol table'],
};
