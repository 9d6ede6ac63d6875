import { parseSource } from '../../../config/index.js';
import { discard, type HttpClient, type HttpResponse } from '../http-client.js';
import { failureOfConnection } from '../http-failure.js';
import type { Announced, Origin } from '../origin.js';
import { objectAddress } from './address.js';
import type { AwsIdentity } from './aws-identity.js';
import { failureOfIdentity } from './identity-failure.js';
import { failureOfS3, type S3Answer } from './s3-failure.js';

interface S3Object {
  url: string;
  bucket: string;
  key: string;
  versionId: string | undefined;
}

/** Where a region is not configured: every bucket's region is learnt from its first answer. */
const FIRST_REGION = 'us-east-1';

/** S3, or a server that speaks as it does. Objects are fetched by our own client, whose resuming and patience apply. */
export class S3 {
  readonly #client: HttpClient;
  #identity: Promise<AwsIdentity> | undefined;
  /** By bucket, as the server said. */
  readonly #regions = new Map<string, string>();

  constructor(client: HttpClient) {
    this.#client = client;
  }

  origin(url: string, versionId: string | undefined): Origin {
    const source = parseSource(url);
    if (source?.kind !== 's3') throw new TypeError(`${url} is not s3://bucket/key`);
    const object: S3Object = { url, bucket: source.bucket, key: source.key, versionId };
    return {
      url,
      condition: 'if-match',
      knowsDigests: true,
      request: (method, headers, signal) =>
        // The one header beside a range that costs nothing: what the server knows of the whole.
        this.#request(object, method, { 'x-amz-checksum-mode': 'ENABLED', ...headers }, signal),
      failure: async (method, response, signal) =>
        failureOfS3(object, await this.#explained(object, method, response, signal)),
      announced,
    };
  }

  /** Follows the bucket to its region, once. */
  async #request(
    object: S3Object,
    method: 'GET' | 'HEAD',
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const first = await this.#send(object, method, headers, signal);
    const region = first.header('x-amz-bucket-region');
    const isElsewhere = [301, 307, 400].includes(first.status) && region !== undefined;
    if (!isElsewhere || region === this.#regions.get(object.bucket)) return first;
    await discard(first.body);
    this.#regions.set(object.bucket, region);
    return this.#send(object, method, headers, signal);
  }

  async #send(
    { url, bucket, key, versionId }: S3Object,
    method: 'GET' | 'HEAD',
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    this.#identity ??= import('./aws-identity.js').then(({ openAwsIdentity }) => openAwsIdentity());
    const identity = await this.#identity;
    const prepare = async () => {
      const region = this.#regions.get(bucket) ?? (await identity.region()) ?? FIRST_REGION;
      const { origin, path } = objectAddress({ bucket, key }, { endpoint: await identity.endpoint(), region });
      const { protocol, hostname, port } = new URL(origin);
      const query: Record<string, string> = versionId === undefined ? {} : { versionId };
      const signed = await identity.sign({ method, url: { protocol, hostname, port, path }, query, headers }, region);
      return { method, origin, path: withQuery(path, query), headers: signed };
    };
    const request = await prepare().catch((error: unknown) => {
      throw failureOfIdentity(url, error);
    });
    return this.#client.send(request, signal);
  }

  /** What HEAD is answered with has no body, and so no reason: the same is asked for again by GET. */
  async #explained(
    object: S3Object,
    method: 'GET' | 'HEAD',
    response: HttpResponse,
    signal: AbortSignal,
  ): Promise<S3Answer> {
    if (method === 'GET') return readAnswer(response);
    await discard(response.body);
    try {
      const again = await this.#request(object, 'GET', { range: 'bytes=0-0' }, signal);
      const { text } = await readAnswer(again);
      return { status: response.status, header: response.header, text: again.status === response.status ? text : '' };
    } catch (error) {
      signal.throwIfAborted();
      throw failureOfConnection(object.url, error);
    }
  }
}

function withQuery(path: string, query: Record<string, string>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

const MAX_ANSWER_BYTES = 64 * 1024;

async function readAnswer({ status, header, body }: HttpResponse): Promise<S3Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    // What came of it says enough, or the status does.
  }
  return { status, header, text: Buffer.concat(chunks).toString() };
}

/** `null` is the version of objects that are overwritten in place, so it names nothing. */
function announced(response: HttpResponse): Announced {
  const versionId = response.header('x-amz-version-id');
  const version = versionId === undefined || versionId === 'null' ? response.header('etag') : versionId;
  return { version, sha256: checksum(response) };
}

/** Only of the whole object: one that was uploaded in parts has a checksum of its parts' checksums (`…-12`). */
function checksum(response: HttpResponse): string | undefined {
  const type = response.header('x-amz-checksum-type') ?? 'FULL_OBJECT';
  const value = response.header('x-amz-checksum-sha256') ?? '';
  const digest = /^[A-Za-z0-9+/]{43}=$/.test(value) ? Buffer.from(value, 'base64') : undefined;
  return type === 'FULL_OBJECT' ? digest?.toString('hex') : undefined;
}
