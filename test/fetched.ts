import { sha256 } from '../src/core/digest.js';
import type { PrestageError } from '../src/core/errors.js';
import { type RemoteFile, readRemoteFile } from '../src/prepare/sources/http-source.js';
import { Remotes } from '../src/prepare/sources/remotes.js';
import type { Retry } from '../src/remote/index.js';

interface Fetched {
  bytes: Buffer;
  retries: Retry[];
  error: PrestageError | undefined;
}

interface FetchOptions {
  /** What the source is known to be, where that is other than the content says. */
  pinned?: Partial<RemoteFile>;
  stallTimeoutMs: number;
  signal?: AbortSignal;
}

/** Reads a remote source as the engine does: what came of it, and what went wrong on the way. */
export async function fetched(url: string, content: Buffer, options: FetchOptions): Promise<Fetched> {
  const { pinned = {}, stallTimeoutMs, signal = new AbortController().signal } = options;
  const remotes = new Remotes({ stallTimeoutMs });
  const retries: Retry[] = [];
  const chunks: Buffer[] = [];
  let error: PrestageError | undefined;
  try {
    const file = { url, sha256: sha256(content), size: content.length, ...pinned };
    const policy = { signal, baseDelayMs: 1, onRetry: (retry: Retry) => retries.push(retry) };
    for await (const chunk of readRemoteFile(remotes, file, policy)) chunks.push(chunk);
  } catch (thrown) {
    error = thrown as PrestageError;
  } finally {
    await remotes.close();
  }
  return { bytes: Buffer.concat(chunks), retries, error };
}
