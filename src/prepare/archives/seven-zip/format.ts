import type { FileFormat, Measure, MeasuredFile } from '../format.js';
import { SEVEN_ZIP_MAGIC } from './seven-zip-header.js';
import { contentBytes, readSevenZip, unpackSevenZip } from './seven-zip-reader.js';

export const sevenZip: FileFormat = {
  reads: 'file',
  starts: (head) => head.toString('latin1', 0, SEVEN_ZIP_MAGIC.length) === SEVEN_ZIP_MAGIC,
  unpack: unpackSevenZip,
  measure,
};

/** By its directory. @throws ARCHIVE_LIMIT */
async function measure({ handle, size, name: archive, maxCount: maxFiles, password }: MeasuredFile): Promise<Measure> {
  const directory = await readSevenZip(handle, size, { archive, maxFiles, password });
  const files = directory.files.filter(({ isFolder }) => !isFolder).length;
  return { files, bytes: contentBytes(directory), exact: true };
}
