import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { beyond } from '../limits.js';
import { readAt } from '../read-at.js';
import { withSteadyFile } from '../steady-file.js';
import { SMALL_ENTRY_BYTES, type Unpacker } from '../unpacker.js';
import { checkFolder, folderContent, type Packed, withPassword } from './seven-zip-content.js';
import {
  parseHeader,
  parseStart,
  SevenZipDamaged,
  type SevenZipFile,
  SevenZipLimit,
  SIGNATURE_BYTES,
  type Streams,
} from './seven-zip-header.js';

/** Room for half a million names of usual lengths. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
const MAX_LINK_BYTES = 4095;
/** Set where the higher half of the attributes is a mode of Unix. */
const UNIX_MODE = 0x8000;
const FILE_TYPE = 0o170000;
const LINK = 0o120000;
const WINDOWS = { folder: 0x10, link: 0x400 } as const;

/** What an archive holds, with where it is. */
interface Directory {
  streams: Streams;
  files: SevenZipFile[];
}

/** With the place behind its header, which is its end. */
type WholeDirectory = Directory & { end: number };

/**
 * Unpacks a 7z file, folder by folder, as what lies in one folder is compressed together.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT, SOURCE_CHANGED
 */
export async function unpackSevenZip(file: string, unpacker: Unpacker): Promise<void> {
  await withSteadyFile(file, unpacker.archive, async (handle, size) => {
    const { streams, files, end } = await readSevenZip(handle, size, {
      archive: unpacker.archive,
      maxFiles: unpacker.budget.limits.count,
      password: unpacker.password,
    });
    if (end < size) {
      const place = { archive: unpacker.archive, offset: end };
      const what = 'there is more after the end of its 7z header';
      const refusal = () => archiveError('ARCHIVE_INVALID', place, what, { reason: 'trailing-data' });
      unpacker.acceptance.judge('trailing-data', `at byte ${end}`, refusal);
    }
    unpacker.budget.ratio({ archive: unpacker.archive }, sumOf(streams.contents.flat()), size);
    await unpackFiles(handle, streams, files, unpacker);
    unpacker.consumed(size);
  });
}

/** Reads the header, which is compressed as a rule. @throws as `unpackSevenZip` */
export async function readSevenZip(
  handle: FileHandle,
  size: number,
  { archive, maxFiles, password }: { archive: string; maxFiles: number; password: string | undefined },
): Promise<WholeDirectory> {
  const invalid = (what: string, reason: ArchiveReason<'ARCHIVE_INVALID'> = 'malformed') =>
    archiveError('ARCHIVE_INVALID', { archive }, what, { reason });
  const start = parseStart(await readAt(handle, 0, SIGNATURE_BYTES));
  if (start === undefined) throw invalid('the start of its 7z header is damaged');
  const headerAt = SIGNATURE_BYTES + start.offset;
  if (headerAt + start.size > size) throw invalid('is cut off: its 7z header is not there', 'cut-off');
  if (start.size > MAX_HEADER_BYTES)
    throw archiveError('ARCHIVE_LIMIT', { archive }, `has a header of ${start.size} bytes`);
  const end = headerAt + start.size;
  if (start.size === 0) return { streams: { packedAt: 0, packedSizes: [], folders: [], contents: [] }, files: [], end };
  let bytes = await readAt(handle, headerAt, start.size);
  if (crc32(bytes) !== start.crc) throw invalid('its 7z header is damaged', 'checksum');
  try {
    const header = parseHeader(bytes, maxFiles);
    if ('files' in header) return { ...withinArchive(header, start.offset), end };
    bytes = await unpackHeader(handle, withinArchive({ streams: header.encoded, files: [] }, start.offset), {
      place: { archive },
      password,
    });
    const inner = parseHeader(bytes, maxFiles);
    if ('files' in inner) return { ...withinArchive(inner, start.offset), end };
  } catch (error) {
    if (error instanceof SevenZipDamaged) throw invalid(`its 7z header cannot be read: ${error.message}`);
    if (error instanceof SevenZipLimit)
      throw beyond(
        'count',
        maxFiles,
        maxFiles + 1,
        { archive },
        `has more entries than the ${maxFiles} that are allowed`,
      );
    throw error;
  }
  throw invalid('its 7z header is packed more than once');
}

