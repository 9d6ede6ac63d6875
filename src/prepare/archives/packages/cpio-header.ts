import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import { type ByteSource, isZero } from '../byte-source.js';
import type { Names } from '../names/names.js';

/** One entry of a cpio archive, as cpio(5) has it. */
export interface CpioHeader {
  name: string;
  /** With the type. */
  mode: number;
  size: number;
  /** Bytes after the content. */
  padding: number;
  /** Sum of the content's bytes, in the format that has it. */
  checksum: number | undefined;
  /** Which file it is, where others of its names may be in the archive. */
  link: string | undefined;
  /** How many names it has. */
  links: number;
  /** Whether each of the names comes with the content, or only one. */
  linksHaveContent: boolean;
  offset: number;
}

const NEWC = '070701';
const CRC = '070702';
const ODC = '070707';
const NEWC_FIELDS = 13;
const ODC_FIELDS = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11] as const;
const MAX_NAME_BYTES = 8192;
const END_NAME = 'TRAILER!!!';

export function looksLikeCpio(start: Buffer): boolean {
  const text = start.toString('latin1', 0, 110);
  if (looksBinary(start)) return true;
  return /^07070[12][0-9A-Fa-f]{104}/.test(text) || /^070707[0-7]{70}/.test(text);
}

/** What begins a header. */
export const CPIO_MAGIC_BYTES = 6;

export function isCpioMagic(start: Buffer): boolean {
  return [NEWC, CRC, ODC].includes(start.toString('latin1')) || byteOrder(start) !== undefined;
}

/**
 * The next entry's header, up to its content; undefined at the end mark.
 * @param start its magic, which was read
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED
 */
export async function readCpioHeader(
  start: Buffer,
  source: ByteSource,
  { archive, names }: { archive: string; names: Names },
): Promise<CpioHeader | undefined> {
  const offset = source.offset - start.length;
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset }, what, reason && { reason });
  const magic = start.toString('latin1');
  if (magic.length < CPIO_MAGIC_BYTES) throw invalid('is cut off', 'cut-off');
  const order = byteOrder(start);
  if (order !== undefined) return readBinaryHeader(source, { start, order, offset, archive, names });
  if (magic === '07070X') {
    throw archiveError('ARCHIVE_UNSUPPORTED', { archive, offset }, 'has a file of 4 GiB or more, as rpm stores it');
  }
  if (!isCpioMagic(start)) throw invalid('an entry has no header where one must be');
  const lengths = magic === ODC ? ODC_FIELDS : Array.from({ length: NEWC_FIELDS }, () => 8);
  const numbers: number[] = [];
  const bytes = await source.copy(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const length of lengths) {
    const digits = bytes.toString('latin1', at, at + length);
    const isNumber = digits.length === length && (magic === ODC ? /^[0-7]+$/ : /^[0-9A-Fa-f]+$/).test(digits);
    if (!isNumber) throw invalid('an entry has a header that is no number, or cut off');
    numbers.push(Number.parseInt(digits, magic === ODC ? 8 : 16));
    at += length;
  }
  const fields = magic === ODC ? odcFields(numbers) : newcFields(numbers, magic === CRC);
  if (fields.nameBytes < 1 || fields.nameBytes > MAX_NAME_BYTES) throw invalid('an entry has an impossible name');
  const rawName = await source.copy(fields.nameBytes);
  const nameEnd = rawName.length - 1;
  if (rawName.length < fields.nameBytes || rawName[nameEnd] !== 0) throw invalid('an entry has a name without an end');
  const name = names.text(rawName.subarray(0, nameEnd), { archive, offset });
  const namePadding = magic === ODC ? 0 : padding(110 + fields.nameBytes);
  const filling = await source.copy(namePadding);
  if (filling.length < namePadding) throw invalid('is cut off', 'cut-off');
  if (!isZero(filling)) throw invalid('an entry has something between its name and its content');
  if (name === END_NAME) return undefined;
  const { mode, size, checksum, link, links } = fields;
  // It is zero in this format: 7-Zip ends the archive here, and calls it well; others read on.
  if (magic === NEWC && fields.sum !== 0)
    throw invalid('an entry has a checksum, in the format that has none', 'headers-differ');
  const isOdc = magic === ODC;
  return {
    name,
    mode,
    size,
    padding: isOdc ? 0 : padding(size),
    checksum,
    link,
    links,
    linksHaveContent: isOdc,
    offset,
  };
}

