import { open } from 'node:fs/promises';
import { mapBounded } from '../core/bounded.js';
import { asOneError, asPrestageError, PrestageError } from '../core/errors.js';
import { type InputLocations, isRemote, type PackagePlan, type Recipe } from '../plan/index.js';
import { recogniseFile } from './archives/index.js';
import { LOOKED_AT_BYTES, refuseMistaken, type Said } from './mistaken-source.js';
import { withProvenFile } from './sources/file-source.js';
import { existingSize } from './sources/local-size.js';

export interface SourceHandling {
  /** `unpack as tar.gz, strip 1`, `keep as a file`, `copy the folder`. */
  words: string;
  /** What preparation will fail with, where that is known: the source is no archive, and is called one. */
  refusal?: PrestageError;
}

/** What preparation will do with a package's source, as far as that is known before it is fetched. */
export async function sourceHandling({ id, recipe }: PackagePlan, inputs: InputLocations): Promise<SourceHandling> {
  const { source, extract } = recipe;
  if (source.kind === 'folder') return { words: 'copy the folder' };
  if (extract === false) return { words: 'keep as a file' };
  const file = await fileAtHand(inputs, source.sha256);
  if (file === undefined) return { words: ifNotSeen(extract) };
  try {
    return { words: await handlingOfFile(recipe, file) };
  } catch (error) {
    const { isCopy } = file;
    // A copy that is damaged is fetched again.
    if (isCopy && error instanceof PrestageError && error.code === 'SOURCE_CHANGED')
      return { words: ifNotSeen(extract) };
    return { words: ifNotSeen(extract), refusal: asPrestageError(error, { package: id }) };
  }
}

/** @throws what preparing these packages would fail with, all of it, as far as that is known before anything is fetched */
export async function refuseMistakenSources(packages: readonly PackagePlan[], inputs: InputLocations): Promise<void> {
  const handlings = await mapBounded(packages, 8, (item) => sourceHandling(item, inputs));
  const [first, ...more] = handlings.flatMap(({ refusal }) => refusal ?? []);
  if (first === undefined) return;
  throw asOneError([first, ...more], { hint: 'Correct them and run the same command again.' });
}

interface FileAtHand {
  path: string;
  /** Whether it is a copy of a remote source. */
  isCopy: boolean;
  said: Said | undefined;
}

async function handlingOfFile(recipe: Recipe, { path, said }: FileAtHand): Promise<string> {
  const { source, extract } = recipe;
  // A file that looks wrong may be another one than was pinned, and then that is what must be said.
  const orWrongFile = (error: unknown) => withProvenFile(path, source.sha256, () => Promise.reject(error));
  const format = extract === 'single' ? undefined : await recogniseFile(path, source.name).catch(orWrongFile);
  if (format !== undefined) return `unpack as ${format}${selected(extract)}`;
  try {
    refuseMistaken(recipe, await startOf(path), said);
  } catch (error) {
    await orWrongFile(error);
  }
  return ifFile(extract);
}

/** Where nobody has seen the content. */
function ifNotSeen(extract: Recipe['extract']): string {
  if (extract === 'auto') return 'unpack it, if its content is an archive';
  return typeof extract === 'object' ? `unpack it${selected(extract)}` : ifFile(extract);
}

function ifFile(extract: Recipe['extract']): string {
  return extract === 'single' ? 'keep as a file (`extract: true` unpacks it)' : 'keep as a file';
}

function selected(extract: Recipe['extract']): string {
  if (typeof extract !== 'object') return '';
  const { strip, include = [], exclude = [], encoding } = extract;
  return [
    ...(strip > 0 ? [`, strip ${strip}`] : []),
    ...(include.length > 0 ? [`, only ${include.join(' ')}`] : []),
    ...(exclude.length > 0 ? [`, without ${exclude.join(' ')}`] : []),
    ...(encoding === undefined ? [] : [`, names in ${encoding}`]),
  ].join('');
}

async function fileAtHand(inputs: InputLocations, sha256: string): Promise<FileAtHand | undefined> {
  const location = inputs[sha256];
  if (location === undefined || location.kind === 'packed' || location.kind === 'folder') return undefined;
  const isCopy = isRemote(location);
  const path = isCopy ? location.cached : location.path;
  if (path === undefined || (await existingSize(path)) === undefined) return undefined;
  return { path, isCopy, said: location.kind === 'http' ? (location.said ?? {}) : undefined };
}

async function startOf(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
