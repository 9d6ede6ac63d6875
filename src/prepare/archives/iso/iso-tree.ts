import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { beyond } from '../limits.js';
import { nameText } from '../names/name-text.js';
import { BLOCK_BYTES, type Disc, type Extent } from './disc.js';
import { isoName, jolietName } from './iso-name.js';
import { type IsoRecord, parseRecord } from './iso-record.js';
import { unsupported, type Volume } from './iso-volume.js';
import { type RockRidge, readRockRidge, type Zisofs } from './rock-ridge.js';

/** A file, a folder or a link of an image, with where it lies. */
export interface IsoEntry {
  /** From the root, with slashes. */
  name: string;
  kind: 'folder' | 'file' | 'link' | 'special';
  mode: number;
  /** What a file has in the end. */
  size: number;
  /** A file of 4 GiB or more has several; a folder one. */
  extents: Extent[];
  target: string | undefined;
  zisofs: Zisofs | undefined;
}

interface OpenFolder {
  name: string;
  mode: number;
  extent: Extent;
}

/** More than what a tree takes. */
const MAX_PATH_LENGTH = 8192;
const FILE_TYPE = 0o170000;
const FOLDER = 0o040000;
const LINK = 0o120000;
const FILE = 0o100000;

/**
 * All that is in an image, folder by folder. Each folder is read once, whatever its parents say, so nothing goes round.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_LIMIT
 */
export async function readIsoTree(disc: Disc, volume: Volume, maxCount: number): Promise<IsoEntry[]> {
  const entries: IsoEntry[] = [];
  const { block, size } = volume.root;
  const folders: OpenFolder[] = [{ name: '', mode: 0o755, extent: { at: block * BLOCK_BYTES, length: size } }];
  const seen = new Set<number>();
  // Folders that are found are put at the end of this list while it is gone through.
  for (const folder of folders) {
    const { name, mode, extent } = folder;
    if (seen.has(extent.at))
      throw archiveError(
        'ARCHIVE_INVALID',
        placeOf(disc, name),
        'is a folder that is there already, under another name',
        {
          reason: 'overlap',
        },
      );
    seen.add(extent.at);
    let others = 0;
    let relocated = 0;
    for await (const entry of entriesOf(disc, volume, folder)) {
      if (entry === 'relocated') {
        relocated += 1;
        continue;
      }
      others += 1;
      if (entry.kind === 'folder')
        folders.push({ name: entry.name, mode: entry.mode, extent: entry.extents[0] ?? extent });
      else entries.push(entry);
      if (entries.length + folders.length - 1 > maxCount)
        throw beyond(
          'count',
          maxCount,
          entries.length + folders.length - 1,
          { archive: disc.archive },
          `has more entries than the ${maxCount} that are allowed`,
        );
    }
    // Programs make this folder for those that lie too deep, and show it to nobody.
    const isShelf = relocated > 0 && others === 0;
    if (name !== '' && !isShelf)
      entries.push({ name, kind: 'folder', mode, size: 0, extents: [extent], target: undefined, zisofs: undefined });
  }
  return entries;
}

/** What a folder holds; files in several parts joined. */
async function* entriesOf(disc: Disc, volume: Volume, folder: OpenFolder): AsyncGenerator<IsoEntry | 'relocated'> {
  let file: { entry: IsoEntry; rawName: Buffer } | undefined;
  for await (const record of recordsOf(disc, folder)) {
    const place = placeOf(disc, inFolder(folder, record.name.toString('latin1')));
    checkRecord(disc, record, place);
    if (record.isAssociated) continue;
    if (file !== undefined) {
      if (!file.rawName.equals(record.name) || record.isFolder) throw goesOn(place);
      addPart(file.entry, record);
    } else {
      const entry = await entryOf(disc, volume, folder, record);
      if (entry === 'relocated' || entry.kind !== 'file') {
        if (record.goesOn) throw goesOn(place);
        yield entry;
        continue;
      }
      file = { entry, rawName: record.name };
    }
    if (record.goesOn) continue;
    yield file.entry;
    file = undefined;
  }
  if (file !== undefined) throw goesOn(placeOf(disc, file.entry.name));
}

function goesOn(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'is one part of a file, and the next one is not behind it');
}

function addPart(entry: IsoEntry, { block, size }: IsoRecord): void {
  entry.extents.push({ at: block * BLOCK_BYTES, length: size });
  entry.size += size;
}

function checkRecord(disc: Disc, { isInterleaved, volume }: IsoRecord, { entry }: ArchivePlace): void {
  if (isInterleaved) throw unsupported(disc, 'lies between the blocks of another file (interleaved)', entry);
  if (volume !== 1)
    throw archiveError('ARCHIVE_UNSUPPORTED', { archive: disc.archive, entry }, `is on disc ${volume} of several`, {
      reason: 'multi-part',
    });
}

