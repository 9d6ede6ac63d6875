import { createHash } from 'node:crypto';
import { PrestageError } from '../../core/errors.js';
import type { RetryPolicy } from '../../remote/index.js';
import type { Said } from '../mistaken-source.js';
import { openDownload } from './download.js';
import type { RemoteAddress, Remotes } from './remotes.js';

export interface RemoteFile extends RemoteAddress {
  /** What it must be. */
  sha256: string;
  size?: number | undefined;
  /** Where `integrity` in the configuration says so; else prestage.lock does. */
  pinnedBy?: 'integrity' | undefined;
  /** Is told what the server says of it, before any byte is given out. */
  onSaid?: (said: Said | undefined) => void;
}

/**
 * The bytes of a remote file. They are proven when the iteration has ended without an error; never more of them are
 * given out than the size that is pinned.
 * @throws SOURCE_MOVED (retryable: a fresh transfer may be right) where the digest or the size is another;
 * SOURCE_UNREACHABLE, SOURCE_REFUSED.
 */
export async function* readRemoteFile(remotes: Remotes, file: RemoteFile, policy: RetryPolicy): AsyncGenerator<Buffer> {
  const download = await openDownload(remotes.origin(file), policy, file.size);
  file.onSaid?.(download.said);
  const pinnedSize = file.size ?? download.size ?? Number.POSITIVE_INFINITY;
  let wanted = download.size === undefined || download.size === pinnedSize;
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of download.chunks) {
    size += chunk.length;
    if (size > pinnedSize) wanted = false;
    if (size > toldUpTo(pinnedSize)) throw moved(file, `more than ${size - chunk.length} bytes`);
    hash.update(chunk);
    // What is not the pinned file is still read, to tell its digest; nobody else needs to see it.
    if (wanted) yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== file.sha256) throw moved(file, found, size);
}

/** A file that moved is read to its end for the sake of a good message, unless it is far larger than what was pinned. */
function toldUpTo(pinnedSize: number): number {
  return 2 * pinnedSize + 64 * 1024 * 1024;
}

/** What has to be changed if the new file is the one that is wanted: `--update-lock` does not change the configuration. */
function remedy({ url, sha256, pinnedBy }: RemoteFile): { pin: string; hint: string } {
  // An upload of ours, which nobody else is to change.
  if (url.startsWith('s3://') && url.includes(`/sources/${sha256}/`))
    return {
      pin: 'was uploaded',
      hint: 'Delete that object, and run the same command again: the file is uploaded again.',
    };
  const [pin, accept] =
    pinnedBy === 'integrity'
      ? ['its integrity says', 'correct `integrity` in the configuration']
      : ['prestage.lock pins', 'run again with `--update-lock`'];
  return {
    pin,
    hint: `If the new file is the one that you want, ${accept}; if not, give its old address or a copy of it.`,
  };
}

function moved(file: RemoteFile, found: string, size?: number): PrestageError {
  const sizes =
    size === undefined || file.size === undefined || size === file.size
      ? ''
      : ` (${size} bytes instead of ${file.size})`;
  const { pin, hint } = remedy(file);
  return new PrestageError(
    'SOURCE_MOVED',
    `${file.url} is no longer what ${pin}: expected ${file.sha256}, found ${found}${sizes}.`,
    {
      hint,
      context: { url: file.url, expected: file.sha256, found },
      retryable: true,
    },
  );
}
