import { type ArchivePlace, archiveError } from '../archive-error.js';
import type { ByteSource } from '../byte-source.js';
import { type PaxRecords, parsePax } from './pax.js';
import { paddedSize, type TarHeader } from './tar-header.js';

/** Pax headers and GNU's long names are names, with a few attributes: more than this is an attack on memory. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

/** What headers before an entry's own say about it. */
export interface Extensions {
  pax?: PaxRecords;
  /** By GNU's types L and K. */
  longName?: Buffer;
  longLink?: Buffer;
}

/**
 * Reads the content of a header that is about other entries, and adds it to what is known of the next one.
 * @returns whether it is such a header
 * @throws ARCHIVE_INVALID, ARCHIVE_LIMIT
 */
export async function readExtension(
  source: ByteSource,
  header: TarHeader,
  extensions: Extensions,
  place: ArchivePlace,
): Promise<boolean> {
  if (!'xXgLKV'.includes(header.type)) return false;
  const content = await contentOf(source, header, place);
  switch (header.type) {
    case 'x':
    case 'X': {
      // GNU tar, 7-Zip and Go forget the first, Python adds the second to it, and bsdtar refuses both.
      if (extensions.pax) throw archiveError('ARCHIVE_INVALID', place, 'has two pax headers for one entry', DIFFER);
      extensions.pax = parsed(content, 'an entry', place);
      break;
    }
    case 'g':
      // git's holds a comment. One name or size for all entries can only be a mistake, or meant to confuse.
      if (Object.keys(parsed(content, 'its global header', place)).length > 0)
        throw archiveError('ARCHIVE_INVALID', place, 'its global header sets names, sizes or holes of all entries');
      // Go forgets then what it knew of the entry.
      if (Object.keys(extensions).length > 0)
        throw archiveError('ARCHIVE_INVALID', place, 'has a global header between an entry and its headers', DIFFER);
      break;
    case 'L':
      if (extensions.longName) throw archiveError('ARCHIVE_INVALID', place, 'has two long names for one entry', DIFFER);
      extensions.longName = untilNul(content);
      // Go and 7-Zip have the name of the header then, GNU tar and Python none.
      if (extensions.longName.length === 0)
        throw archiveError('ARCHIVE_INVALID', place, 'has an empty long name', DIFFER);
      break;
    case 'K':
      if (extensions.longLink)
        throw archiveError('ARCHIVE_INVALID', place, 'has two long link targets for one entry', DIFFER);
      extensions.longLink = untilNul(content);
      break;
    default: // V: a volume's label, which GNU tar takes for the entry that headers before it are about
      if (Object.keys(extensions).length > 0)
        throw archiveError('ARCHIVE_INVALID', place, "has a volume's label between an entry and its headers", DIFFER);
  }
  return true;
}

/**
 * A name may be there as pax and as GNU have it, if it is the same: which of two counts depends on the program, and in some
 * on their order.
 * @throws ARCHIVE_INVALID
 */
export function checkExtensions({ pax, longName, longLink }: Extensions, place: ArchivePlace): void {
  if (differ(pax?.path, longName))
    throw archiveError('ARCHIVE_INVALID', place, 'has two names for one entry, by pax and by GNU', DIFFER);
  if (differ(pax?.linkpath, longLink))
    throw archiveError('ARCHIVE_INVALID', place, 'has two link targets for one entry, by pax and by GNU', DIFFER);
}

const DIFFER = {
  reason: 'headers-differ',
  hint: 'Programs differ in what such an archive holds. Pack its files again with one program.',
} as const;

function differ(pax: string | undefined, gnu: Buffer | undefined): boolean {
  return pax !== undefined && gnu !== undefined && !Buffer.from(pax).equals(gnu);
}

async function contentOf(source: ByteSource, { size }: TarHeader, place: ArchivePlace): Promise<Buffer> {
  if (size > MAX_EXTENSION_BYTES) throw archiveError('ARCHIVE_LIMIT', place, `has a header of ${size} bytes`);
  const content = await source.copy(size);
  const padding = paddedSize(size) - size;
  if (content.length < size || (await source.skip(padding)) < padding)
    throw archiveError('ARCHIVE_INVALID', place, 'is cut off inside a header', { reason: 'cut-off' });
  return content;
}

function parsed(content: Buffer, what: string, place: ArchivePlace): PaxRecords {
  const pax = parsePax(content);
  if (typeof pax === 'string') throw archiveError('ARCHIVE_INVALID', place, `${what} cannot be read: ${pax}`);
  return pax;
}

function untilNul(content: Buffer): Buffer {
  const nul = content.indexOf(0);
  return nul === -1 ? content : content.subarray(0, nul);
}
