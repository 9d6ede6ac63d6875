import type { FileFormat, Measure, MeasuredFile } from '../format.js';
import { Disc } from './disc.js';
import { unpackIso } from './iso-reader.js';
import { readIsoTree } from './iso-tree.js';
import { ISO_MAGIC, ISO_MAGIC_AT, readVolume } from './iso-volume.js';

/** An image of a CD or DVD: what comes before its descriptors may be anything. */
export const iso: FileFormat = {
  reads: 'file',
  starts: (head) => head.toString('latin1', ISO_MAGIC_AT, ISO_MAGIC_AT + ISO_MAGIC.length) === ISO_MAGIC,
  unpack: unpackIso,
  measure,
};

/** By its directories. @throws ARCHIVE_LIMIT, ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
async function measure({ handle, size, name, maxCount }: MeasuredFile): Promise<Measure> {
  const disc = new Disc(handle, size, name);
  const entries = await readIsoTree(disc, await readVolume(disc), maxCount);
  return {
    files: entries.filter(({ kind }) => kind !== 'folder').length,
    bytes: entries.reduce((sum, entry) => sum + entry.size, 0),
    exact: true,
  };
}
