import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { mapBounded } from '../../../core/bounded.js';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { paced } from '../../../core/paced.js';
import {
  type AwsEnvironment,
  type InputLocation,
  type InputLocations,
  isReadByRole,
  isRemote,
} from '../../../plan/index.js';
import type { PrepareJob } from '../../target.js';
import type { Bucket } from './bucket.js';
import { bucketsElsewhere } from './buckets-elsewhere.js';
import { sourceKey } from './layout.js';
import { packFolder } from './pack-folder.js';
import { uploadObject } from './upload-object.js';

/** Objects that are put at once; a large one has up to five parts of 8 MiB in memory, so that all need 160 MiB at most. */
const IN_FLIGHT = 4;
const LOOKS_IN_FLIGHT = 32;

export interface UploadOptions extends CommandContext {
  /** Where machines reach S3 in one region alone: that one. Sources in buckets of another are put into ours. */
  onlyRegion?: string;
}

/** A VPC of our own has no other way for workers than an endpoint of S3, which is of its region. */
export function reachOf({ region, network }: AwsEnvironment): Pick<UploadOptions, 'onlyRegion'> {
  return network.kind === 'own' ? { onlyRegion: region } : {};
}

/**
 * Puts into the bucket what a worker needs and cannot reach: files and folders of this machine, and what is on servers, to which a
 * worker has no way. Each is there once, under its digest; what is there already is not even read.
 * @returns where a worker finds each input
 * @throws SOURCE_CHANGED, SOURCE_MOVED, SOURCE_UNREACHABLE, AWS_FAILED; the signal's reason
 */
export async function uploadInputs(
  bucket: Bucket,
  { inputs }: PrepareJob,
  options: UploadOptions,
): Promise<InputLocations> {
  const { signal, onlyRegion } = options;
  const elsewhere = onlyRegion === undefined ? new Set() : await bucketsElsewhere(inputs, onlyRegion, signal);
  const planned = Object.entries(inputs).map(([digest, location]) => {
    const stays = location.kind === 'packed' || (isReadByRole(location) && !elsewhere.has(new URL(location.url).host));
    return stays ? inPlace(digest, location) : toBucket(bucket, digest, location);
  });
  const found = await mapBounded(planned, LOOKS_IN_FLIGHT, async ({ key }) =>
    key === undefined ? undefined : bucket.sizeOf(key),
  );
  const sizes = new Map(planned.map(({ digest }, index) => [digest, found[index]]));
  const missing = planned.filter(({ digest, key }) => key !== undefined && sizes.get(digest) === undefined);
  // Large ones first, so that the last to end is not one that began last.
  missing.sort((a, b) => b.size - a.size);
  await mapBounded(missing, IN_FLIGHT, async (input) => {
    sizes.set(input.digest, await put(bucket, input, options));
  });
  return Object.fromEntries(planned.map(({ digest, locate }) => [digest, locate(sizes.get(digest) ?? 0)]));
}

interface Planned {
  digest: string;
  location: InputLocation;
  name: string;
  /** Where it is to be put; undefined where it stays where it is. */
  key: string | undefined;
  size: number;
  /** Where it is then, for an object of this size. */
  locate(size: number): InputLocation;
}

function inPlace(digest: string, location: Extract<InputLocation, { kind: 's3' | 'packed' }>): Planned {
  const there = location.kind === 's3' ? withoutCopy(location) : location;
  return { digest, location, name: digest, key: undefined, size: 0, locate: () => there };
}

function toBucket(bucket: Bucket, digest: string, location: Exclude<InputLocation, { kind: 'packed' }>): Planned {
  const isFolder = location.kind === 'folder';
  const name = nameOf(location) + (isFolder ? '.tar' : '');
  const key = sourceKey(digest, name);
  const url = `s3://${bucket.name}/${key}`;
  // On S3 too it is what a server sent: a page in the place of a file, perhaps.
  const said = location.kind === 'http' ? { said: location.said ?? {} } : {};
  return {
    digest,
    location,
    name,
    key,
    size: location.size ?? 0,
    locate: (size) => (isFolder ? { kind: 'packed', url, size } : { kind: 's3', url, size, ...said }),
  };
}

/** A copy on this machine is nothing to a worker. */
function withoutCopy({ cached: _, ...location }: Extract<InputLocation, { kind: 's3' }>): InputLocation {
  return location;
}

/** For people who look into the bucket; the digest is what counts. */
function nameOf(location: Exclude<InputLocation, { kind: 'packed' }>): string {
  const path = isRemote(location) ? new URL(location.url).pathname : location.path.replaceAll('\\', '/');
  return posix.basename(path).replace(/[^A-Za-z0-9._-]/g, '_') || 'source';
}

/** @returns the object's size */
async function put(
  bucket: Bucket,
  { digest, location, name, key = '' }: Planned,
  options: UploadOptions,
): Promise<number> {
  const { emit, signal } = options;
  const started = performance.now();
  const isTime = paced();
  const { size, content, close } = await open(digest, location, options);
  emit({ type: 'upload.started', source: name, bytesTotal: size });
  const onProgress = (bytes: number) => {
    if (isTime()) emit({ type: 'upload.progress', source: name, bytes, bytesTotal: size });
  };
  try {
    await uploadObject(bucket, { key, size, content, signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await close();
  }
  emit({ type: 'upload.finished', source: name, bytes: size, durationMs: Math.round(performance.now() - started) });
  return size;
}

interface Opened {
  size: number;
  content: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

async function open(digest: string, location: InputLocation, { emit, signal }: UploadOptions): Promise<Opened> {
  const close = async () => {};
  switch (location.kind) {
    case 'folder':
      return { ...(await packFolder(location.path, digest, signal)), close };
    case 'file':
      return { size: location.size, content: provenFile(location.path, digest, location.size, signal), close };
    case 'http':
    case 'oci':
    case 's3': {
      const size = location.cached === undefined ? undefined : await sizeOfFile(location.cached);
      if (location.cached !== undefined && size !== undefined)
        return { size, content: provenFile(location.cached, digest, size, signal), close };
      const { openRemote } = await import('../../../prepare/index.js');
      return openRemote({ ...location, sha256: digest }, { emit, signal });
    }
    default:
      throw new PrestageError('INTERNAL', `${location.url} is to be uploaded, and is on S3 already.`);
  }
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

/** A file's bytes; ends with an error where they are not those of the digest. */
async function* provenFile(path: string, digest: string, size: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let read = 0;
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read > size) break;
    hash.update(chunk);
    yield chunk;
  }
  const found = read > size ? `more than ${size} bytes` : hash.digest('hex');
  if (found === digest) return;
  throw new PrestageError('SOURCE_CHANGED', `The file ${path} changed since its digest was taken.`, {
    hint: 'Wait until whatever writes it is done, then run the same command again: the new content gets its own digest.',
    context: { path, expected: digest, found },
  });
}
