import { PrestageError } from '../../core/errors.js';
import {
  Attempt,
  Attempts,
  discard,
  failureOfConnection,
  type HttpResponse,
  type RetryPolicy,
} from '../../remote/index.js';
import type { Said } from '../mistaken-source.js';
import type { Announced, Origin } from './origin.js';
import { FIRST_RANGE_BYTES, LARGE_BYTES, sideBySide } from './side-by-side.js';

export interface Download {
  /** As the server announced it; undefined where it does not know. */
  size: number | undefined;
  /** The server's name for this version of the file. */
  version: string | undefined;
  /** As the server announced it (origin.ts). */
  validator: string | undefined;
  said: Said | undefined;
  /** The bytes, once; a dropped or stalled connection is resumed where it ended. Ending the iteration ends the request. */
  chunks: AsyncGenerator<Buffer>;
}

/**
 * Starts to fetch a file. What comes is not proven: the caller compares the digest. With the `size` that it should have, a large
 * object of S3 is fetched in ranges side by side.
 * @throws SOURCE_UNREACHABLE when patience is used up, SOURCE_REFUSED where the server says no, SOURCE_MOVED where the
 * file changed between a dropped connection and its continuation. While iterating, too.
 */
export async function openDownload(origin: Origin, policy: RetryPolicy, size?: number): Promise<Download> {
  const attempts = new Attempts(policy);
  const { whole, part, isRange } = await attempts.until(() => start(origin, size, policy.signal));
  const { total, version, sameAs: validator, said } = whole;
  const chunks =
    !isRange || total === undefined || origin.ranges === undefined
      ? withResume(origin, whole, { from: 0, end: total }, part, attempts, policy.signal)
      : sideBySide({ total, etag: whole.etag, budget: origin.ranges, policy }, (range, patience, signal) =>
          withResume(origin, whole, range, range.from === 0 ? part : undefined, patience, signal),
        );
  return { size: total, version, validator, said, chunks };
}

export interface Announcement extends Announced {
  size: number | undefined;
}

/** What a server says of a file, without its bytes. */
export async function inspect(origin: Origin, policy: RetryPolicy): Promise<Announcement> {
  return new Attempts(policy).until(async () => {
    const response = await send(origin, 'HEAD', {}, policy.signal);
    await discard(response.body);
    return { size: contentLength(response), ...origin.announced(response) };
  });
}

/** What the first answer says of the file; a continuation must be of the same. */
interface Whole {
  /** Its size in bytes. */
  total: number | undefined;
  etag: string | undefined;
  version: string | undefined;
  /** By which it is known again later. */
  sameAs: string | undefined;
  said: Said | undefined;
  /** What a continuation may be conditional on. */
  validator: string | undefined;
}

/** One answer's bytes. */
interface Part {
  body: HttpResponse['body'];
  /** Bytes at the start of this body that have been seen already. */
  skip: number;
}

/** The bytes of a range, which is continued where a connection ended. Undefined, `end` is where the server ends it. */
async function* withResume(
  origin: Origin,
  whole: Whole,
  { from, end }: { from: number; end: number | undefined },
  opened: Part | undefined,
  attempts: Attempts,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { url } = origin;
  let position = from;
  for (let part = opened; ; part = undefined) {
    try {
      part ??= await continueAt(origin, whole, { from: position, end }, signal);
      if (part === undefined) return;
      let { skip } = part;
      for await (const received of part.body as AsyncIterable<Buffer>) {
        const wanted = skip + (end ?? Number.POSITIVE_INFINITY) - position;
        const chunk = received.subarray(Math.min(skip, received.length), wanted);
        skip = Math.max(0, skip - received.length);
        if (chunk.length > 0) {
          position += chunk.length;
          attempts.progressed();
          yield chunk;
        }
        if (wanted < received.length) return; // a server that gives all instead of a range
      }
      if (skip === 0 && (end === undefined || position >= end)) return;
      throw new Attempt(`${url} could not be fetched: the transfer ended early.`, { context: { url } });
    } catch (error) {
      signal.throwIfAborted();
      if (position === end) return;
      await attempts.failed(failureOfConnection(url, error));
    }
  }
}

interface Started {
  whole: Whole;
  part: Part;
  isRange: boolean;
}

/** The first answer: the whole, or its first range. */
async function start(origin: Origin, size: number | undefined, signal: AbortSignal): Promise<Started> {
  if (origin.ranges !== undefined && size !== undefined && size >= LARGE_BYTES) {
    const response = await send(origin, 'GET', { range: `bytes=0-${FIRST_RANGE_BYTES - 1}` }, signal);
    const { from, total } = contentRange(response);
    if (response.status === 206 && from === 0 && total === size)
      return { whole: wholeOf(origin, response, total), part: { body: response.body, skip: 0 }, isRange: true };
    // It is not what was pinned, or the server does not know ranges: its digest will tell.
    if (response.status === 200) return plain(origin, response);
    await discard(response.body);
  }
  return plain(origin, await send(origin, 'GET', {}, signal));
}

