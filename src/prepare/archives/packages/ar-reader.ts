import { archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { compressionOf, decompress } from '../compression/compression.js';
import { unpackMember } from '../member-content.js';
import { unpackTar } from '../tar/tar-reader.js';
import type { Unpacker } from '../unpacker.js';

export const AR_MAGIC = '!<arch>\n';

const HEADER_BYTES = 60;
/** Names are short; a table of more is an attack on memory. */
const MAX_NAMES_BYTES = 16 * 1024 * 1024;
/** A file, or nothing said. */
const FILE_TYPES: readonly number[] = [0, 0o100000];
/** What linkers look up, not files: of System V, and of BSD. */
const SYMBOL_TABLE = /^(\/|\/SYM64\/|__\.SYMDEF(_64)?( SORTED)?)$/;

interface ArMember {
  name: string;
  mode: number;
  /** The length of the content, which comes next in the source; the padding after it is not counted. */
  size: number;
  padding: number;
  offset: number;
}

/**
 * Unpacks an `ar` archive, with long names as GNU or BSD write them. Symbol tables are left out.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT
 */
export async function unpackAr(source: ByteSource, unpacker: Unpacker): Promise<void> {
  for await (const member of members(source, unpacker)) {
    const path = SYMBOL_TABLE.test(member.name) ? undefined : unpacker.place(member.name, false);
    if (path === undefined) await skipMember(source, unpacker, member);
    else await unpackMember(source, unpacker, { ...member, path }, () => cutOff(unpacker, member));
  }
}

/**
 * Unpacks the files that a Debian package installs: its member `data.tar`, compressed or not, as deb(5) has it. Members after it
 * are left to programs to come.
 * @throws as `unpackAr` and `unpackTar`
 */
export async function unpackDeb(source: ByteSource, unpacker: Unpacker): Promise<void> {
  let isThere = false;
  for await (const member of members(source, unpacker)) {
    const isData = /^data\.tar(\.|$)/.test(member.name);
    if (isThere && isData) {
      const place = { archive: unpacker.archive, entry: member.name, offset: member.offset };
      throw archiveError('ARCHIVE_INVALID', place, 'comes after the files of the package, and would be them as well');
    }
    if (isData) await unpackData(source, unpacker, member);
    else await skipMember(source, unpacker, member);
    isThere ||= isData;
  }
  if (!isThere) throw archiveError('ARCHIVE_INVALID', { archive: unpacker.archive }, 'has no data.tar with its files');
}

async function unpackData(source: ByteSource, unpacker: Unpacker, member: ArMember): Promise<void> {
  const place = { archive: unpacker.archive, entry: member.name, offset: member.offset };
  const start = source.offset;
  const head = await source.copy(Math.min(16, member.size));
  const compression = member.name === 'data.tar.lzma' ? 'lzma' : compressionOf(head);
  if (compression === undefined && member.name !== 'data.tar')
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is compressed in a way that is not supported', {
      reason: 'compression',
    });
  const content = rejoined(head, source, member.size - head.length);
  const data = new ByteSource(compression === undefined ? content : decompress(compression, content, unpacker));
  try {
    await unpackTar(data, unpacker);
  } finally {
    await data.close();
  }
  const rest = start + member.size + member.padding - source.offset;
  if ((await source.skip(rest)) < rest) throw cutOff(unpacker, member);
}

async function* rejoined(head: Buffer, source: ByteSource, rest: number): AsyncGenerator<Buffer> {
  yield head;
  yield* source.stream(rest);
}

async function* members(source: ByteSource, unpacker: Unpacker): AsyncGenerator<ArMember> {
  const { archive } = unpacker;
  let names: Buffer | undefined;
  await source.skip(AR_MAGIC.length);
  for (;;) {
    const { offset } = source;
    const header = await source.copy(HEADER_BYTES);
    if (header.length === 0) return;
    const invalid = (what: string, reason?: 'cut-off' | 'headers-differ') =>
      archiveError('ARCHIVE_INVALID', { archive, offset }, what, reason && { reason });
    if (header.length < HEADER_BYTES) throw invalid('is cut off', 'cut-off');
    const field = (start: number, length: number) => header.toString('latin1', start, start + length).trimEnd();
    if (field(58, 2) !== '`' || header[59] !== 0x0a || !/^\d+$/.test(field(48, 10)) || !/^[0-7]*$/.test(field(40, 8)))
      throw invalid('a member has no header where one must be');
    const size = Number(field(48, 10));
    const mode = Number.parseInt(field(40, 8) || '0', 8);
    if (!FILE_TYPES.includes(mode & 0o170000)) throw invalid('a member is by its mode no file');
    const member = { mode, size, padding: size % 2, offset };
    const shortName = field(0, 16);
    if (shortName === '//') {
      // bsdtar ends at it, and calls that well; 7-Zip makes a file of it.
      if (names !== undefined) throw invalid('has two tables of names', 'headers-differ');
      if (size > MAX_NAMES_BYTES)
        throw archiveError('ARCHIVE_LIMIT', { archive, offset }, 'has too long a table of names');
      names = await source.copy(size);
      if (names.length < size || (await source.skip(member.padding)) < member.padding)
        throw invalid('is cut off', 'cut-off');
      continue;
    }
    // A name of System V ends in a slash, one of BSD at its last blank: without a slash, GNU ar sees the end at the first blank.
    if (/^[^/#].{15}$|^[^/#].* /.test(shortName) && !shortName.endsWith('/'))
      throw invalid('a member has a name whose end programs see in different places', 'headers-differ');
    const bsdName = /^#1\/(\d+)$/.exec(shortName)?.[1];
    if (bsdName !== undefined && Number(bsdName) > Math.min(size, MAX_NAMES_BYTES))
      throw invalid('a name is longer than its member');
    const rawName = bsdName === undefined ? header.subarray(0, 16) : await source.copy(Number(bsdName));
    const nameBytes = bsdName === undefined ? gnuName(rawName, names) : untilNul(rawName);
    const name = unpacker.names.text(nameBytes, { archive, offset });
    yield { ...member, name, size: size - Number(bsdName ?? 0) };
  }
}

/** `name/` or `name` with spaces after it; `/12` is the one at 12 in the table of long names, up to `/` and a line's end. */
function gnuName(field: Buffer, names: Buffer = Buffer.alloc(0)): Buffer {
  const text = field.toString('latin1').trimEnd();
  const place = /^\/(\d+)$/.exec(text)?.[1];
  if (place === undefined) return Buffer.from(SYMBOL_TABLE.test(text) ? text : text.replace(/\/$/, ''), 'latin1');
  const rest = names.subarray(Number(place));
  const end = rest.indexOf('\n');
  return Buffer.from((end === -1 ? rest : rest.subarray(0, end)).toString('latin1').replace(/\/$/, ''), 'latin1');
}

function untilNul(name: Buffer): Buffer {
  const nul = name.indexOf(0);
  return nul === -1 ? name : name.subarray(0, nul);
}

async function skipMember(source: ByteSource, unpacker: Unpacker, member: ArMember): Promise<void> {
  const bytes = member.size + member.padding;
  if ((await source.skip(bytes)) < bytes) throw cutOff(unpacker, member);
}

function cutOff({ archive }: Unpacker, { name, offset }: ArMember): Error {
  return archiveError('ARCHIVE_INVALID', { archive, entry: name, offset }, 'is cut off: the archive ends inside it', {
    reason: 'cut-off',
  });
}
