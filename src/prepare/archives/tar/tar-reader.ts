import type { PrestageError } from '../../../core/errors.js';
import { archiveError } from '../archive-error.js';
import { type ByteSource, isZero } from '../byte-source.js';
import { unpackMember } from '../member-content.js';
import type { Unpacker } from '../unpacker.js';
import type { PaxSparse } from './pax.js';
import { passEnd } from './tar-end.js';
import { checkExtensions, type Extensions, readExtension } from './tar-extensions.js';
import { paddedSize, parseTarHeader, TAR_BLOCK, type TarHeader } from './tar-header.js';
import { readOldMap, type SparseMap } from './tar-sparse.js';
import { unpackSparse } from './tar-sparse-content.js';

interface TarEntry {
  type: string;
  name: string;
  /** Only asked for of links. */
  target: () => string;
  mode: number;
  /** Bytes of content in the archive. */
  size: number;
  /** Where its pax header says so. */
  paxSize: number | undefined;
  isPosix: boolean;
  /** What its pax header says of holes that are not in the archive. */
  sparse: PaxSparse | undefined;
  /** What its own header says of them. */
  map?: SparseMap;
  offset: number;
}

/**
 * Unpacks a tar archive from its bytes in order, to their end.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT
 */
export async function unpackTar(source: ByteSource, unpacker: Unpacker): Promise<void> {
  let header: Buffer | undefined;
  do {
    await unpackOne(source, unpacker, header);
    header = await passEnd(source, unpacker);
  } while (header !== undefined);
}

/** Unpacks an archive up to its end mark. @param start its first header, where that was read */
async function unpackOne(source: ByteSource, unpacker: Unpacker, start: Buffer | undefined): Promise<void> {
  let last: string | undefined;
  for (let header = start; ; header = undefined) {
    const entry = await nextEntry(source, unpacker, { last, header });
    if (entry === undefined) return;
    await unpackEntry(source, unpacker, entry);
    last = entry.name;
  }
}

/** Reads headers up to that of the next entry; undefined at the end mark, or where it may be missing. */
async function nextEntry(
  source: ByteSource,
  unpacker: Unpacker,
  { last, header: first }: { last: string | undefined; header: Buffer | undefined },
): Promise<TarEntry | undefined> {
  const { archive } = unpacker;
  const extensions: Extensions = {};
  for (let read = first; ; read = undefined) {
    const offset = source.offset - (read?.length ?? 0);
    const after = last === undefined ? '' : ` after entry ${JSON.stringify(last)}`;
    const block = read ?? (await source.take(TAR_BLOCK));
    if (block.length < TAR_BLOCK) {
      const cutOff = () =>
        archiveError('ARCHIVE_INVALID', { archive, offset }, `is cut off${after}`, { reason: 'cut-off' });
      if (block.length > 0 || Object.keys(extensions).length > 0) throw cutOff();
      unpacker.acceptance.judge('no-end-mark', `at byte ${offset}`, cutOff);
      return undefined;
    }
    if (isZero(block)) {
      if (Object.keys(extensions).length > 0)
        throw archiveError('ARCHIVE_INVALID', { archive, offset }, `ends where an entry must follow${after}`);
      return undefined;
    }
    const header = parseTarHeader(block);
    if (typeof header === 'string') {
      throw archiveError('ARCHIVE_INVALID', { archive, offset }, `the entry${after} cannot be read: ${header}`, {
        ...(header.includes('checksum') && { reason: 'checksum' as const }),
      });
    }
    if (await readExtension(source, header, extensions, { archive, offset })) continue;
    checkExtensions(extensions, { archive, offset });
    const entry = toEntry(unpacker, header, extensions, offset);
    if (entry.type === 'S') entry.map = await readOldMap(source, block, { archive, entry: entry.name, offset });
    return entry;
  }
}

