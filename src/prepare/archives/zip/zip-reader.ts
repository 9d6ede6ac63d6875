import type { FileHandle } from 'node:fs/promises';
import { archiveError } from '../archive-error.js';
import { READ_BYTES } from '../archive-input.js';
import { BoundedWork } from '../bounded-work.js';
import { nameText } from '../names/name-text.js';
import { readAt } from '../read-at.js';
import { withSteadyFile } from '../steady-file.js';
import { SMALL_ENTRY_BYTES, type Unpacker } from '../unpacker.js';
import { checkReadable, streamedContent, wholeContent } from './zip-content.js';
import { FLAG, readDirectory, type ZipEntry } from './zip-directory.js';
import { findEndRecord } from './zip-end-record.js';
import {
  LOCAL_HEADER_BYTES,
  localHeaderLength,
  localHeaderProblem,
  MAX_BYTES_AFTER,
  problemAfter,
} from './zip-local-header.js';
import { needsOwnMemory } from './zip-methods.js';
import { checkStart } from './zip-start.js';

/** Entries at work side by side, and the memory that they may take: inflating fills the thread pool with far fewer. */
const MAX_JOBS = 32;
const MAX_BYTES = 32 * 1024 * 1024;
/** What a streamed entry takes: read ahead, inflated ahead, on its way to the disk. */
const STREAM_BYTES = 8 * 1024 * 1024;
/** The most bytes of a name in any encoding: paths are no longer than 4,096 bytes of UTF-8. */
const MAX_NAME_BYTES = 3 * 4096;
const MAX_EXTRA_BYTES = 65_535;
const MAX_LINK_BYTES = 4095;

/** An entry that is to be unpacked, or a folder that is there already, and how far its bytes may reach. */
interface PlacedEntry {
  entry: ZipEntry;
  path: string;
  /** Where the next thing in the archive starts. */
  limit: number;
  /** Another of the same path counts: of this one only the headers are checked. */
  isSuperseded: boolean;
}

/**
 * Unpacks a zip file, in the order of its bytes.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT, SOURCE_CHANGED
 */
export async function unpackZip(file: string, unpacker: Unpacker): Promise<void> {
  await withSteadyFile(file, unpacker.archive, async (handle, fileSize) => {
    const end = await findEndRecord(handle, fileSize, unpacker.archive, unpacker.acceptance);
    if (end === undefined) {
      throw archiveError(
        'ARCHIVE_INVALID',
        { archive: unpacker.archive },
        'is cut off, or followed by something else: it does not end as a zip does',
        { reason: 'cut-off' },
      );
    }
    const { archive, names, budget } = unpacker;
    const entries = await readDirectory(handle, end, { archive, names, maxCount: budget.limits.count });
    await checkStart(handle, entries, end.directoryOffset, unpacker.archive);
    const totalSize = entries.reduce((sum, { size }) => sum + size, 0);
    unpacker.budget.ratio({ archive: unpacker.archive }, totalSize, fileSize);
    await unpackEntries(handle, await place(entries, end.directoryOffset, unpacker), unpacker);
    unpacker.consumed(fileSize);
  });
}

/** Decides what goes where, makes the folders, and sorts the rest by where it lies. */
async function place(entries: ZipEntry[], directoryOffset: number, unpacker: Unpacker): Promise<PlacedEntry[]> {
  const limits = spans(entries, directoryOffset, unpacker.archive);
  const placed: PlacedEntry[] = [];
  const byPath = new Map<string, PlacedEntry>();
  for (const entry of entries) {
    const place = { archive: unpacker.archive, entry: entry.name };
    if (entry.kind === 'folder' && (entry.size > 0 || !isSmall(entry)))
      throw archiveError('ARCHIVE_INVALID', place, 'is a folder with content');
    const path = unpacker.place(entry.name, entry.kind === 'folder');
    if (path === undefined) continue;
    if (entry.kind === 'folder') await unpacker.folder(entry.name, path);
    else checkReadable(entry, place, unpacker.password);
    const item = { entry, path, limit: limits.get(entry) ?? directoryOffset, isSuperseded: false };
    placed.push(item);
    if (entry.kind === 'folder') continue;
    const earlier = byPath.get(path);
    if (earlier !== undefined && unpacker.acceptance.accepts('duplicates')) supersede(earlier, item, unpacker);
    byPath.set(path, item);
  }
  for (const { entry, path, isSuperseded } of placed) {
    if (entry.kind !== 'device' || isSuperseded) continue;
    const place = { archive: unpacker.archive, entry: entry.name };
    await unpacker.device(entry.name, path, place, 'is a device or a socket');
  }
  return placed.sort((a, b) => a.entry.offset - b.entry.offset);
}

