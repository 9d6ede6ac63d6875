import { type ArchivePlace, archiveError } from '../archive-error.js';

/** What an entry is: by its name, and by attributes that mean what the system that wrote them says (APPNOTE 4.4.2, 4.4.15). */
export interface ZipKind {
  kind: 'file' | 'folder' | 'link' | 'device';
  mode: number;
}

/** FAT, NTFS (by two numbers) and VFAT. */
export function isOfWindows(host: number): boolean {
  return host === 0 || host === 10 || host === 11 || host === 14;
}

/** Unix, macOS. */
export function isOfUnix(host: number): boolean {
  return host === 3 || host === 19;
}

const DOS = { label: 0x08, folder: 0x10 } as const;
const TYPE = {
  pipe: 0o010000,
  characterDevice: 0o020000,
  folder: 0o040000,
  blockDevice: 0o060000,
  file: 0o100000,
  link: 0o120000,
  socket: 0o140000,
} as const;

/** @throws ARCHIVE_UNSAFE, ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED for what is neither, or not for all programs */
export function kindAndMode(attributes: number, host: number, name: string, place: ArchivePlace): ZipKind {
  const fullMode = attributes >>> 16;
  const mode = isOfUnix(host) ? fullMode : 0o644;
  if ((fullMode & 0o170000) === TYPE.link) return { kind: linkKind(host, name, place), mode };
  // unzip skips it, also where its name is that of a folder.
  if (!isOfUnix(host) && attributes & DOS.label)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is the label of a volume');
  // Some programs leave the mode of a folder to chance.
  if (name.endsWith('/')) return { kind: 'folder', mode };
  if (!isOfUnix(host)) return { kind: attributes & DOS.folder ? 'folder' : 'file', mode };
  switch (mode & 0o170000) {
    case TYPE.folder:
      return { kind: 'folder', mode };
    case 0:
    case TYPE.pipe: // what was packed from standard input has the mode of that pipe
    case TYPE.file:
      return { kind: 'file', mode };
    case TYPE.characterDevice:
    case TYPE.blockDevice:
    case TYPE.socket:
      return { kind: 'device', mode };
    default:
      throw archiveError('ARCHIVE_UNSAFE', place, 'is of a type that nothing has', { reason: 'special-file' });
  }
}

function linkKind(host: number, name: string, place: ArchivePlace): 'link' {
  if (name.endsWith('/')) throw archiveError('ARCHIVE_INVALID', place, 'is a link with the name of a folder');
  if (host === 3) return 'link'; // of macOS (19), Go makes a link, unzip, bsdtar and 7-Zip a file
  const what = 'is a link by its mode, and not said to be written on Unix, so programs differ in what it is';
  throw archiveError('ARCHIVE_INVALID', place, what, { reason: 'headers-differ' });
}

/**
 * A folder by its attributes alone, without a slash, is a file to programs that go by the name, unless there is something
 * in it: then they cannot unpack it.
 * @throws ARCHIVE_INVALID
 */
export function checkFolders(entries: readonly { name: string; kind: ZipKind['kind'] }[], archive: string): void {
  const unmarked = entries.filter(({ name, kind }) => kind === 'folder' && !name.endsWith('/'));
  for (const { name } of unmarked) {
    if (entries.some((other) => other.name.startsWith(`${name}/`) && other.name !== `${name}/`)) continue;
    const what = 'is a folder by its attributes, and a file by its name';
    throw archiveError('ARCHIVE_INVALID', { archive, entry: name }, what, { reason: 'headers-differ' });
  }
}