/** The records of a folder, but for the first two, which are the folder and its parent. */
async function* recordsOf(disc: Disc, { name, extent }: OpenFolder): AsyncGenerator<IsoRecord> {
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', placeOf(disc, name), what, reason && { reason });
  if (extent.length === 0 || extent.length % BLOCK_BYTES !== 0) throw invalid('is a folder that is no whole blocks');
  for (let start = 0; start < extent.length; start += BLOCK_BYTES) {
    const block = await disc.bytes({ at: extent.at + start, length: BLOCK_BYTES }, name);
    // A record does not go on in the next block; what is left of this one is zeros.
    for (let at = 0; at < BLOCK_BYTES && block[at] !== 0; at += block[at] ?? 0) {
      const record = parseRecord(block.subarray(at, at + (block[at] ?? 0)));
      if (record === undefined) throw invalid('has a directory that is damaged');
      const isSelf = record.name.length === 1 && (record.name[0] ?? 0) <= 1;
      if (start === 0 && at === 0 && !(isSelf && record.name[0] === 0))
        throw invalid('has a directory without a start');
      if (!isSelf) yield record;
    }
  }
}

async function entryOf(
  disc: Disc,
  volume: Volume,
  folder: OpenFolder,
  record: IsoRecord,
): Promise<IsoEntry | 'relocated'> {
  const isRock = volume.names === 'rock-ridge';
  const rawPlace = placeOf(disc, inFolder(folder, record.name.toString('latin1')));
  const rock = isRock
    ? await readRockRidge(disc, record.systemUse.subarray(volume.suspSkip), rawPlace.entry ?? '')
    : undefined;
  if (rock?.isRelocated) return 'relocated';
  const name = inFolder(folder, nameOf(record, volume, rock, rawPlace));
  const place = placeOf(disc, name);
  checkLength(name, place);
  const extents = [{ at: record.block * BLOCK_BYTES, length: record.size }];
  const base = {
    name,
    mode: rock?.mode ?? (record.isFolder ? 0o755 : 0o644),
    size: 0,
    target: undefined,
    zisofs: undefined,
  };
  if (rock?.child !== undefined) return { ...base, kind: 'folder', extents: [await folderAt(disc, rock.child, place)] };
  if (record.isFolder || rock?.mode === undefined) {
    if (rock?.mode !== undefined && (rock.mode & FILE_TYPE) !== FOLDER) throw headersDiffer(place);
    if (record.isFolder) return { ...base, kind: 'folder', extents };
  }
  const type = rock?.mode === undefined ? FILE : rock.mode & FILE_TYPE;
  if (type === FOLDER || (rock?.target !== undefined) !== (type === LINK)) throw headersDiffer(place);
  if (type === LINK)
    return { ...base, kind: 'link', extents: [], target: textOf(rock?.target, place, 'a target that is') };
  if (type !== FILE) return { ...base, kind: 'special', extents: [] };
  if (rock?.isSparse) throw unsupported(disc, 'is stored without its holes', name);
  return { ...base, kind: 'file', size: rock?.zisofs?.size ?? record.size, extents, zisofs: rock?.zisofs };
}

function headersDiffer(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'is of one kind by ISO 9660, and of another by Rock Ridge', {
    reason: 'headers-differ',
  });
}

/** A folder that is kept elsewhere: its own first record says how long it is. */
async function folderAt(disc: Disc, block: number, place: ArchivePlace): Promise<Extent> {
  const at = block * BLOCK_BYTES;
  const start = await disc.bytes({ at, length: BLOCK_BYTES }, place.entry);
  const self = parseRecord(start.subarray(0, start[0] ?? 0));
  if (self === undefined || !self.isFolder || self.block !== block)
    throw archiveError('ARCHIVE_INVALID', place, 'is kept elsewhere, where there is no folder');
  return { at, length: self.size };
}

function nameOf(record: IsoRecord, volume: Volume, rock: RockRidge | undefined, place: ArchivePlace): string {
  const name =
    volume.names === 'joliet'
      ? jolietName(record.name)
      : textOf(rock?.name ?? isoName(record.name, record.isFolder), place, 'a name that is');
  if (name === undefined)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a name that is not Unicode', { reason: 'encoding' });
  if (name === '' || name === '.' || name.includes('/'))
    throw archiveError('ARCHIVE_INVALID', place, `has the name ${JSON.stringify(name)}, which no file has`);
  return name;
}

function textOf(bytes: Buffer | undefined, place: ArchivePlace, what: string): string {
  const text = bytes && nameText(bytes, 'utf-8');
  if (text !== undefined) return text;
  throw archiveError('ARCHIVE_UNSUPPORTED', place, `has ${what} not UTF-8`, { reason: 'encoding' });
}

function inFolder({ name }: OpenFolder, child: string): string {
  return name === '' ? child : `${name}/${child}`;
}

/** A path grows with each folder, so that of folders without end would fill the memory. */
function checkLength(name: string, place: ArchivePlace): void {
  if (name.length <= MAX_PATH_LENGTH) return;
  const reason = 'path-length';
  throw archiveError('ARCHIVE_UNSAFE', place, `has a path of more than ${MAX_PATH_LENGTH} characters`, { reason });
}

function placeOf(disc: Disc, entry: string): ArchivePlace {
  return { archive: disc.archive, entry: entry === '' ? undefined : entry };
}