function toEntry({ archive, names }: Unpacker, header: TarHeader, extensions: Extensions, offset: number): TarEntry {
  const { pax = {}, longName, longLink } = extensions;
  const decoded = (bytes: Buffer, what: string): string => names.text(bytes, { archive, offset }, what);
  const name = pax.sparse?.name ?? pax.path ?? decoded(longName ?? header.name, 'a name');
  // Version 7 has its folders by the slash at the end of their names: in Python, of that in the header itself.
  if (header.type === '\0' && name.endsWith('/') !== (header.name.at(-1) === 0x2f))
    throw archiveError('ARCHIVE_INVALID', { archive, entry: name, offset }, 'is a folder by one of its names only', {
      reason: 'headers-differ',
    });
  return {
    type: header.type,
    name,
    target: () => pax.linkpath ?? decoded(longLink ?? header.linkName, 'a link target'),
    mode: header.mode,
    size: pax.size ?? header.size,
    paxSize: pax.size,
    isPosix: header.isPosix,
    sparse: pax.sparse,
    offset,
  };
}

async function unpackEntry(source: ByteSource, unpacker: Unpacker, entry: TarEntry): Promise<void> {
  const { name } = entry;
  const place = { archive: unpacker.archive, entry: name, offset: entry.offset };
  const problem = (code: 'ARCHIVE_INVALID' | 'ARCHIVE_UNSUPPORTED', what: string): PrestageError =>
    archiveError(code, place, what);
  const kind = kindOf(entry);
  // Programs differ in whether content follows such an entry, so one with a size means different things to them. Of folders
  // they agree that none does, and backup programs give them the size that they had on the disk.
  if (kind !== 'file' && kind !== 'folder' && kind !== 'unknown' && entry.size !== 0)
    throw problem('ARCHIVE_INVALID', `is a ${kind} with a size`);
  // bsdtar and 7-Zip pass over the content that such a folder does not have.
  if (kind === 'folder' && entry.paxSize) throw problem('ARCHIVE_INVALID', 'is a folder with a size by its pax header');
  // GNU tar reads it by the map of its own format then, and so from another place.
  if (entry.sparse && !entry.isPosix)
    throw problem('ARCHIVE_INVALID', 'has a map of holes by its pax header, and a header that is not of POSIX');
  if (entry.sparse && (kind !== 'file' || entry.map))
    throw problem('ARCHIVE_INVALID', entry.map ? 'has two maps of its holes' : 'has a map of holes, and is no file');
  if (kind === 'unknown') throw problem('ARCHIVE_UNSUPPORTED', `is of ${unknownType(entry.type)}`);
  const path = unpacker.place(name, kind === 'folder');
  if (path === undefined) {
    if (kind === 'file' && (await source.skip(paddedSize(entry.size))) < paddedSize(entry.size)) throw cutOff();
    return;
  }
  switch (kind) {
    case 'folder':
      return unpacker.folder(name, path);
    case 'symbolic link':
      return unpacker.link(name, path, entry.target());
    case 'hard link':
      return unpacker.hardLink(name, path, entry.target());
    case 'device or pipe':
      return unpacker.device(name, path, place, 'is a device or a named pipe');
    case 'file': {
      const padding = paddedSize(entry.size) - entry.size;
      if (entry.sparse || entry.map) return unpackSparse(source, unpacker, { ...entry, path, padding }, cutOff);
      return unpackMember(source, unpacker, { name, path, mode: entry.mode, size: entry.size, padding }, cutOff);
    }
  }

  function cutOff(): PrestageError {
    return archiveError('ARCHIVE_INVALID', place, 'is cut off: the archive ends inside it', { reason: 'cut-off' });
  }
}

function kindOf({ type, name }: TarEntry) {
  switch (type) {
    case '0':
    case 'S': // with its holes left out
    case '7': // "contiguous", from systems that had such files
      return 'file';
    case '\0': // Version 7 had no type for folders
      return name.endsWith('/') ? 'folder' : 'file';
    case '1':
      return 'hard link';
    case '2':
      return 'symbolic link';
    case '3':
    case '4':
    case '6':
      return 'device or pipe';
    case '5':
      return 'folder';
    default:
      return 'unknown';
  }
}

/** Types that are known by name, and not read. */
function unknownType(type: string): string {
  if (type === 'D')
    return 'the type D, a folder of an incremental backup by GNU tar (`tar -g`), which is not supported';
  if (type === 'M') return 'the type M, the rest of a file of another volume, which is not supported';
  return `the unknown type ${JSON.stringify(type)}`;
}
