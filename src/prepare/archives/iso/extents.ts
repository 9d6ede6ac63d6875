import { archiveError } from '../archive-error.js';
import { BLOCK_BYTES, type Disc, type Extent } from './disc.js';
import type { IsoEntry } from './iso-tree.js';
import type { Volume } from './iso-volume.js';

/**
 * Names of one file share all of its bytes; files that share some are how a small image holds petabytes. None lies beyond the
 * end.
 * @throws ARCHIVE_INVALID
 */
export function checkExtents(disc: Disc, { root }: Volume, entries: readonly IsoEntry[]): void {
  const rootPart = { name: '/', isFolder: true, extent: { at: root.block * BLOCK_BYTES, length: root.size } };
  const parts = entries
    .flatMap(({ name, kind, extents }) => extents.map((extent) => ({ name, isFolder: kind === 'folder', extent })))
    .concat(rootPart)
    .filter(({ extent }) => extent.length > 0)
    .sort((a, b) => a.extent.at - b.extent.at);
  let before: (typeof parts)[number] | undefined;
  for (const part of parts) {
    disc.demand(part.extent, part.name);
    const isShared = before !== undefined && endOf(before.extent) > part.extent.at;
    const isSame = before !== undefined && !before.isFolder && !part.isFolder && isEqual(before.extent, part.extent);
    if (isShared && !isSame)
      throw archiveError(
        'ARCHIVE_INVALID',
        { archive: disc.archive, entry: part.name },
        `shares bytes of the image with ${JSON.stringify(before?.name)}`,
        { reason: 'overlap' },
      );
    before = part;
  }
}

function endOf({ at, length }: Extent): number {
  return at + length;
}

function isEqual(one: Extent, other: Extent): boolean {
  return one.at === other.at && one.length === other.length;
}
