import { PrestageError } from '../../core/errors.js';
import type { RetryPolicy } from '../../remote/index.js';
import { openDownload } from './download.js';
import type { RemoteAddress, Remotes } from './remotes.js';

/** What a Maven repository says of a file, in a file beside it. */
export interface Checksum {
  algorithm: 'sha256' | 'sha1';
  /** In hex. */
  value: string;
  /** Where the file is that says so. */
  url: string;
}

const ALGORITHMS = [
  ['sha256', /^[0-9a-f]{64}\b/i],
  ['sha1', /^[0-9a-f]{40}\b/i],
] as const;

/** The strongest one that is there; undefined where there is none. @throws INTEGRITY_MISMATCH where it is no checksum; what a download throws */
export async function checksumBeside(
  address: RemoteAddress,
  remotes: Remotes,
  policy: RetryPolicy,
): Promise<Checksum | undefined> {
  for (const [algorithm, form] of ALGORITHMS) {
    const url = new URL(address.url);
    url.pathname += `.${algorithm}`;
    const text = await textAt({ ...address, url: url.href }, remotes, policy);
    if (text === undefined) continue;
    const value = form.exec(text.trim())?.[0];
    if (value === undefined) throw noChecksum(url.href);
    return { algorithm, value: value.toLowerCase(), url: url.href };
  }
  return undefined;
}

/** A checksum and a name are less; what is more is something else. */
const MAX_BYTES = 4096;

/** Undefined where there is nothing. Servers that keep files on S3 say 403 of what is not there. */
async function textAt(address: RemoteAddress, remotes: Remotes, policy: RetryPolicy): Promise<string | undefined> {
  const { chunks } = await openDownload(remotes.origin(address), policy).catch((error: unknown) => {
    const isAbsent = error instanceof PrestageError && [403, 404, 410].includes(Number(error.context.status));
    if (isAbsent) return { chunks: undefined };
    throw error;
  });
  if (chunks === undefined) return undefined;
  let text = '';
  for await (const chunk of chunks) {
    text += chunk.toString('latin1');
    if (text.length > MAX_BYTES) break;
  }
  return text;
}

function noChecksum(url: string): PrestageError {
  return new PrestageError('INTEGRITY_MISMATCH', `${url} is not a checksum.`, {
    hint: 'Correct the repository, or give the package an `integrity`: then this file is not read.',
    context: { url },
  });
}

export function checksumMismatch({ url }: RemoteAddress, { value, url: from }: Checksum, found: string): PrestageError {
  return new PrestageError(
    'INTEGRITY_MISMATCH',
    `${url} is not what ${from} says: expected ${value}, found ${found}.`,
    {
      hint: 'The file or its checksum in the repository is damaged: deploy it there again, or give the package an `integrity`.',
      context: { url, expected: value, found },
    },
  );
}