/** @throws SevenZipDamaged where something lies outside, or its parts do not belong together */
function withinArchive(directory: Directory, packedEnd: number): Directory {
  const { streams, files } = directory;
  const end = streams.packedSizes.reduce((sum, bytes) => sum + bytes, streams.packedAt);
  if (end > packedEnd) throw new SevenZipDamaged('its streams are longer than the archive');
  const wanted = streams.folders.reduce((sum, { packed }) => sum + packed.length, 0);
  if (wanted !== streams.packedSizes.length || streams.contents.length !== streams.folders.length)
    throw new SevenZipDamaged('it has other streams than it describes');
  const contents = streams.contents.reduce((sum, list) => sum + list.length, 0);
  if (files.length > 0 && contents !== files.filter(({ hasContent }) => hasContent).length)
    throw new SevenZipDamaged('it has other files than it describes');
  return directory;
}

async function unpackHeader(
  handle: FileHandle,
  { streams }: Directory,
  { place, password }: { place: ArchivePlace; password: string | undefined },
): Promise<Buffer> {
  const [folder] = streams.folders;
  const size = streams.contents[0]?.[0]?.size ?? 0;
  if (folder === undefined || streams.folders.length > 1) throw new SevenZipDamaged('it does not lie in one folder');
  if (size > MAX_HEADER_BYTES) throw archiveError('ARCHIVE_LIMIT', place, `has a header of ${size} bytes`);
  checkFolder(folder, place, password);
  const at = SIGNATURE_BYTES + streams.packedAt;
  const pieces: Buffer[] = [];
  const packed = packedAt(at, streams.packedSizes);
  const content = folderContent(handle, folder, packed, { place, password, consumed: () => undefined });
  await withPassword(folder, place, async () => {
    for await (const piece of content) pieces.push(piece);
  });
  return Buffer.concat(pieces);
}

/** A file with where it goes in the tree; undefined where it is left out. */
interface Placed {
  file: SevenZipFile;
  kind: Kind;
  path: string | undefined;
}

type Kind = 'folder' | 'link' | 'file' | 'device';

async function unpackFiles(
  handle: FileHandle,
  streams: Streams,
  files: SevenZipFile[],
  unpacker: Unpacker,
): Promise<void> {
  const placed = place(files, unpacker);
  for (const item of placed) {
    if (item.kind !== 'device' || item.path === undefined) continue;
    const { name } = item.file;
    const place = { archive: unpacker.archive, entry: name };
    await unpacker.device(name, item.path, place, 'is a device, a named pipe or a socket');
    item.path = undefined;
  }
  // Those without content first: what has some is unpacked folder by folder.
  for (const { file, kind, path } of placed)
    if (!file.hasContent && path !== undefined) await unpackEmpty({ file, kind, path }, path, unpacker);
  const withContent = placed.filter(({ file }) => file.hasContent);
  let at = SIGNATURE_BYTES + streams.packedAt;
  let packed = 0;
  let unpacked = 0;
  for (const [i, folder] of streams.folders.entries()) {
    const contents = streams.contents[i] ?? [];
    const inFolder = withContent.slice(unpacked, unpacked + contents.length);
    unpacked += contents.length;
    const packedBytes = streams.packedSizes.slice(packed, packed + folder.packed.length);
    packed += folder.packed.length;
    const last = inFolder.findLastIndex(({ path }) => path !== undefined);
    if (last !== -1) {
      const place = { archive: unpacker.archive, entry: inFolder[last]?.file.name };
      checkFolder(folder, place, unpacker.password);
      const stretches = packedAt(at, packedBytes);
      const content = folderContent(handle, folder, stretches, {
        place,
        password: unpacker.password,
        consumed: (offset) => unpacker.consumed(offset),
      });
      await withPassword(folder, place, () => unpackFolder(content, contents, inFolder.slice(0, last + 1), unpacker));
    }
    at += packedBytes.reduce((sum, one) => sum + one, 0);
  }
}

/** Streams lie one behind the other. */
function packedAt(start: number, sizes: readonly number[]): Packed[] {
  let at = start;
  return sizes.map((length) => {
    at += length;
    return { at: at - length, length };
  });
}

/** Decides what goes where. Of two with one path, the later counts where that is accepted. */
function place(files: readonly SevenZipFile[], unpacker: Unpacker): Placed[] {
  const byPath = new Map<string, Placed>();
  return files.map((file) => {
    const kind = kindOf(file, unpacker.archive);
    const item = { file, kind, path: unpacker.place(file.name, kind === 'folder') };
    if (item.path === undefined || kind === 'folder') return item;
    const earlier = byPath.get(item.path);
    if (earlier !== undefined && unpacker.acceptance.accepts('duplicates')) {
      unpacker.duplicate(file.name);
      earlier.path = undefined;
    }
    byPath.set(item.path, item);
    return item;
  });
}

