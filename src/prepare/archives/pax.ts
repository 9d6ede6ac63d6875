import { decodeName } from './tar-header.js';

/** What a pax extended header says about the entry that follows (POSIX.1-2017, pax, "pax Extended Header"). */
export interface PaxRecords {
  path?: string;
  linkpath?: string;
  size?: number;
  /** The file is stored with its holes left out. */
  sparse?: boolean;
}

/**
 * Reads records, each `<length> <key>=<value>\n`, over earlier ones: an empty value takes an earlier one away.
 * @returns a reason where they are malformed
 */
export function parsePax(content: Buffer, earlier: PaxRecords): PaxRecords | string {
  const records = { ...earlier };
  for (let at = 0; at < content.length; ) {
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
    if (value.length === 0) delete records[key];
    const name = decodeName(value);
    if (name === undefined) return `its pax ${key} is not UTF-8`;
    if (name !== '') records[key] = name;
  } else if (key === 'size') {
    if (value.length === 0) delete records.size;
    else if (!/^[0-9]{1,15}$/.test(value.toString('latin1'))) return 'its pax size is not a number';
    else records.size = Number(value.toString('latin1'));
  } else if (key.startsWith('GNU.sparse.')) {
    records.sparse = true;
  }
  return undefined;
}
