import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { PrestageError } from '../../../core/errors.js';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { READ_BYTES } from '../archive-input.js';
import { PIECES_AT_A_TIME } from '../compression/compression.js';
import { MAX_DICTIONARY_BYTES } from '../compression/lzma2.js';
import { wrongPassword } from '../encrypted.js';
import { readAt } from '../read-at.js';
import { AES } from './seven-zip-aes.js';
import { type Coder, type Folder, sizeOf } from './seven-zip-header.js';
import { damaged, isDamage, methodOf } from './seven-zip-methods.js';

/** A stretch of the archive. */
export interface Packed {
  at: number;
  length: number;
}

/** `7z -mx=9` takes three quarters of this for PPMd; several coders together take no more. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * What the coders of a folder are to each other is a tree: the bytes of the archive are its leaves, the content is its root.
 * @throws ARCHIVE_UNSUPPORTED, ARCHIVE_INVALID for a folder that cannot be unpacked whatever is in it
 */
export function checkFolder(folder: Folder, place: ArchivePlace, password: string | undefined): void {
  const { coders } = folder;
  const size = sizeOf(folder);
  let memory = 0;
  for (const coder of coders) {
    const method = methodOf(coder, place, password);
    // A stage on the way is hardly longer than what comes of it in the end, or it is made to keep us busy.
    if (coder.size > size + size / 8 + READ_BYTES)
      throw archiveError('ARCHIVE_INVALID', place, 'has a stage that is longer than what comes of it', {
        reason: 'size',
      });
    const taken = method.memory === undefined ? 0 : method.memory(coder);
    if (taken === undefined) throw archiveError('ARCHIVE_INVALID', place, 'has an impossible dictionary');
    if (taken > MAX_DICTIONARY_BYTES && coder.method !== PPMD)
      throw archiveError('ARCHIVE_UNSUPPORTED', place, 'has a dictionary of more than 64 MiB');
    memory += taken;
  }
  if (memory > MAX_MEMORY_BYTES)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, 'needs more than 256 MiB of memory to be unpacked');
  if (!isTree(folder))
    throw archiveError('ARCHIVE_INVALID', place, 'has methods that do not lead from one to the next');
}

const PPMD = '030401';

function isTree({ coders, bonds, packed }: Folder): boolean {
  const inputs = coders.reduce((sum, coder) => sum + coder.inputs, 0);
  const fed = [...packed, ...bonds.map(({ input }) => input)];
  if (fed.length !== inputs || new Set(fed).size !== inputs || fed.some((input) => input >= inputs)) return false;
  const bound = bonds.map(({ output }) => output);
  if (new Set(bound).size !== bonds.length || bonds.length !== coders.length - 1) return false;
  // Each output but one is bound, so what the root leads to is all of them, or some go round in a circle.
  return reached({ coders, bonds }, rootOf(coders, bound)) === coders.length;
}

function reached(folder: Pick<Folder, 'coders' | 'bonds'>, coder: number, depth = 0): number {
  if (depth > folder.coders.length) return Number.NaN;
  const inputs = inputsOf(folder.coders, coder);
  const below = folder.bonds.filter(({ input }) => inputs.includes(input));
  return below.reduce((sum, { output }) => sum + reached(folder, output, depth + 1), 1);
}

function rootOf(coders: readonly Coder[], bound: readonly number[]): number {
  return coders.findIndex((_, i) => !bound.includes(i));
}

/** The numbers of a coder's inputs among those of all. */
function inputsOf(coders: readonly Coder[], index: number): number[] {
  const before = coders.slice(0, index).reduce((sum, { inputs }) => sum + inputs, 0);
  return Array.from({ length: coders[index]?.inputs ?? 0 }, (_, i) => before + i);
}

/** What reads a folder: where it is encrypted, nothing tells a wrong password from damage. @throws as `work`; ARCHIVE_UNSUPPORTED */
export async function withPassword<T>({ coders }: Folder, place: ArchivePlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isInvalid = error instanceof PrestageError && error.code === 'ARCHIVE_INVALID';
    if (isInvalid && coders.some(({ method }) => method === AES)) throw wrongPassword(place, { orDamaged: true });
    throw error;
  }
}

interface FolderReading {
  place: ArchivePlace;
  password: string | undefined;
  consumed: (offset: number) => void;
}

/** What comes of a folder that was checked. @throws ARCHIVE_INVALID */
export async function* folderContent(
  handle: FileHandle,
  folder: Folder,
  packed: readonly Packed[],
  { place, password, consumed }: FolderReading,
): AsyncGenerator<Buffer> {
  const { coders, bonds } = folder;
  let sum = 0;
  let pieces = 0;
  let read = packed[0]?.at ?? 0;
  const onRead = (bytes: number) => {
    read += bytes;
    consumed(read);
  };
  const root = rootOf(
    coders,
    bonds.map(({ output }) => output),
  );
  try {
    for await (const piece of outputOf(root)) {
      if (folder.crc !== undefined) sum = crc32(piece, sum);
      yield piece;
      pieces += 1;
      if (pieces % PIECES_AT_A_TIME === 0) await setImmediate();
    }
  } catch (error) {
    throw isDamage(error) ? damaged(place) : error;
  }
  if (folder.crc !== undefined && folder.crc !== sum)
    throw archiveError('ARCHIVE_INVALID', place, 'is damaged: the checksum (CRC-32) of what it lies in is wrong', {
      reason: 'checksum',
    });

  function outputOf(index: number): AsyncIterable<Buffer> {
    const coder = coders[index];
    if (coder === undefined) throw damaged(place);
    const inputs = inputsOf(coders, index).map((input) => {
      const bond = bonds.find((bond) => bond.input === input);
      if (bond !== undefined) return outputOf(bond.output);
      return readRange(handle, packed[folder.packed.indexOf(input)] ?? { at: 0, length: 0 }, place, onRead);
    });
    return ofSize(methodOf(coder, place, password).decode(coder, inputs, place, password), coder.size, place);
  }
}

async function* ofSize(pieces: AsyncIterable<Buffer>, size: number, place: ArchivePlace): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > size) throw damaged(place);
    yield piece;
  }
  if (bytes !== size) throw damaged(place);
}

async function* readRange(
  handle: FileHandle,
  { at: start, length }: Packed,
  place: ArchivePlace,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; at += READ_BYTES) {
    const wanted = Math.min(READ_BYTES, length - at);
    const piece = await readAt(handle, start + at, wanted);
    if (piece.length < wanted) throw archiveError('ARCHIVE_INVALID', place, 'is cut off');
    onRead(wanted);
    yield piece;
  }
}
