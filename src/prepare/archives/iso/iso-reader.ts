import { archiveError } from '../archive-error.js';
import { isZero } from '../byte-source.js';
import { withSteadyFile } from '../steady-file.js';
import { SMALL_ENTRY_BYTES, type Unpacker } from '../unpacker.js';
import { Disc } from './disc.js';
import { checkExtents } from './extents.js';
import { type IsoEntry, readIsoTree } from './iso-tree.js';
import { readVolume, type Volume } from './iso-volume.js';
import { zisofsContent } from './zisofs.js';

/** What Windows' programs put on a disc whose files are in UDF alone. */
const PLACEHOLDER = /^readme\.txt$/i;

/**
 * Unpacks an image of ISO 9660, in the order of its bytes.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT, SOURCE_CHANGED
 */
export async function unpackIso(file: string, unpacker: Unpacker): Promise<void> {
  await withSteadyFile(file, unpacker.archive, async (handle, size) => {
    const disc = new Disc(handle, size, unpacker.archive);
    const volume = await readVolume(disc);
    await checkEnd(disc, volume);
    const entries = await readIsoTree(disc, volume, unpacker.budget.limits.count);
    checkNotUdf(disc, volume, entries);
    checkExtents(disc, volume, entries);
    const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
    unpacker.budget.ratio({ archive: unpacker.archive }, bytes, size);
    for (const { entry, path } of await placed(entries, unpacker)) await unpackFile(disc, entry, path, unpacker);
    unpacker.consumed(size);
  });
}

/** Behind the volume there may be what fills up the image. @throws ARCHIVE_INVALID */
async function checkEnd(disc: Disc, { end }: Volume): Promise<void> {
  for await (const piece of disc.stream({ at: end, length: disc.size - end })) {
    if (!isZero(piece))
      throw archiveError('ARCHIVE_INVALID', { archive: disc.archive }, 'there is more after the end of its volume', {
        reason: 'trailing-data',
      });
  }
}

function checkNotUdf(disc: Disc, { hasUdf }: Volume, entries: readonly IsoEntry[]): void {
  const [entry] = entries;
  if (!hasUdf || entries.length > 1 || (entry !== undefined && !PLACEHOLDER.test(entry.name))) return;
  throw archiveError(
    'ARCHIVE_UNSUPPORTED',
    { archive: disc.archive },
    'has its files in UDF alone, which is not supported',
    {
      reason: 'format',
      hint: 'Unpack it with `7z x` and pack the folder as tar.gz or zip, or keep it as it is with `extract: false` and mount it at boot.',
    },
  );
}

interface PlacedFile {
  entry: IsoEntry;
  path: string;
}

/** Decides what goes where, makes folders and links, and sorts the files by where they lie. */
async function placed(entries: readonly IsoEntry[], unpacker: Unpacker): Promise<PlacedFile[]> {
  const files: PlacedFile[] = [];
  const paths = new Set<string>();
  for (const entry of entries) {
    const { name, kind } = entry;
    const path = unpacker.place(name, kind === 'folder');
    if (path === undefined) continue;
    switch (kind) {
      case 'folder':
        await unpacker.folder(name, path);
        break;
      case 'link':
        await unpacker.link(name, path, entry.target ?? '');
        break;
      case 'special':
        await unpacker.device(
          name,
          path,
          { archive: unpacker.archive, entry: name },
          'is a device, a named pipe or a socket',
        );
        break;
      case 'file':
        // Which of two is the later one, nothing in an image says.
        if (unpacker.isTaken(path) || paths.has(path))
          throw archiveError('ARCHIVE_UNSAFE', { archive: unpacker.archive, entry: name }, 'is there twice', {
            reason: 'duplicate',
          });
        paths.add(path);
        files.push({ entry, path });
        break;
    }
  }
  return files.sort((a, b) => startOf(a) - startOf(b));
}

function startOf({ entry }: PlacedFile): number {
  return entry.extents[0]?.at ?? 0;
}

async function unpackFile(disc: Disc, entry: IsoEntry, path: string, unpacker: Unpacker): Promise<void> {
  const { name, mode, size, extents, zisofs } = entry;
  const [extent] = extents;
  if (zisofs !== undefined && extent !== undefined) {
    const place = { archive: disc.archive, entry: name };
    if (extents.length > 1) throw archiveError('ARCHIVE_UNSUPPORTED', place, 'is compressed, and in several parts');
    await unpacker.stream(name, path, mode, size, zisofsContent(disc, extent, zisofs, place));
  } else if (extents.length === 1 && extent !== undefined && size <= SMALL_ENTRY_BYTES) {
    const content = size === 0 ? Buffer.alloc(0) : Buffer.from(await disc.bytes(extent, name));
    await unpacker.file(name, path, mode, content);
  } else {
    await unpacker.stream(name, path, mode, size, contentOf(disc, entry));
  }
  unpacker.consumed(Math.min(disc.size, (extents.at(-1)?.at ?? 0) + (extents.at(-1)?.length ?? 0)));
}

async function* contentOf(disc: Disc, { name, extents }: IsoEntry): AsyncGenerator<Buffer> {
  for (const extent of extents) yield* disc.stream(extent, name);
}
