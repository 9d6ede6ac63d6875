import type { TransformOptions } from 'node:stream';
import { createGunzip, type Gunzip, type InflateRaw, type ZlibOptions } from 'node:zlib';
import type { PrestageError } from '../../../core/errors.js';
import { archiveError } from '../archive-error.js';
import { isZero } from '../byte-source.js';
import { type OnTrailingData, refuseTrailingData } from './trailing-data.js';

/** Measured: output by 256 KiB is 2.5 times as fast as by the default of 16 KiB. */
export const INFLATE_CHUNK_BYTES = 256 * 1024;
/** Inflating goes on in the thread pool up to so far ahead of who reads. */
export const INFLATE_AHEAD_BYTES = 1024 * 1024;
export const INFLATE_OPTIONS: ZlibOptions & TransformOptions = {
  chunkSize: INFLATE_CHUNK_BYTES,
  highWaterMark: INFLATE_AHEAD_BYTES,
};

/**
 * Inflates gzip, also of several members. Nothing but zeros may follow the last: `gunzipMembers` is for what else may.
 * @throws ARCHIVE_INVALID for damage, wrong checksums, truncation, and for more after the end
 */
export async function* gunzip(
  source: AsyncIterable<Buffer>,
  archive: string,
  onTrailingData: OnTrailingData = refuseTrailingData,
): AsyncGenerator<Buffer> {
  const inflater = createGunzip(INFLATE_OPTIONS);
  const fed = feed(source, inflater);
  fed.catch((error: unknown) => inflater.destroy(error as Error));
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
    inflater.destroy();
    await fed;
  } catch (error) {
    if (isMoreAfterEnd(error)) onTrailingData(inflater.bytesWritten, () => moreAfterEnd(archive));
    throw gzipError(error, archive);
  } finally {
    inflater.destroy();
  }
}

class MoreAfterEnd extends Error {}

async function feed(source: AsyncIterable<Buffer>, inflater: Gunzip): Promise<void> {
  let fed = 0;
  let ended = false;
  for await (const chunk of source) {
    if (inflater.destroyed && !ended) return;
    const start = fed;
    fed += chunk.length;
    if (!ended) await written(inflater, chunk);
    if (inflater.destroyed && !inflater.readableEnded) return;
    const rest = chunk.subarray(Math.max(0, Math.min(chunk.length, inflater.bytesWritten - start)));
    ended ||= rest.length > 0;
    if (!isZero(rest)) throw new MoreAfterEnd();
  }
  if (!inflater.destroyed && !ended) inflater.end();
}

/** Waits until the inflater used a chunk, or has its end within it. */
export function written(inflater: Gunzip | InflateRaw, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    inflater.once('close', resolve);
    inflater.write(chunk, () => {
      inflater.off('close', resolve);
      resolve();
    });
  });
}

export function moreAfterEnd(archive: string): PrestageError {
  const what = 'there is more after the end of its gzip stream';
  return archiveError('ARCHIVE_INVALID', { archive }, what, { reason: 'trailing-data' });
}

/** What an error of zlib says of the archive; any other error as it is. */
export function gzipError(error: unknown, archive: string): unknown {
  if (isMoreAfterEnd(error)) return moreAfterEnd(archive);
  if (!isZlibError(error)) return error;
  const isCutOff = error.code === 'Z_BUF_ERROR';
  const what = isCutOff ? 'is cut off: its gzip stream does not end' : `its gzip stream is damaged (${error.message})`;
  return archiveError('ARCHIVE_INVALID', { archive }, what, {
    reason: isCutOff ? 'cut-off' : reasonOf(error),
    cause: error,
  });
}

/** No header begins where one may. It is not the first: by that the stream was recognised. */
function isMoreAfterEnd(error: unknown): boolean {
  return error instanceof MoreAfterEnd || (isZlibError(error) && error.message === 'incorrect header check');
}

/** The first bytes of what a gzip stream holds, from its first bytes, or from all of it. @throws as zlib does */
export async function inflatedStart(head: Uint8Array, count: number, isWhole: boolean): Promise<Buffer> {
  // Small pieces: that in which zlib finds something else behind the end is lost.
  const inflater = createGunzip({ chunkSize: 512 });
  const chunks: Buffer[] = [];
  let bytes = 0;
  inflater.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= count) inflater.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    inflater.once('error', (error) => (isMoreAfterEnd(error) ? resolve() : reject(error)));
    inflater.once('close', resolve);
    if (isWhole) inflater.end(head);
    else inflater.write(head, () => resolve());
  });
  inflater.destroy();
  return Buffer.concat(chunks).subarray(0, count);
}

/** zlib has one code for all damage, and words that are as old as it is. */
export function reasonOf(error: Error): 'checksum' | 'size' | 'malformed' {
  if (error.message === 'incorrect data check') return 'checksum';
  return error.message === 'incorrect length check' ? 'size' : 'malformed';
}

export function isZlibError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^Z_/.test(error.code);
}
