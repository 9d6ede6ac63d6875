import { parseSource } from '../../plan/index.js';
import type { HttpResponse, S3Connection } from '../../remote/index.js';
import type { Announced, Origin } from './origin.js';
import type { RangeBudget } from './side-by-side.js';

/** An object on S3 as a source. It is fetched by our own client, whose resuming and patience apply. */
export function s3Origin(
  connection: S3Connection,
  url: string,
  { versionId, ranges }: { versionId: string | undefined; ranges: RangeBudget },
): Origin {
  const source = parseSource(url);
  if (source?.kind !== 's3') throw new TypeError(`${url} is not s3://bucket/key`);
  const { bucket, key } = source;
  const query: Record<string, string> = versionId === undefined ? {} : { versionId };
  const asked = { url, bucket, key, action: 's3:GetObject', query } as const;
  return {
    url,
    condition: 'if-match',
    knowsDigests: true,
    ranges,
    request: (method, headers, signal) =>
      // The one header beside a range that costs nothing: what the server knows of the whole.
      connection.request({ ...asked, method, headers: { 'x-amz-checksum-mode': 'ENABLED', ...headers } }, signal),
    failure: (method, response, signal) => connection.failure({ ...asked, method }, response, signal),
    announced,
  };
}

/** `null` is the version of objects that are overwritten in place, so it names nothing. */
function announced(response: HttpResponse): Announced {
  const versionId = response.header('x-amz-version-id');
  const version = versionId === undefined || versionId === 'null' ? response.header('etag') : versionId;
  return { version, validator: version, sha256: checksum(response) };
}

/** Only of the whole object: one that was uploaded in parts has a checksum of its parts' checksums (`…-12`). */
function checksum(response: HttpResponse): string | undefined {
  const type = response.header('x-amz-checksum-type') ?? 'FULL_OBJECT';
  const value = response.header('x-amz-checksum-sha256') ?? '';
  const digest = /^[A-Za-z0-9+/]{43}=$/.test(value) ? Buffer.from(value, 'base64') : undefined;
  return type === 'FULL_OBJECT' ? digest?.toString('hex') : undefined;
}
