import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { PrestageError } from '../../core/errors.js';
import type { Emit, PrestageEvent } from '../../core/events.js';
import { rename, rm } from '../../core/held-files.js';
import { paced } from '../../core/paced.js';
import { type InputLocations, isRemote } from '../../plan/index.js';
import type { RetryPolicy } from '../../remote/index.js';
import { type Checksum, checksumBeside, checksumMismatch } from './checksum-beside.js';
import { type Announcement, inspect, openDownload } from './download.js';
import { existingSize } from './local-size.js';
import { findLayer, type LayerChoice } from './oci-layer.js';
import type { Origin } from './origin.js';
import { type KeptPin, PinCache } from './pin-cache.js';
import { type RemoteAddress, Remotes } from './remotes.js';

export interface RemoteSource extends RemoteAddress, LayerChoice {
  /** Whether it is in a Maven repository, which has its checksum beside it. */
  isMaven?: boolean;
  /** `sha256-<base64>` or `sha256:<hex>`. */
  integrity?: string | undefined;
  /** Whose source it is, for events. */
  package: string;
}

export interface PinOptions {
  /** Where downloads are kept, each under its SHA-256. A cache: it may be deleted at any time. */
  cacheFolder: string;
  signal: AbortSignal;
  emit: Emit;
}

export interface RemotePin {
  sha256: string;
  size: number;
  /** The server's name for this version: its ETag, or the id of an object's version on S3. */
  version?: string;
  /** The title of a layer. */
  name?: string;
}

/** Learns what remote sources are now, for one command. */
export class RemotePins {
  readonly #remotes = new Remotes();
  readonly #options: PinOptions;

  constructor(options: PinOptions) {
    this.#options = options;
  }