/** The old form: numbers of 16 bits in the order of the machine that wrote it. */
const BINARY_BYTES = 26;
const BINARY_MAGIC = 0o070707;
type ByteOrder = 'LE' | 'BE';

function byteOrder(start: Buffer): ByteOrder | undefined {
  if (start.length < 2) return undefined;
  if (start.readUInt16LE(0) === BINARY_MAGIC) return 'LE';
  return start.readUInt16BE(0) === BINARY_MAGIC ? 'BE' : undefined;
}

function binaryNumbers(bytes: Buffer, order: ByteOrder): number[] {
  const read = (i: number) => (order === 'LE' ? bytes.readUInt16LE(2 * i) : bytes.readUInt16BE(2 * i));
  return Array.from({ length: BINARY_BYTES / 2 }, (_, i) => read(i));
}

/** The magic is only two bytes: the rest must be possible as well. */
function looksBinary(start: Buffer): boolean {
  const order = byteOrder(start);
  if (order === undefined || start.length < BINARY_BYTES) return false;
  const [, , , mode = 0, , , links = 0, , , , nameBytes = 0] = binaryNumbers(start, order);
  const isType = [1, 2, 4, 6, 8, 10, 12].includes(mode >>> 12);
  const nameEnd = BINARY_BYTES + nameBytes - 1;
  if (!isType || links === 0 || nameBytes < 2 || nameBytes > MAX_NAME_BYTES || nameEnd >= start.length) return false;
  return start.indexOf(0, BINARY_BYTES) === nameEnd;
}

async function readBinaryHeader(
  source: ByteSource,
  {
    start,
    order,
    offset,
    archive,
    names,
  }: { start: Buffer; order: ByteOrder; offset: number; archive: string; names: Names },
): Promise<CpioHeader | undefined> {
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive, offset }, what, reason && { reason });
  const rest = await source.copy(BINARY_BYTES - start.length);
  if (rest.length < BINARY_BYTES - start.length) throw invalid('is cut off', 'cut-off');
  const numbers = binaryNumbers(Buffer.concat([start, rest]), order);
  const [, device, inode, mode = 0, , , links = 0, , , , nameBytes = 0, high = 0, low = 0] = numbers;
  if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES) throw invalid('an entry has an impossible name');
  const padded = await source.copy(nameBytes + (nameBytes % 2));
  if (padded.length < nameBytes + (nameBytes % 2)) throw invalid('is cut off', 'cut-off');
  if (padded[nameBytes - 1] !== 0) throw invalid('an entry has a name without an end');
  if (padded[nameBytes] !== undefined && padded[nameBytes] !== 0)
    throw invalid('an entry has something between its name and its content');
  const name = names.text(padded.subarray(0, nameBytes - 1), { archive, offset });
  if (name === END_NAME) return undefined;
  // The higher half comes first, whatever the order within each.
  const size = high * 65536 + low;
  const link = links > 1 ? `${device}:${inode}` : undefined;
  const linksHaveContent = true;
  return { name, mode, size, padding: size % 2, checksum: undefined, link, links, linksHaveContent, offset };
}

function newcFields(numbers: number[], isSummed: boolean) {
  const [inode, mode = 0, , , links = 0, , size = 0, major, minor, , , nameBytes = 0, sum] = numbers;
  const link = links > 1 ? `${major}:${minor}:${inode}` : undefined;
  return { mode, size, nameBytes, link, links, sum, checksum: isSummed ? sum : undefined };
}

function odcFields(numbers: number[]) {
  const [device, inode, mode = 0, , , links = 0, , , nameBytes = 0, size = 0] = numbers;
  const link = links > 1 ? `${device}:${inode}` : undefined;
  return { mode, size, nameBytes, link, links, sum: 0, checksum: undefined };
}

function padding(bytes: number): number {
  return (4 - (bytes % 4)) % 4;
}