/** The later of two with one path counts. Which that is must not depend on reading by the directory or in order. */
function supersede(earlier: PlacedEntry, later: PlacedEntry, unpacker: Unpacker): void {
  const { name } = later.entry;
  if (earlier.entry.offset > later.entry.offset)
    throw archiveError(
      'ARCHIVE_INVALID',
      { archive: unpacker.archive, entry: name },
      'is there twice, and another one is the later by the directory',
      { reason: 'headers-differ' },
    );
  unpacker.duplicate(name);
  earlier.isSuperseded = true;
}

/** How far each entry may reach. Entries that share bytes are how a small zip holds petabytes (Fifield, 2019). */
function spans(entries: ZipEntry[], directoryOffset: number, archive: string): Map<ZipEntry, number> {
  const limits = new Map<ZipEntry, number>();
  const byOffset = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [index, entry] of byOffset.entries()) {
    const limit = byOffset[index + 1]?.offset ?? directoryOffset;
    if (entry.offset + LOCAL_HEADER_BYTES + entry.compressedSize > limit) throw overlap(entry, archive);
    limits.set(entry, limit);
  }
  return limits;
}

function overlap(entry: ZipEntry, archive: string): Error {
  return archiveError('ARCHIVE_INVALID', { archive, entry: entry.name }, 'overlaps what follows it', {
    reason: 'overlap',
  });
}

async function unpackEntries(handle: FileHandle, entries: PlacedEntry[], unpacker: Unpacker): Promise<void> {
  const work = new BoundedWork(MAX_JOBS, MAX_BYTES);
  const runs = readRuns(entries);
  const read = (run: PlacedEntry[] | undefined): Promise<Buffer> => {
    const bytes =
      run === undefined ? Promise.resolve(Buffer.alloc(0)) : readAt(handle, startOf(run), endOf(run) - startOf(run));
    bytes.catch(() => undefined); // seen when it is awaited
    return bytes;
  };
  try {
    let ahead = read(runs[0]);
    for (const [index, run] of runs.entries()) {
      const bytes = await ahead;
      ahead = read(runs[index + 1]);
      unpacker.consumed(startOf(run));
      for (const item of run) {
        const { entry } = item;
        const start = entry.offset - startOf(run);
        const itsBytes = bytes.subarray(start, endOf([item]) - startOf(run));
        const unpack = () =>
          isSmall(entry) ? unpackSmall(item, itsBytes, unpacker) : unpackLarge(item, itsBytes, handle, unpacker);
        await work.start(costOf(entry), unpack);
      }
    }
  } finally {
    // Also after a failure: the file must not be closed, nor the tree removed, under those still at work.
    await work.settled();
  }
  work.throwFailure();
}

/** A decoder with a window of its own has all the memory that there is. */
function costOf(entry: ZipEntry): number {
  if (needsOwnMemory(entry)) return MAX_BYTES;
  return isSmall(entry) ? entry.size : STREAM_BYTES;
}

async function unpackSmall(item: PlacedEntry, bytes: Buffer, unpacker: Unpacker): Promise<void> {
  const { entry, path } = item;
  const place = { archive: unpacker.archive, entry: entry.name };
  const start = dataStart(item, bytes, unpacker.archive);
  const data = bytes.subarray(start, start + entry.compressedSize);
  checkAfter(item, bytes, bytes.subarray(start + entry.compressedSize), unpacker.archive);
  if (isLeftOut(item) || entry.kind === 'folder') return; // its headers are checked as those of all; a folder is made
  const content = await wholeContent(entry, data, place, unpacker.password);
  if (entry.kind === 'link') await unpacker.link(entry.name, path, linkTarget(content, entry, unpacker));
  else await unpacker.file(entry.name, path, entry.mode, content);
}

