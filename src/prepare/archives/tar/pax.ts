import { isZero } from '../byte-source.js';
import { nameText } from '../names/name-text.js';

/** What a pax extended header says about the entry that follows (POSIX.1-2017, pax, "pax Extended Header"). */
export interface PaxRecords {
  path?: string;
  linkpath?: string;
  size?: number;
  /** The file is stored with its holes left out. */
  sparse?: PaxSparse;
}

/** What GNU tar says about a sparse file, in the keywords of its formats 0.0, 0.1 and 1.0 (its manual, "Sparse Formats"). */
export interface PaxSparse {
  major?: string;
  minor?: string;
  /** The file's name; that in the header is made up where a map must be understood. */
  name?: string;
  /** The size of the file, with its holes. */
  size?: number;
  /** Offsets and lengths by turns; in the format 1.0 they are in the content. */
  map: number[];
  /** The key of another format, which is not supported. */
  other?: string;
}

/**
 * Reads records, each `<length> <key>=<value>\n`. NULs may fill what is left.
 * @returns a reason where they are malformed
 */
export function parsePax(content: Buffer): PaxRecords | string {
  const records: PaxRecords = {};
  for (let at = 0; at < content.length; ) {
    if (content[at] === 0 && isZero(content.subarray(at))) break;
    const space = content.indexOf(0x20, at);
    const digits = space === -1 || space - at > 10 ? '' : content.toString('latin1', at, space);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = content.indexOf(0x3d, space);
    if (length === 0 || end > content.length || content[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      return 'its pax header is malformed';
    }
    const reason = apply(records, content.toString('latin1', space + 1, equals), content.subarray(equals + 1, end - 1));
    if (reason !== undefined) return reason;
    at = end;
  }
  return records;
}

function apply(records: PaxRecords, key: string, value: Buffer): string | undefined {
  if (key === 'path' || key === 'linkpath') {
    // POSIX has the name of the header then, 7-Zip none.
    if (value.length === 0) return `its pax ${key} is empty, so programs differ in its name`;
    const name = nameText(value, 'utf-8');
    if (name === undefined) return `its pax ${key} is not UTF-8`;
    records[key] = name;
  } else if (key === 'size') {
    // POSIX has the size of the header then, bsdtar and Python none.
    if (value.length === 0) return 'its pax size is empty, so programs differ in its size';
    if (!isNumber(value.toString('latin1'))) return 'its pax size is not a number';
    records.size = Number(value.toString('latin1'));
  } else if (key.startsWith(SPARSE)) {
    records.sparse ??= { map: [] };
    return applySparse(records.sparse, key.slice(SPARSE.length), value);
  } else if (OTHER_SPARSE.has(key)) {
    records.sparse = { map: [], other: key };
  }
  return undefined;
}

const SPARSE = 'GNU.sparse.';
/** By which Solaris' tar and star say that holes were left out. */
const OTHER_SPARSE: ReadonlySet<string> = new Set(['SUN.holesdata', 'SCHILY.realsize']);

function applySparse(sparse: PaxSparse, key: string, value: Buffer): string | undefined {
  const text = value.toString('latin1');
  switch (key) {
    case 'name': {
      const name = nameText(value, 'utf-8');
      if (name === undefined || name === '') return 'the name of its sparse file is not UTF-8';
      sparse.name = name;
      return undefined;
    }
    case 'major':
    case 'minor':
      sparse[key] = text;
      return undefined;
    case 'map':
      for (const number of text === '' ? [] : text.split(',')) {
        if (!isNumber(number)) return 'its map of a sparse file is not made of numbers';
        sparse.map.push(Number(number));
      }
      return undefined;
    case 'offset':
    case 'numbytes':
      if (!isNumber(text) || (key === 'offset') !== (sparse.map.length % 2 === 0))
        return `its pax GNU.sparse.${key} is not a number, or out of order`;
      sparse.map.push(Number(text));
      return undefined;
    case 'size':
    case 'realsize':
      if (!isNumber(text)) return `its pax GNU.sparse.${key} is not a number`;
      sparse.size = Number(text);
      return undefined;
    default:
      return undefined; // numblocks, which the map says as well
  }
}

function isNumber(text: string): boolean {
  return /^[0-9]{1,15}$/.test(text);
}