async function unpackFolder(
  content: AsyncIterable<Buffer>,
  contents: { size: number; crc: number | undefined }[],
  placed: Placed[],
  unpacker: Unpacker,
): Promise<void> {
  const source = new ByteSource(content);
  try {
    for (const [i, item] of placed.entries()) {
      const { size = 0, crc } = contents[i] ?? {};
      if (item.path === undefined) await source.skip(size);
      else await unpackContent(source, item, item.path, size, crc, unpacker);
    }
    if (placed.length === contents.length) await source.skip(1); // there is none, but the checks at the end
  } finally {
    await source.close();
  }
}

async function unpackContent(
  source: ByteSource,
  { file, kind }: Placed,
  path: string,
  size: number,
  crc: number | undefined,
  unpacker: Unpacker,
): Promise<void> {
  const place = { archive: unpacker.archive, entry: file.name };
  const mode = modeOf(file);
  const check = (sum: number, bytes: number) => {
    if (bytes !== size || (crc !== undefined && sum !== crc))
      throw archiveError('ARCHIVE_INVALID', place, 'is damaged: its checksum (CRC-32) is wrong', {
        reason: 'checksum',
      });
  };
  if (kind === 'link' && size > MAX_LINK_BYTES)
    throw archiveError('ARCHIVE_INVALID', place, 'is a link with a target that is too long');
  if (size > SMALL_ENTRY_BYTES) return unpacker.stream(file.name, path, mode, size, checked());
  const content = await source.copy(size);
  check(crc32(content), content.length);
  if (kind === 'file') return unpacker.file(file.name, path, mode, content);
  const target = content.toString('utf8');
  if (!Buffer.from(target).equals(content))
    throw archiveError('ARCHIVE_UNSAFE', place, 'is a link with a target that is no path', { reason: 'link-target' });
  return unpacker.link(file.name, path, target);

  async function* checked(): AsyncGenerator<Buffer> {
    let sum = 0;
    let bytes = 0;
    for await (const piece of source.stream(size)) {
      sum = crc32(piece, sum);
      bytes += piece.length;
      yield piece;
    }
    check(sum, bytes);
  }
}

function unpackEmpty({ file, kind }: Placed, path: string, unpacker: Unpacker): Promise<void> {
  if (kind === 'folder') return unpacker.folder(file.name, path);
  if (kind === 'link') return unpacker.link(file.name, path, '');
  return unpacker.file(file.name, path, modeOf(file), Buffer.alloc(0));
}

function modeOf({ attributes }: SevenZipFile): number {
  return attributes & UNIX_MODE ? attributes >>> 16 : 0o644;
}

/** What the files come to. The target of a link is content, too, and becomes none. */
export function contentBytes({ streams, files }: Directory): number {
  const withContent = files.filter(({ hasContent }) => hasContent);
  const isLink = (file: SevenZipFile | undefined) => file !== undefined && (modeOf(file) & FILE_TYPE) === LINK;
  return sumOf(streams.contents.flat().filter((_, i) => !isLink(withContent[i])));
}

function sumOf(contents: readonly { size: number }[]): number {
  return contents.reduce((sum, { size }) => sum + size, 0);
}

/** @throws ARCHIVE_UNSAFE, ARCHIVE_UNSUPPORTED, ARCHIVE_INVALID for what cannot be in a tree */
function kindOf(file: SevenZipFile, archive: string): Kind {
  const place = { archive, entry: file.name };
  if (file.isAnti) throw archiveError('ARCHIVE_UNSUPPORTED', place, 'says that a file is to be removed');
  if (/\p{Surrogate}/u.test(file.name))
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a name that is not Unicode');
  const isWindowsLink = (file.attributes & WINDOWS.link) !== 0 && (file.attributes & UNIX_MODE) === 0;
  if (isWindowsLink) throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is a link of Windows');
  const type = modeOf(file) & FILE_TYPE;
  const isFolder = type === 0o040000 || (type === 0 && (file.isFolder || (file.attributes & WINDOWS.folder) !== 0));
  if (isFolder !== file.isFolder) throw archiveError('ARCHIVE_INVALID', place, 'is a folder and is none');
  switch (type) {
    case LINK:
      return 'link';
    case 0:
    case 0o040000:
    case 0o100000:
      return isFolder ? 'folder' : 'file';
    case 0o010000:
    case 0o020000:
    case 0o060000:
    case 0o140000:
      return 'device';
    default:
      throw archiveError('ARCHIVE_UNSAFE', place, 'is of a type that nothing has', { reason: 'special-file' });
  }
}
