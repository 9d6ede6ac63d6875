import { PrestageError } from '../../core/errors.js';
import { percentDecoded } from '../../core/percent-decoded.js';
import type { ServerAccess } from '../../core/server-access.js';
import { shortened } from '../../core/shortened.js';
import { discard, failureOfStatus, type HttpClient, type HttpResponse } from '../../remote/index.js';
import type { Said } from '../mistaken-source.js';
import type { RangeBudget } from './side-by-side.js';

/** Where one remote file is: how its server is asked, and what its answers mean. */
export interface Origin {
  /** What it is called in messages. */
  url: string;
  /** The header by which a server continues the very file that it began. */
  condition: 'if-range' | 'if-match';
  /** Whether it may be asked for a digest; then a look at the headers can save a download. */
  knowsDigests: boolean;
  /** Where one connection is not all that the server gives: memory for ranges that are fetched side by side. */
  ranges?: RangeBudget;
  /** One request; the body is the caller's to read or to destroy. @throws PrestageError where there is no use in asking again; else anything */
  request(method: 'GET' | 'HEAD', headers: Record<string, string>, signal: AbortSignal): Promise<HttpResponse>;
  /** What an answer that gives no bytes of the file means. It ends the response. */
  failure(method: 'GET' | 'HEAD', response: HttpResponse, signal: AbortSignal): Promise<PrestageError>;
  /** What the server says of the file beside its bytes. */
  announced(response: HttpResponse): Announced;
}

export interface Announced {
  /** The server's name for this version of the file, as the lockfile keeps it. */
  version: string | undefined;
  /** By which the file is known to be the same as before: the version, or a date. */
  validator: string | undefined;
  /** Where the server knows it: in hex, of the whole file. */
  sha256: string | undefined;
  /** What http servers say. S3 gives the type that its uploader guessed from the name. */
  said?: Said;
}

export function httpOrigin(client: HttpClient, url: string, access?: ServerAccess): Origin {
  return {
    url,
    condition: 'if-range',
    knowsDigests: false,
    async request(method, headers, signal) {
      const response = await client.request(method, url, headers, signal, access);
      refuseEncoded(url, response);
      return response;
    },
    async failure(_, response) {
      await discard(response.body);
      return failureOfStatus(url, response);
    },
    announced: (response) => {
      const etag = response.header('etag');
      const validator = etag ?? response.header('last-modified');
      return { version: etag, validator, sha256: undefined, said: saidOf(response) };
    },
  };
}

/** Nothing that a server says is longer than it takes to be recognised. */
const SAID_LENGTH = 200;

function saidOf(response: HttpResponse): Said {
  const contentType = response.header('content-type');
  const fileName = fileNameOf(response.header('content-disposition') ?? '');
  return {
    ...(contentType === undefined ? {} : { contentType: shortened(contentType, SAID_LENGTH) }),
    ...(fileName === undefined ? {} : { fileName: shortened(fileName, SAID_LENGTH) }),
  };
}

/** RFC 6266: `filename="a.zip"`, `filename=a.zip`, and `filename*=UTF-8''a%20b.zip`, which comes first where both are there. */
function fileNameOf(disposition: string): string | undefined {
  const extended = /;\s*filename\*\s*=\s*[^';]*'[^';]*'([^;\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) return percentDecoded(extended);
  const [, inQuotes, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(disposition) ?? [];
  return inQuotes?.replace(/\\(.)/g, '$1') ?? plain;
}

/** A digest is of the file as it is. What a refusal's own page is encoded in does not matter. */
function refuseEncoded(url: string, { status, header, body }: HttpResponse): void {
  const encoding = header('content-encoding');
  if (encoding === undefined || encoding === 'identity' || (status !== 200 && status !== 206)) return;
  body.destroy();
  throw new PrestageError(
    'SOURCE_REFUSED',
    `${url} was answered in an encoding that was not asked for (${encoding}).`,
    {
      hint: 'Configure the server to give the file as it is, without Content-Encoding.',
      context: { url, expected: 'identity', found: encoding },
    },
  );
}
