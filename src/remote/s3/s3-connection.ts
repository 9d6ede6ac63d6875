import type { PrestageError } from '../../core/errors.js';
import { discard, type HttpClient, type HttpMethod, type HttpResponse } from '../http-client.js';
import { failureOfConnection } from '../http-failure.js';
import { TunnelAgent } from '../tunnel-agent.js';
import { objectAddress } from './address.js';
import type { AwsIdentity } from './aws-identity.js';
import { failureOfIdentity } from './identity-failure.js';
import { failureOfS3, type S3Action, type S3Answer } from './s3-failure.js';

/** What is asked of S3, of one object or, where `key` is empty, of its bucket. */
export interface S3Request {
  method: HttpMethod;
  /** What it is called in messages. */
  url: string;
  bucket: string;
  key: string;
  action: S3Action;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
}

/** Where a region is not configured: every bucket's region is learnt from its first answer. */
const FIRST_REGION = 'us-east-1';

/** What is not to be as the environment says. */
export interface S3Options {
  /** Where buckets are, until a server says otherwise. */
  region?: string | undefined;
  /** The server, as a URL. */
  endpoint?: string | undefined;
  /** Whose credentials, as the shared config and credentials files name them. */
  profile?: string | undefined;
}

/** S3, or a server that speaks as it does: single signed requests by our own client, in the region of the bucket. */
export class S3Connection {
  readonly #client: HttpClient;
  #identity: Promise<AwsIdentity> | undefined;
  readonly #options: S3Options;
  /** By bucket, as the server said. */
  readonly #regions = new Map<string, string>();

  constructor(client: HttpClient, options: S3Options = {}) {
    this.#client = client;
    this.#options = options;
  }

  /**
   * One request, and its answer whatever it is; the body is the caller's to read or to destroy. Follows the bucket to its
   * region, once. @throws AWS_SETTINGS where it cannot be signed; else what undici throws
   */
  async request(request: S3Request, signal: AbortSignal): Promise<HttpResponse> {
    const { bucket } = request;
    const first = await this.#send(request, signal);
    const region = first.header('x-amz-bucket-region');
    const isElsewhere = [301, 307, 400].includes(first.status) && region !== undefined;
    if (!isElsewhere || region === this.#regions.get(bucket)) return first;
    await discard(first.body);
    this.#regions.set(bucket, region);
    return this.#send(request, signal);
  }

  /** What an answer that is no success means. It ends the response. */
  async failure(request: S3Request, response: HttpResponse, signal: AbortSignal): Promise<PrestageError> {
    const { url, bucket, action, query } = request;
    const asked = { url, bucket, action, versionId: query?.versionId };
    return failureOfS3(asked, await this.#explained(request, response, signal));
  }

  async #send(request: S3Request, signal: AbortSignal): Promise<HttpResponse> {
    const { method, url, bucket, key, query = {}, headers = {}, body } = request;
    const { profile } = this.#options;
    this.#identity ??= import('./aws-identity.js').then(({ openAwsIdentity }) =>
      openAwsIdentity({ httpsAgent: new TunnelAgent({ keepAlive: true }), profile }),
    );
    const identity = await this.#identity;
    const prepare = async () => {
      const region = this.#regions.get(bucket) ?? this.#options.region ?? (await identity.region()) ?? FIRST_REGION;
      const endpoint = this.#options.endpoint ?? (await identity.endpoint());
      const { origin, path } = objectAddress({ bucket, key }, { endpoint, region });
      const { protocol, hostname, port } = new URL(origin);
      const signed = await identity.sign({ method, url: { protocol, hostname, port, path }, query, headers }, region);
      return {
        method,
        origin,
        path: withQuery(path, query),
        headers: signed,
        ...(body === undefined ? {} : { body }),
      };
    };
    const prepared = await prepare().catch((error: unknown) => {
      throw failureOfIdentity(url, profile, error);
    });
    return this.#client.send(prepared, signal);
  }

  /** What HEAD is answered with has no body, and so no reason: the same is asked for again by GET. */
  async #explained(request: S3Request, response: HttpResponse, signal: AbortSignal): Promise<S3Answer> {
    if (request.method !== 'HEAD') return readAnswer(response);
    await discard(response.body);
    try {
      const again = await this.request({ ...request, method: 'GET', headers: { range: 'bytes=0-0' } }, signal);
      const { text } = await readAnswer(again);
      return { status: response.status, header: response.header, text: again.status === response.status ? text : '' };
    } catch (error) {
      signal.throwIfAborted();
      throw failureOfConnection(request.url, error);
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
