import type { PrestageError } from '../../../core/errors.js';
import { archiveError } from '../archive-error.js';
import { type ByteSource, isZero } from '../byte-source.js';
import { unpackMember } from '../member-content.js';
import type { Unpacker } from '../unpacker.js';
import { type PaxRecords, type PaxSparse, parsePax } from './pax.js';
import { decodeName, paddedSize, parseTarHeader, TAR_BLOCK, type TarHeader } from './tar-header.js';
import { readOldMap, type SparseMap } from './tar-sparse.js';
import { unpackSparse } from './tar-sparse-content.js';

/** Pax headers and GNU's long names are names, with a few attributes: more than this is an attack on memory. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

/** What headers before an entry's own say about it. */
interface Extensions {
  pax: PaxRecords;
  longName?: Buffer;
  longLink?: Buffer;
}

interface TarEntry {
  type: string;
  name: string;
  /** Only asked for of links. */
  target: () => string;
  mode: number;
  /** Bytes of content in the archive. */
  size: number;
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
  let last: string | undefined;
  for (;;) {
    const entry = await nextEntry(source, unpacker, last);
    if (entry === undefined) break;
    await unpackEntry(source, unpacker, entry);
    last = entry.name;
  }
  if (await source.restIsZero()) return;
  throw archiveError('ARCHIVE_INVALID', { archive: unpacker.archive }, 'there is more after its end mark', {
    reason: 'trailing-data',
    hint: 'Archives that were joined end to end read differently in different programs. Pack their files as one archive.',
  });
}

/** Reads headers up to that of the next entry; undefined at the end mark. */
async function nextEntry(
  source: ByteSource,
  unpacker: Unpacker,
  last: string | undefined,
): Promise<TarEntry | undefined> {
  const { archive } = unpacker;
  const extensions: Extensions = { pax: {} };
  let extended = false;
  for (;;) {
    const { offset } = source;
    const after = last === undefined ? '' : ` after entry ${JSON.stringify(last)}`;
    const block = await source.take(TAR_BLOCK);
    if (block.length < TAR_BLOCK)
      throw archiveError('ARCHIVE_INVALID', { archive, offset }, `is cut off${after}`, { reason: 'cut-off' });
    if (isZero(block)) {
      if (extended)
        throw archiveError('ARCHIVE_INVALID', { archive, offset }, `ends where an entry must follow${after}`);
      return undefined;
    }
    const header = parseTarHeader(block);
    if (typeof header === 'string') {
      throw archiveError('ARCHIVE_INVALID', { archive, offset }, `the entry${after} cannot be read: ${header}`, {
        ...(header.includes('checksum') && { reason: 'checksum' as const }),
      });
    }
    const isExtension = await readExtension(source, unpacker, header, extensions, offset);
    if (!isExtension) {
      const entry = toEntry(archive, header, extensions, offset);
      if (entry.type === 'S') entry.map = await readOldMap(source, block, { archive, entry: entry.name, offset });
      return entry;
    }
    extended ||= isExtension === 'next';
  }
}

/** Reads a header that is about others; says whether it is one about the next entry or about none. */
async function readExtension(
  source: ByteSource,
  unpacker: Unpacker,
  header: TarHeader,
  extensions: Extensions,
  offset: number,
): Promise<'next' | 'none' | undefined> {
  if (!'xXgLKV'.includes(header.type)) return undefined;
  const { archive } = unpacker;
  const invalid = (what: string) => archiveError('ARCHIVE_INVALID', { archive, offset }, what);
  if (header.size > MAX_EXTENSION_BYTES) {
    throw archiveError('ARCHIVE_LIMIT', { archive, offset }, `has a header of ${header.size} bytes`);
  }
  const content = await source.copy(header.size);
  const padding = paddedSize(header.size) - header.size;
  if (content.length < header.size || (await source.skip(padding)) < padding)
    throw archiveError('ARCHIVE_INVALID', { archive, offset }, 'is cut off inside a header', { reason: 'cut-off' });
  switch (header.type) {
    case 'x':
    case 'X': {
      const pax = parsePax(content, extensions.pax);
      if (typeof pax === 'string') throw invalid(`an entry cannot be read: ${pax}`);
      extensions.pax = pax;
      return 'next';
    }
    case 'g': {
      const pax = parsePax(content, {});
      if (typeof pax === 'string') throw invalid(`its global header cannot be read: ${pax}`);
      // git's holds a comment. One name or size for all entries can only be a mistake, or meant to confuse.
      if (Object.keys(pax).length > 0) throw invalid('its global header sets names, sizes or holes of all entries');
      return 'none';
    }
    case 'L':
      extensions.longName = untilNul(content);
      return 'next';
    case 'K':
      extensions.longLink = untilNul(content);
      return 'next';
    default:
      return 'none'; // V: a volume's label
  }
}

function toEntry(archive: string, header: TarHeader, extensions: Extensions, offset: number): TarEntry {
  const { pax, longName, longLink } = extensions;
  const decoded = (bytes: Buffer, what: string): string => {
    const text = decodeName(bytes);
    if (text !== undefined) return text;
    throw archiveError(
      'ARCHIVE_UNSUPPORTED',
      { archive, entry: bytes.toString('latin1'), offset },
      `has a ${what} that is not UTF-8`,
      {
        reason: 'encoding',
        hint: 'Pack it again with `tar --format=pax` in a UTF-8 locale.',
      },
    );
  };
  const name = pax.sparse?.name ?? pax.path ?? decoded(longName ?? header.name, 'name');
  return {
    type: header.type,
    name,
    target: () => pax.linkpath ?? decoded(longLink ?? header.linkName, 'link target'),
    mode: header.mode,
    size: pax.size ?? header.size,
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
  // Programs differ in whether content follows such an entry, so one with a size means different things to them.
  if (kind !== 'file' && kind !== 'unknown' && entry.size !== 0)
    throw problem('ARCHIVE_INVALID', `is a ${kind} with a size`);
  if (entry.sparse && (kind !== 'file' || entry.map))
    throw problem('ARCHIVE_INVALID', entry.map ? 'has two maps of its holes' : 'has a map of holes, and is no file');
  const path = unpacker.place(name, kind === 'folder');
  if (kind === 'unknown') throw problem('ARCHIVE_UNSUPPORTED', `is of the unknown type ${JSON.stringify(entry.type)}`);
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
      throw archiveError('ARCHIVE_UNSAFE', place, 'is a device or a named pipe', { reason: 'special-file' });
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

function kindOf(entry: TarEntry) {
  switch (entry.type) {
    case '0':
    case 'S': // with its holes left out
    case '7': // "contiguous", from systems that had such files
    case '\0':
      // Version 7 had no type for folders.
      return entry.name.endsWith('/') ? 'folder' : 'file';
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

function untilNul(content: Buffer): Buffer {
  const nul = content.indexOf(0);
  return nul === -1 ? content : content.subarray(0, nul);
}