/** @param bytes the local header */
async function unpackLarge(item: PlacedEntry, bytes: Buffer, handle: FileHandle, unpacker: Unpacker): Promise<void> {
  const { entry, path } = item;
  const place = { archive: unpacker.archive, entry: entry.name };
  if (entry.kind === 'link') throw archiveError('ARCHIVE_INVALID', place, 'is a link with a target that is too long');
  const dataOffset = entry.offset + dataStart(item, bytes, unpacker.archive);
  const dataEnd = dataOffset + entry.compressedSize;
  const after = await readAt(handle, dataEnd, Math.min(MAX_BYTES_AFTER, item.limit - dataEnd));
  checkAfter(item, bytes, after, unpacker.archive);
  if (isLeftOut(item)) return;
  const content = streamedContent(entry, handle, dataOffset, place, unpacker.password);
  await unpacker.stream(entry.name, path, entry.mode, entry.size, content);
}

function isLeftOut({ entry, isSuperseded }: PlacedEntry): boolean {
  return isSuperseded || entry.kind === 'device';
}

/** Where the data starts after the local header, which is checked. */
function dataStart(item: PlacedEntry, bytes: Buffer, archive: string): number {
  const { entry, limit } = item;
  const place = { archive, entry: entry.name, offset: entry.offset };
  const length = bytes.length < LOCAL_HEADER_BYTES ? Number.POSITIVE_INFINITY : localHeaderLength(bytes);
  if (length > bytes.length) throw archiveError('ARCHIVE_INVALID', place, 'is cut off', { reason: 'cut-off' });
  const problem = localHeaderProblem(bytes.subarray(0, length), entry);
  if (problem !== undefined) throw archiveError('ARCHIVE_INVALID', place, problem, { reason: 'headers-differ' });
  if (entry.offset + length + entry.compressedSize > limit) throw overlap(entry, archive);
  return length;
}

function checkAfter({ entry }: PlacedEntry, header: Buffer, after: Buffer, archive: string): void {
  const problem = problemAfter(header, after, entry);
  if (problem !== undefined)
    throw archiveError('ARCHIVE_INVALID', { archive, entry: entry.name }, problem, { reason: 'headers-differ' });
}

function linkTarget(content: Buffer, entry: ZipEntry, { archive, names: { encoding } }: Unpacker): string {
  const isUtf8 = (entry.flags & FLAG.utf8) !== 0;
  const target = nameText(content, isUtf8 ? 'utf-8' : (encoding ?? 'utf-8'));
  if (content.length <= MAX_LINK_BYTES && target !== undefined) return target;
  throw archiveError('ARCHIVE_UNSAFE', { archive, entry: entry.name }, 'is a link with a target that is no path', {
    reason: 'link-target',
  });
}

function isSmall(entry: ZipEntry): boolean {
  return entry.size <= SMALL_ENTRY_BYTES && entry.compressedSize <= SMALL_ENTRY_BYTES;
}

/** Neighbours that one read call brings together. Of a large entry only the local header is read so. */
function readRuns(entries: PlacedEntry[]): PlacedEntry[][] {
  const runs: PlacedEntry[][] = [];
  let run: PlacedEntry[] = [];
  for (const item of entries) {
    if (run.length > 0 && endOf([item]) - startOf(run) > READ_BYTES) {
      runs.push(run);
      run = [];
    }
    run.push(item);
  }
  return run.length > 0 ? [...runs, run] : runs;
}

function startOf(run: PlacedEntry[]): number {
  return run[0]?.entry.offset ?? 0;
}

/** The end of what may belong to the last entry: with the longest name, extra field and descriptor, but not what follows. */
function endOf(run: PlacedEntry[]): number {
  const last = run.at(-1);
  if (last === undefined) return 0;
  const { entry, limit } = last;
  const header = LOCAL_HEADER_BYTES + MAX_NAME_BYTES + MAX_EXTRA_BYTES;
  return Math.min(limit, entry.offset + header + (isSmall(entry) ? entry.compressedSize + MAX_BYTES_AFTER : 0));
}
