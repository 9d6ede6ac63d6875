import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../api/aws-failure.js';
import type { Bucket } from './bucket.js';

/** What is put, and how it is known that it is right. */
export interface Upload {
  key: string;
  /** In bytes. */
  size: number;
  /** All of it, from the start. It is read once, and throws at its end where it is not what it is to be. */
  content: AsyncIterable<Buffer>;
  signal: AbortSignal;
  /** Called with the bytes that are there, as they grow. */
  onProgress(bytes: number): void;
}

/** At least as large as S3 wants (5 MiB), large enough that few requests are made, small enough to hold a few in memory. */
const PART_BYTES = 8 * 1024 * 1024;
/** S3 takes no more. */
const MAX_PARTS = 10_000;
/** Parts that are under way at once; each is in memory. */
const PARTS_IN_FLIGHT = 4;

/**
 * Puts an object, in parts at once where it is large. S3 verifies each part's checksum. What is interrupted, whether by an error, the
 * signal or a kill, goes on the next time from the parts that are there. An object appears whole or not at all.
 */
export async function uploadObject(bucket: Bucket, upload: Upload): Promise<void> {
  if (upload.size <= PART_BYTES) return putWhole(bucket, upload);
  try {
    await putInParts(bucket, upload);
  } catch (error) {
    // Another command was at the same upload, and has completed it.
    const isCompleted = error instanceof PrestageError && error.context.awsCode === 'NoSuchUpload';
    if (!isCompleted || (await bucket.sizeOf(upload.key)) !== upload.size) throw error;
  }
}

async function putWhole({ client, name }: Bucket, { key, size, content, signal, onProgress }: Upload): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const Body = Buffer.concat(chunks);
  await asAws({ action: 's3:PutObject', resource: `s3://${name}/${key}` }, () =>
    client.send(new PutObjectCommand({ Bucket: name, Key: key, Body, ChecksumSHA256: checksum(Body) }), {
      abortSignal: signal,
    }),
  ).catch(orAborted(signal));
  onProgress(size);
}

async function putInParts(bucket: Bucket, upload: Upload): Promise<void> {
  const { client, name } = bucket;
  const { key, size, signal, onProgress } = upload;
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
  const asked = { action: 's3:PutObject', resource: `s3://${name}/${key}` };
  const begun = (await unfinished(bucket, key)) ?? (await begin(bucket, key));
  const parts: { PartNumber: number; ETag: string; ChecksumSHA256: string }[] = [];
  let there = 0;
  const done = (bytes: number) => {
    there += bytes;
    onProgress(there);
  };
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    let PartNumber = 0;
    for await (const Body of inParts(upload.content, partBytes)) {
      PartNumber += 1;
      const number = PartNumber;
      const ChecksumSHA256 = checksum(Body);
      const known = begun.parts.get(number);
      if (known?.checksum === ChecksumSHA256) {
        parts[number - 1] = { PartNumber: number, ETag: known.etag, ChecksumSHA256 };
        done(Body.length);
        continue;
      }
      const part: Promise<void> = asAws(asked, () =>
        client.send(
          new UploadPartCommand({
            Bucket: name,
            Key: key,
            UploadId: begun.id,
            PartNumber: number,
            Body,
            ChecksumSHA256,
          }),
          { abortSignal: signal },
        ),
      )
        .then(({ ETag = '' }) => {
          parts[number - 1] = { PartNumber: number, ETag, ChecksumSHA256 };
          done(Body.length);
        })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underWay.delete(part));
      underWay.add(part);
      if (underWay.size >= PARTS_IN_FLIGHT) await Promise.race(underWay);
      if (failures.length > 0) break;
    }
  } catch (error) {
    await Promise.all(underWay);
    // What was read is not what it was to be: none of the parts is worth keeping.
    signal.throwIfAborted();
    await forget(bucket, key, begun.id);
    throw error;
  }
  await Promise.all(underWay);
  if (failures.length > 0) return orAborted(signal)(failures[0]);
  await asAws(asked, () =>
    client.send(
      new CompleteMultipartUploadCommand({
        Bucket: name,
        Key: key,
        UploadId: begun.id,
        MultipartUpload: { Parts: parts },
      }),
    ),
  );
}

interface Begun {
  id: string;
  /** Those that are there, by number. */
  parts: ReadonlyMap<number, { etag: string; checksum: string }>;
}

async function begin({ client, name }: Bucket, key: string): Promise<Begun> {
  const { UploadId = '' } = await asAws({ action: 's3:PutObject', resource: `s3://${name}/${key}` }, () =>
    client.send(new CreateMultipartUploadCommand({ Bucket: name, Key: key, ChecksumAlgorithm: 'SHA256' })),
  );
  return { id: UploadId, parts: new Map() };
}

/** An upload of the same object that was interrupted. */
async function unfinished({ client, name }: Bucket, key: string): Promise<Begun | undefined> {
  const { Uploads = [] } = await asAws({ action: 's3:ListBucketMultipartUploads', resource: `s3://${name}/` }, () =>
    client.send(new ListMultipartUploadsCommand({ Bucket: name, Prefix: key })),
  );
  const id = Uploads.find((upload) => upload.Key === key)?.UploadId;
  if (id === undefined) return undefined;
  const parts = new Map<number, { etag: string; checksum: string }>();
  let marker: string | undefined;
  do {
    const page = await asAws({ action: 's3:ListMultipartUploadParts', resource: `s3://${name}/${key}` }, () =>
      client.send(
        new ListPartsCommand({
          Bucket: name,
          Key: key,
          UploadId: id,
          ...(marker === undefined ? {} : { PartNumberMarker: marker }),
        }),
      ),
    );
    for (const { PartNumber = 0, ETag = '', ChecksumSHA256 = '' } of page.Parts ?? [])
      parts.set(PartNumber, { etag: ETag, checksum: ChecksumSHA256 });
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return { id, parts };
}

async function forget({ client, name }: Bucket, key: string, UploadId: string): Promise<void> {
  await client.send(new AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId })).catch(() => {});
}

/** The same bytes in pieces of one size, but for the last. */
async function* inParts(content: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let held = 0;
  for await (const chunk of content) {
    let rest = chunk;
    while (held + rest.length >= bytes) {
      const head = rest.subarray(0, bytes - held);
      yield Buffer.concat([...chunks, head]);
      rest = rest.subarray(head.length);
      chunks = [];
      held = 0;
    }
    if (rest.length > 0) chunks.push(rest);
    held += rest.length;
  }
  if (held > 0) yield Buffer.concat(chunks);
}

function checksum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function orAborted(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    throw error;
  };
}
