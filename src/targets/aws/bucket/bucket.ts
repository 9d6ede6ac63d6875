import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type * as z from 'zod';
import { sha256 } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../api/aws-failure.js';

export interface ListedObject {
  key: string;
  size: number;
  /** Ms since 1970, by S3's clock. */
  writtenAt: number;
}

/** What an object was when it was read; `age` in ms is by S3's own clock. */
export interface ReadObject<T> {
  value: T;
  etag: string;
  age: number;
}

/** Under which condition an object is put: that there is none, or that it is still the one with this ETag. */
export type PutCondition = { ifNoneMatch: '*' } | { ifMatch: string };

/** As many keys as S3 deletes at once. */
const DELETED_AT_ONCE = 1000;

/** The bucket of an environment: small objects as a whole in memory. @throws AWS_SETTINGS, AWS_FAILED */
export class Bucket {
  readonly name: string;
  readonly client: S3Client;

  constructor({ client, name }: { client: S3Client; name: string }) {
    this.client = client;
    this.name = name;
  }

  /** An object's text; undefined where there is none. */
  async getText(key: string): Promise<string | undefined> {
    return (await this.#read(key))?.value;
  }

  /**
   * An object's JSON; undefined where there is none.
   * @throws STORE_INVALID where it is not what the schema says
   */
  async getJson<T>(key: string, schema: z.ZodType<T>): Promise<ReadObject<T> | undefined> {
    const found = await this.#read(key);
    if (found === undefined) return undefined;
    try {
      return { ...found, value: schema.parse(JSON.parse(found.value)) };
    } catch (cause) {
      throw new PrestageError('STORE_INVALID', `s3://${this.name}/${key} is not what Prestage writes there.`, {
        hint: 'It was changed by hand, or by another version of Prestage. Versions of it are kept: `aws s3api list-object-versions`.',
        context: { url: `s3://${this.name}/${key}` },
        cause,
      });
    }
  }

  /** An object's size in bytes; undefined where there is none. */
  async sizeOf(key: string): Promise<number | undefined> {
    const found = await asAws(this.#asked('s3:GetObject', key), () =>
      this.client.send(new HeadObjectCommand({ Bucket: this.name, Key: key })).catch(undefinedWhere(404)),
    );
    return found && (found.ContentLength ?? 0);
  }

  /** @returns the new object's ETag; undefined where the condition did not hold, and nothing was put */
  async putJson(key: string, value: unknown, condition?: PutCondition): Promise<string | undefined> {
    return this.put(key, `${JSON.stringify(value)}\n`, condition);
  }

  /** @returns the new object's ETag; undefined where the condition did not hold, and nothing was put */
  async put(key: string, body: string | Uint8Array, condition?: PutCondition): Promise<string | undefined> {
    const put = await asAws(this.#asked('s3:PutObject', key), () =>
      this.client
        .send(
          new PutObjectCommand({
            Bucket: this.name,
            Key: key,
            Body: Buffer.from(body),
            ChecksumSHA256: Buffer.from(sha256(body), 'hex').toString('base64'),
            ...(condition && 'ifNoneMatch' in condition ? { IfNoneMatch: '*' } : {}),
            ...(condition && 'ifMatch' in condition ? { IfMatch: condition.ifMatch } : {}),
          }),
        )
        .catch(condition === undefined ? rethrow : undefinedWhere(412, 409, 404)),
    );
    return put?.ETag;
  }

  /** Puts a template where CloudFormation may read it. @returns its URL */
  async putTemplate(template: string): Promise<string> {
    const key = `templates/${sha256(template)}.json`;
    await this.put(key, template);
    const region = await this.client.config.region();
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    return `https://${this.name}.s3.${region}.${suffix}/${key}`;
  }

  /** The keys that begin with `prefix`, in the order of their bytes. */
  async list(prefix: string): Promise<string[]> {
    return (await this.listObjects(prefix)).map(({ key }) => key);
  }

  async listObjects(prefix: string): Promise<ListedObject[]> {
    const found: ListedObject[] = [];
    for await (const page of this.#pages({ Prefix: prefix }))
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? [])
        found.push({ key: Key, size: Size, writtenAt: LastModified?.getTime() ?? 0 });
    return found;
  }

  /** What follows `prefix` in keys, up to the next slash: names of folders, as it were. */
  async listNames(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages({ Prefix: prefix, Delimiter: '/' }))
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1));
    return names;
  }

  async delete(...keys: string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
      const Objects = keys.slice(from, from + DELETED_AT_ONCE).map((Key) => ({ Key }));
      const { Errors = [] } = await asAws(this.#asked('s3:DeleteObject'), () =>
        this.client.send(new DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: true } })),
      );
      const [first] = Errors;
      if (first !== undefined)
        throw new PrestageError(
          'AWS_FAILED',
          `s3://${this.name}/${first.Key} could not be deleted: ${first.Message}.`,
          {
            hint: 'Fix what it says, and run the same command again.',
          },
        );
    }
  }

  /** Deletes an object if it is still the one with this ETag. @returns whether it was */
  async deleteIf(key: string, etag: string): Promise<boolean> {
    const deleted = await asAws(this.#asked('s3:DeleteObject', key), () =>
      this.client
        .send(new DeleteObjectCommand({ Bucket: this.name, Key: key, IfMatch: etag }))
        .catch(undefinedWhere(412, 409, 404)),
    );
    return deleted !== undefined;
  }

  async #read(key: string): Promise<ReadObject<string> | undefined> {
    return asAws(this.#asked('s3:GetObject', key), async () => {
      let now = Date.now();
      const command = new GetObjectCommand({ Bucket: this.name, Key: key });
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          const { headers } = result.response as { headers?: Record<string, string> };
          now = Date.parse(headers?.date ?? '') || now;
          return result;
        },
        { step: 'deserialize', priority: 'low' },
      );
      const found = await this.client.send(command).catch(undefinedWhere(404));
      if (found === undefined) return undefined;
      return {
        value: (await found.Body?.transformToString()) ?? '',
        etag: found.ETag ?? '',
        age: now - (found.LastModified?.getTime() ?? now),
      };
    });
  }

  async *#pages(what: { Prefix: string; Delimiter?: string }): AsyncGenerator<ListObjectsV2CommandOutput> {
    let ContinuationToken: string | undefined;
    do {
      const page = await asAws(this.#asked('s3:ListBucket', what.Prefix), () =>
        this.client.send(
          new ListObjectsV2Command({
            Bucket: this.name,
            ...what,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        ),
      );
      yield page;
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  #asked(action: string, key = '') {
    return { action, resource: `s3://${this.name}/${key}` };
  }
}

function undefinedWhere(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    if (statuses.includes($metadata?.httpStatusCode ?? 0) && (error as Error).name !== 'NoSuchBucket') return undefined;
    throw error;
  };
}

function rethrow(error: unknown): never {
  throw error;
}
