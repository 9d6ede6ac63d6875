import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { PrestageError } from '../core/errors.js';
import { rm } from '../core/held-files.js';
import type { ArchiveLimits, InputLocation, Recipe, RemoteLocation } from '../plan/index.js';
import type { RetryPolicy } from '../remote/index.js';
import {
  type ArchiveInput,
  archiveFile,
  extractArchive,
  isFileFormat,
  RECOGNITION_BYTES,
  recogniseFile,
  recogniseStart,
} from './archives/index.js';
import { LOOKED_AT_BYTES, refuseMistaken, type Said } from './mistaken-source.js';
import type { Progress } from './progress.js';
import { readLocalFile, withProvenFile } from './sources/file-source.js';
import { copyFolder } from './sources/folder-source.js';
import { readRemoteFile } from './sources/http-source.js';
import { unpackFolder } from './sources/packed-folder.js';
import type { Remotes } from './sources/remotes.js';
import { SourceStream } from './sources/source-stream.js';
import { namingFile } from './sources/unreadable.js';
import type { Remark } from './tree/acceptance.js';
import type { Tree } from './tree/tree.js';

export interface SourceJob {
  recipe: Recipe;
  limits: ArchiveLimits | undefined;
  /** For archives that are encrypted. */
  password: string | undefined;
  location: InputLocation;
  tree: Tree;
  /** A name on the store's file system, for a remote archive that can only be read at random. */
  spool: string;
  remotes: Remotes;
  retry: RetryPolicy;
  progress: Progress;
  /** Called with what there is to say of an archive that broke rules. */
  onRemarks?: ((archive: string, remarks: readonly Remark[]) => void) | undefined;
  /** What an http server says of it; undefined where it comes from none. */
  said?: Said | undefined;
}

/**
 * Brings a package's source into its tree. When this resolves, every byte that was used is proven to be what the recipe
 * pins; until then the tree may hold anything, and nobody sees it.
 * @throws SOURCE_…, ARCHIVE_…, and what the tree throws
 */
export async function fillTree(job: SourceJob): Promise<void> {
  const { location, recipe, tree, progress, retry } = job;
  switch (location.kind) {
    case 'folder':
      await copyFolder(tree, { path: location.path, sha256: recipe.source.sha256, signal: retry.signal, progress });
      break;
    case 'file':
      await namingFile(location.path, () => fillFromFile(job, location.path));
      break;
    case 'http':
    case 'oci':
    case 's3':
      await fillFromUrl(job, location);
      break;
    case 'packed':
      await unpackFolder(tree, { ...location, sha256: recipe.source.sha256 }, job);
      break;
  }
  await tree.settled();
}

/** A tar is read once, from start to end; a zip or a 7z at random, with its digest taken beside it. */
async function fillFromFile(job: SourceJob, path: string): Promise<void> {
  const { source } = job.recipe;
  // A file that looks damaged may be the wrong one, and then that is what must be said.
  const orWrongFile = (error: unknown) => withProvenFile(path, source.sha256, () => Promise.reject(error));
  const format = staysFile(job.recipe) ? undefined : await recogniseFile(path, source.name).catch(orWrongFile);
  if (isFileFormat(format))
    return withProvenFile(path, source.sha256, () => unpack(job, archiveFile(path, source.name)));
  const bytes = new SourceStream(readLocalFile(path, source.sha256));
  await proving(bytes, job.retry.signal, () =>
    format === undefined ? writeSingle(job, bytes) : unpackStream(job, bytes),
  );
}

/** A tar goes straight into the tree. A 7z, and what may be a zip, which only its end shows, is kept beside it until it is used. */
async function fillFromUrl(job: SourceJob, location: RemoteLocation): Promise<void> {
  const { remotes, recipe, retry, spool } = job;
  const { source } = recipe;
  let said: Said | undefined = location.said;
  const onSaid = (answer: Said | undefined) => {
    said = answer ?? said;
  };
  const file = { ...location, sha256: source.sha256, onSaid };
  const bytes = new SourceStream(readRemoteFile(remotes, file, retry));
  try {
    const isSpooled = await proving(bytes, retry.signal, async () => {
      const isSingle = staysFile(recipe);
      const format = isSingle ? undefined : await recogniseStart(await bytes.head(RECOGNITION_BYTES), source.name);
      if (!isSingle && (format === undefined || isFileFormat(format))) {
        await namingFile(spool, () =>
          pipeline(counted(bytes, job.progress), createWriteStream(spool, { flags: 'wx', mode: 0o600 })),
        );
        return true;
      }
      await (format === undefined ? writeSingle({ ...job, said }, bytes) : unpackStream(job, bytes));
      return false;
    });
    if (isSpooled) await namingFile(spool, () => fillFromFile({ ...job, said }, spool));
  } finally {
    await rm(spool, { force: true });
  }
}

/** Does work that reads a source, and sees to it that the source was proven when this resolves. */
async function proving<T>(bytes: SourceStream, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await bytes.drain();
    return result;
  } catch (error) {
    // What looks like a damaged archive may be the wrong file, and then that is what must be said.
    const damaged = error instanceof PrestageError && /^ARCHIVE_(INVALID|UNSAFE|LIMIT)$/.test(error.code);
    if (damaged && !signal.aborted) await bytes.drain();
    throw error;
  } finally {
    await bytes.close();
  }
}

function unpackStream(job: SourceJob, bytes: SourceStream): Promise<void> {
  return unpack(job, { name: job.recipe.source.name, stream: () => bytes });
}

async function unpack(
  { recipe, limits, password, tree, retry, progress, onRemarks }: SourceJob,
  archive: ArchiveInput,
): Promise<void> {
  const selection = typeof recipe.extract === 'object' ? recipe.extract : { strip: 0 };
  const onProgress = (done: { bytes: number; files: number }) => progress.set(done);
  const { remarks } = await extractArchive(archive, tree, {
    ...selection,
    limits,
    password,
    signal: retry.signal,
    onProgress,
  });
  onRemarks?.(archive.name, remarks);
}

/** Whatever its content is. */
function staysFile({ extract }: Recipe): boolean {
  return extract === false || extract === 'single';
}

/**
 * A source that stays one file. Whether it may be executed is told by its first bytes: an https source has no mode, and
 * the same source must give the same tree wherever it comes from.
 */
async function writeSingle({ recipe, said, tree, progress }: SourceJob, bytes: SourceStream): Promise<void> {
  const head = await bytes.head(LOOKED_AT_BYTES);
  refuseMistaken(recipe, head, said);
  const start = head.toString('latin1', 0, 4);
  const mode = start.startsWith('#!') || start === '\x7fELF' ? 0o755 : 0o644;
  await tree.writeStream(recipe.source.name, counted(bytes, progress), mode);
}

async function* counted(bytes: AsyncIterable<Buffer>, progress: Progress): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of bytes) {
    read += chunk.length;
    progress.set({ bytes: read, files: 0 });
    yield chunk;
  }
}