  pin(source: RemoteSource): Promise<RemotePin> {
    return pinRemote(source, this.#remotes, this.#options);
  }

  close(): Promise<void> {
    return this.#remotes.close();
  }
}

/** When a release is prepared: the downloads that pinned its sources are needed no more. */
export function removeCopies(cacheFolder: string, inputs: InputLocations): Promise<void> {
  const digests = Object.entries(inputs).flatMap(([digest, location]) => (isRemote(location) ? [digest] : []));
  return new PinCache(cacheFolder).remove(new Set(digests));
}

/**
 * Where `integrity` says the digest, or the server of an object does, the headers tell the rest; else it is downloaded
 * once, and preparation uses that copy. A digest that a server says is believed no more than its bytes would be: what is
 * prepared must have it.
 * @throws SOURCE_UNREACHABLE, SOURCE_REFUSED, SOURCE_MOVED (it changed while it was fetched), INTEGRITY_MISMATCH, AWS_SETTINGS
 */
async function pinRemote(source: RemoteSource, remotes: Remotes, options: PinOptions): Promise<RemotePin> {
  const { signal, emit } = options;
  const cache = new PinCache(options.cacheFolder);
  const policy: RetryPolicy = {
    signal,
    onRetry: (retry) => emit({ type: 'package.retry', package: source.package, ...retry }),
  };
  if (source.url.startsWith('oci://')) return pinLayer(source, remotes, policy);
  const origin = remotes.origin(source);
  const wanted = source.integrity === undefined ? undefined : digestOfIntegrity(source.integrity);
  const checksum = source.isMaven && wanted === undefined ? await checksumBeside(source, remotes, policy) : undefined;
  if (source.isMaven && wanted === undefined && checksum === undefined) emit(withoutChecksum(source));
  const said = checksum?.algorithm === 'sha256' ? checksum.value : undefined;
  const found = await cache.find(source);
  const kept = found?.validator === undefined ? undefined : found;
  const asks = wanted !== undefined || said !== undefined || origin.knowsDigests || kept !== undefined;
  const announced = asks ? await announcement(origin, policy) : undefined;
  const pin =
    pinByHeaders(wanted ?? said ?? announced?.sha256, announced) ??
    pinByCopy(kept, announced) ??
    (await download(source, { cache, origin, policy, emit, checksum, known: announced?.size }));
  if (wanted !== undefined && pin.sha256 !== wanted) throw integrityMismatch(source, wanted, pin.sha256);
  return pin;
}

/** Its manifest has the digest of a layer, so nothing of the layer is fetched. */
async function pinLayer(source: RemoteSource, remotes: Remotes, policy: RetryPolicy): Promise<RemotePin> {
  const originOf = (url: string) => remotes.manifest({ ...source, url });
  const { sha256, size, title, manifest } = await findLayer(source.url, source, { originOf, policy });
  return { sha256, size, version: manifest, ...(title === undefined ? {} : { name: title }) };
}

function pinByHeaders(sha256: string | undefined, announced: Announcement | undefined): RemotePin | undefined {
  const { size, version } = announced ?? {};
  if (sha256 === undefined || size === undefined) return undefined;
  return { sha256, size, ...(version === undefined ? {} : { version }) };
}

/** What was fetched before, where the server says that it is still the same. */
function pinByCopy(kept: KeptPin | undefined, announced: Announcement | undefined): RemotePin | undefined {
  if (kept === undefined || announced === undefined || announced.validator !== kept.validator) return undefined;
  if (announced.size !== undefined && announced.size !== kept.size) return undefined;
  const { sha256, size, version } = kept;
  return { sha256, size, ...(version === undefined ? {} : { version }) };
}

/** The locations, with those remote ones that `pinRemote` downloaded pointing to their copies as well. */
export async function locateCached(inputs: InputLocations, cacheFolder: string): Promise<InputLocations> {
  const cache = new PinCache(cacheFolder);
  const located = Object.entries(inputs).map(async ([sha256, location]) => {
    const copy = cache.copyOf(sha256);
    if (!isRemote(location) || (await existingSize(copy)) === undefined) return [sha256, location] as const;
    const pin = await cache.find(location);
    const said = pin?.sha256 === sha256 && pin.said !== undefined ? { said: pin.said } : {};
    return [sha256, { ...location, cached: copy, ...said }] as const;
  });
  return Object.fromEntries(await Promise.all(located));
}

/** Undefined where the server refuses HEAD, as it does for addresses that are signed for GET alone. */
async function announcement(origin: Origin, policy: RetryPolicy): Promise<Announcement | undefined> {
  try {
    return await inspect(origin, policy);
  } catch (error) {
    if (error instanceof PrestageError && error.code === 'SOURCE_REFUSED') return undefined;
    throw error;
  }
}

interface Fetching {
  cache: PinCache;
  origin: Origin;
  policy: RetryPolicy;
  emit: Emit;
  /** What the bytes must have, beside what is pinned. */
  checksum?: Checksum | undefined;
  /** The size that the server announced, in bytes. */
  known: number | undefined;
}

/** Written under a fresh name and renamed when complete, so that runs side by side never see a part of a file. */
async function download(source: RemoteSource, fetching: Fetching): Promise<RemotePin> {
  const { cache, origin, policy, emit, checksum, known } = fetching;
  const started = performance.now();
  const isTime = paced();
  await mkdir(cache.folder, { recursive: true });
  const staged = join(cache.folder, `.download-${randomBytes(8).toString('hex')}`);
  try {
    const { chunks, size: announced, version, validator, said } = await openDownload(origin, policy, known);
    const about = { package: source.package, ...(announced === undefined ? {} : { bytesTotal: announced }) };
    emit({ type: 'fetch.started', ...about });
    const hash = createHash('sha256');
    const sum = checksum && createHash(checksum.algorithm);
    let size = 0;
    const handle = await open(staged, 'wx', 0o644);
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        sum?.update(chunk);
        await handle.writeFile(chunk);
        size += chunk.length;
        if (isTime()) emit({ type: 'fetch.progress', ...about, bytes: size });
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const found = sum?.digest('hex');
    if (checksum && found !== checksum.value) throw checksumMismatch(source, checksum, found ?? '');
    const pin = { sha256: hash.digest('hex'), size, ...(version === undefined ? {} : { version }) };
    await rename(staged, cache.copyOf(pin.sha256));
    await cache.keep(source, { ...pin, validator, said });
    const durationMs = Math.round(performance.now() - started);
    emit({ type: 'fetch.finished', package: source.package, bytes: size, durationMs });
    return pin;
  } finally {
    await rm(staged, { force: true });
  }
}

function withoutChecksum({ url }: RemoteSource): PrestageEvent {
  return {
    type: 'warning',
    message: `${url} has no checksum beside it (.sha256, .sha1), so it is pinned as it came.`,
    hint: 'Give the package an `integrity` where you know its digest.',
  };
}

function digestOfIntegrity(integrity: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/i.exec(integrity)?.[1];
  if (hex !== undefined) return hex.toLowerCase();
  return Buffer.from(integrity.replace(/^sha256-/, ''), 'base64').toString('hex');
}

function integrityMismatch(source: RemoteSource, expected: string, found: string): PrestageError {
  return new PrestageError(
    'INTEGRITY_MISMATCH',
    `${source.url} is not what its integrity says: expected ${expected}, found ${found}.`,
    {
      hint: 'Correct `integrity` in the configuration, or the source, whichever is wrong.',
      context: { package: source.package, url: source.url, expected, found },
    },
  );
}
