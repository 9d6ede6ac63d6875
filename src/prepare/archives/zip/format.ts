import type { FileFormat, Measure, MeasuredFile } from '../format.js';
import { readDirectory } from './zip-directory.js';
import { findEndRecord } from './zip-end-record.js';
import { unpackZip } from './zip-reader.js';

/** zip, jar and their like: only the end of a self-extracting one shows what it is. */
export const zip: FileFormat = {
  reads: 'file',
  starts: (head) => /^PK(\x03\x04|\x05\x06)/.test(head.toString('latin1', 0, 4)),
  ends: async (handle, size, name) => (await findEndRecord(handle, size, name)) !== undefined,
  unpack: unpackZip,
  measure,
};

/** By its directory. @throws ARCHIVE_LIMIT */
async function measure({ handle, size, name, ...rest }: MeasuredFile): Promise<Measure> {
  const end = await findEndRecord(handle, size, name);
  const entries = end === undefined ? [] : await readDirectory(handle, end, { archive: name, ...rest });
  return {
    files: entries.filter(({ kind }) => kind === 'file' || kind === 'link').length,
    bytes: entries.reduce((sum, { kind, size }) => sum + (kind === 'file' ? size : 0), 0),
    exact: end !== undefined,
  };
}