function plain(origin: Origin, response: HttpResponse): Started {
  const whole = wholeOf(origin, response, contentLength(response));
  return { whole, part: { body: response.body, skip: 0 }, isRange: false };
}

function wholeOf(origin: Origin, response: HttpResponse, total: number | undefined): Whole {
  const { version, validator: sameAs, said } = origin.announced(response);
  return { total, etag: response.header('etag'), version, sameAs, said, validator: validatorOf(origin, response) };
}

/** Undefined where nothing is left to fetch. */
async function continueAt(
  origin: Origin,
  whole: Whole,
  { from: position, end }: { from: number; end: number | undefined },
  signal: AbortSignal,
): Promise<Part | undefined> {
  const last = end === undefined || end === whole.total ? '' : end - 1;
  const range = {
    range: `bytes=${position}-${last}`,
    // Without a validator the server may continue another version: the digest of the whole tells.
    ...(whole.validator === undefined ? {} : { [origin.condition]: whole.validator }),
  };
  const response = await send(origin, 'GET', range, signal).catch((error: unknown) => {
    throw refusedMeanwhile(origin.url, position, whole.total, error) ?? error;
  });
  const etag = response.header('etag');
  const { from, total } =
    response.status === 200 ? { from: 0, total: contentLength(response) } : contentRange(response);
  if (response.status === 412 || response.status === 416) {
    await discard(response.body);
    if (response.status === 416 && total === position) return undefined;
    throw changedMeanwhile(origin.url);
  }
  const same =
    (whole.etag === undefined || etag === undefined || etag === whole.etag) &&
    (total ?? whole.total) === (whole.total ?? total);
  if (!same || from === undefined || from > position) {
    response.body.destroy();
    throw changedMeanwhile(origin.url);
  }
  return { body: response.body, skip: position - from };
}

/** @throws SOURCE_REFUSED and the like, or an Attempt, for any answer that is neither bytes of the file nor says that it changed. */
async function send(
  origin: Origin,
  method: 'GET' | 'HEAD',
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let response: HttpResponse;
  try {
    response = await origin.request(method, headers, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw failureOfConnection(origin.url, error);
  }
  const expected = headers.range === undefined ? [200] : [200, 206, 412, 416];
  if (expected.includes(response.status)) return response;
  throw await origin.failure(method, response, signal);
}

function changedMeanwhile(url: string): PrestageError {
  return new PrestageError('SOURCE_MOVED', `${url} changed while it was being fetched.`, {
    hint: 'Run the same command again when the new file is there: it is then compared with what is pinned.',
    context: { url },
    retryable: true,
  });
}

/** It was let in at the start and is not any more: neither a dropped connection nor a login that was never right. */
function refusedMeanwhile(url: string, position: number, total: number | undefined, error: unknown) {
  const status = error instanceof PrestageError ? error.context.status : undefined;
  if (!(error instanceof PrestageError) || (status !== 401 && status !== 403)) return undefined;
  const { login, server } = error.context;
  const what = typeof login === 'string' && login !== 'none' ? login : 'the signed address';
  return new PrestageError(
    'SOURCE_REFUSED',
    `${url} answered ${status} after ${position} of ${total ?? 'an unknown number of'} bytes: what it accepted at the start has expired, or was taken back.`,
    {
      hint: `Renew ${what}, and run the same command again. Packages that are prepared are kept.`,
      context: { url, status, bytes: position, ...(server === undefined ? {} : { server, login }) },
      cause: error,
    },
  );
}

/** RFC 9110, section 13.1.5: If-Range takes a strong ETag or a date, never a weak ETag. */
function validatorOf({ condition }: Origin, response: HttpResponse): string | undefined {
  const etag = response.header('etag');
  if (condition === 'if-match') return etag;
  return etag !== undefined && !etag.startsWith('W/') ? etag : response.header('last-modified');
}

function contentLength(response: HttpResponse): number | undefined {
  const value = response.header('content-length');
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** `bytes 5-9/10`, or `bytes * /10` with 416 (RFC 9110, section 14.4). */
function contentRange(response: HttpResponse): { from: number | undefined; total: number | undefined } {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.header('content-range') ?? '');
  const number = (text: string | undefined) => (text === undefined || text === '*' ? undefined : Number(text));
  return { from: number(match?.[1]), total: number(match?.[2]) };
}
