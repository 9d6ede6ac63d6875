import { sha256 } from '../../core/digest.js';
import { PrestageError } from '../../core/errors.js';
import { Attempts, type RetryPolicy } from '../attempts.js';
import { discard, HttpClient, type HttpResponse } from '../http-client.js';
import { failureOfConnection } from '../http-failure.js';
import { S3Connection, type S3Request } from './s3-connection.js';
import { elements } from './xml.js';

/** How long one attempt may take, in ms: what is read and written here is small. */
const ATTEMPT_MS = 30_000;
/** A page of a listing has a thousand keys of 1,024 bytes at most, and as much again around each. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Small objects on S3, each named by a URL (`s3://bucket/key`) and as a whole in memory. Every call repeats attempts that
 * fail and may succeed later, as its policy says. All are idempotent: a repetition does no harm.
 * @throws SOURCE_UNREACHABLE, SOURCE_REFUSED, AWS_SETTINGS; the signal's reason
 */
export class S3Objects {
  readonly #client = new HttpClient({ stallTimeoutMs: ATTEMPT_MS });
  readonly #connection: S3Connection;

  /** `region`: of the buckets; default: the environment's. */
  constructor(options: { region?: string } = {}) {
    this.#connection = new S3Connection(this.#client, options);
  }

  /** S3 keeps it only where it got what was sent: its digest goes with it. */
  async put(url: string, content: string | Uint8Array, policy: RetryPolicy): Promise<void> {
    const body = Buffer.from(content);
    const digest = sha256(body);
    const headers = {
      'x-amz-content-sha256': digest,
      'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64'),
    };
    const request = { ...asked(url), method: 'PUT', action: 's3:PutObject', headers, body } as const;
    await this.#attempts(request, policy, discardBody);
  }

  /** Undefined where there is no such object. */
  get(url: string, policy: RetryPolicy): Promise<Buffer | undefined> {
    const request = { ...asked(url), method: 'GET', action: 's3:GetObject' } as const;
    return this.#attempts(request, policy, readWhole).catch(undefinedWhereAbsent);
  }

  /** Success where there is no such object, too. */
  async remove(url: string, policy: RetryPolicy): Promise<void> {
    const request = { ...asked(url), method: 'DELETE', action: 's3:DeleteObject' } as const;
    await this.#attempts(request, policy, discardBody).catch(undefinedWhereAbsent);
  }

  /** What follows `url` in the keys that begin with it, in the order of their bytes. */
  async list(url: string, policy: RetryPolicy): Promise<string[]> {
    const { bucket, key: prefix } = asked(url);
    const names: string[] = [];
    for (let page: Record<string, string> | undefined = {}; page !== undefined; ) {
      const query = { 'list-type': '2', prefix, ...page };
      const request = { method: 'GET', url, bucket, key: '', action: 's3:ListBucket', query } as const;
      const xml = (await this.#attempts(request, policy, readWhole)).toString();
      names.push(...elements(xml, 'Key').map((key) => key.slice(prefix.length)));
      const [token] = elements(xml, 'NextContinuationToken');
      page = token === undefined ? undefined : { 'continuation-token': token };
    }
    return names;
  }

  /** Ends all connections at once, also those in use. */
  close(): Promise<void> {
    return this.#client.close();
  }

  #attempts<T>(request: S3Request, policy: RetryPolicy, take: (response: HttpResponse) => Promise<T>): Promise<T> {
    return new Attempts(policy).until(async () => {
      const signal = AbortSignal.any([policy.signal, AbortSignal.timeout(ATTEMPT_MS)]);
      try {
        const response = await this.#connection.request(request, signal);
        if (response.status === 200 || response.status === 204) return await take(response);
        throw await this.#connection.failure(request, response, signal);
      } catch (error) {
        policy.signal.throwIfAborted();
        throw failureOfConnection(request.url, error);
      }
    });
  }
}

function asked(url: string): { url: string; bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(url) ?? [];
  if (bucket === undefined || key === undefined) throw new TypeError(`${url} is not s3://bucket/key`);
  return { url, bucket, key };
}

/** Not where the bucket is what is missing. */
function undefinedWhereAbsent(error: unknown): undefined {
  if (error instanceof PrestageError && error.context.found === 'NoSuchKey') return undefined;
  throw error;
}

async function discardBody({ body }: HttpResponse): Promise<void> {
  await discard(body);
}

async function readWhole({ body }: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
