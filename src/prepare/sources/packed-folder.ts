import { PrestageError } from '../../core/errors.js';
import { listingDigest } from '../../plan/index.js';
import type { RetryPolicy } from '../../remote/index.js';
import { ByteSource } from '../archives/byte-source.js';
import { unpackTar } from '../archives/tar/tar-reader.js';
import { Unpacker } from '../archives/unpacker.js';
import type { Progress } from '../progress.js';
import type { Tree } from '../tree/tree.js';
import { openDownload } from './download.js';
import type { Remotes } from './remotes.js';

export interface PackedFolder {
  /** `s3://bucket/key` of the tar. */
  url: string;
  /** The digest of the folder's listing that was pinned. */
  sha256: string;
  /** Bytes of the tar. */
  size: number;
}

export interface PackedFolderAccess {
  remotes: Remotes;
  retry: RetryPolicy;
  progress?: Progress;
}

/** A folder is as large as it is; the limits are for archives of others. */
const UNLIMITED = { ratio: Infinity, size: Infinity, count: Infinity, depth: Infinity };

/**
 * Unpacks a folder that was packed as tar into a tree that has nothing else in it, while it is fetched. What is there then must
 * have the listing that was pinned: the archive's own bytes are nobody's identity.
 * @throws SOURCE_MOVED (retryable: a fresh transfer may be right) where it has not; SOURCE_UNREACHABLE, SOURCE_REFUSED
 */
export async function unpackFolder(
  tree: Tree,
  { url, sha256, size }: PackedFolder,
  { remotes, retry, progress }: PackedFolderAccess,
): Promise<void> {
  const download = await openDownload(remotes.origin({ url }), retry, size);
  const unpacker = new Unpacker(url, tree, {
    strip: 0,
    limits: UNLIMITED,
    signal: retry.signal,
    onProgress: (done) => progress?.set(done),
  });
  try {
    await unpackTar(new ByteSource(counted(download.chunks, unpacker)), unpacker);
    await tree.settled();
  } catch (error) {
    await tree.settled().catch(() => undefined); // nothing writes any more when the caller clears up
    const isDamaged = error instanceof PrestageError && error.code.startsWith('ARCHIVE_');
    throw isDamaged ? notThatFolder(url, sha256, error.message, error) : error;
  } finally {
    await download.chunks.return(undefined);
  }
  const entries = [...tree.entries].map(([path, entry]) => ({ path, ...entry }));
  const found = listingDigest(entries);
  if (found !== sha256) throw notThatFolder(url, sha256, `its digest is ${found}`);
}

async function* counted(chunks: AsyncIterable<Buffer>, unpacker: Unpacker): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    unpacker.consumed(bytes);
    yield chunk;
  }
}

function notThatFolder(url: string, expected: string, found: string, cause?: unknown): PrestageError {
  return new PrestageError('SOURCE_MOVED', `${url} is not the folder that was uploaded: ${found.replace(/\.$/, '')}.`, {
    hint: 'Delete that object, and run the same command again: the folder is uploaded again.',
    context: { url, expected, found },
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}
