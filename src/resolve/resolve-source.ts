import { basename, isAbsolute, relative } from 'node:path';
import { type Config, isUsedWhole, type PackageConfig, type Problem } from '../config/index.js';
import { PrestageError, withoutCredentials } from '../core/errors.js';
import type { ServerAccess } from '../core/server-access.js';
import { shownPath } from '../core/shown-path.js';
import {
  blobUrl,
  type Environment,
  keyBaseName,
  plainName,
  type Recipe,
  type RecipeInput,
  type S3Access,
  type Source,
  s3Url,
  sourceName,
  urlBaseName,
} from '../plan/index.js';
import { type Inputs, type LocalInput, Missing } from './inputs.js';
import type { LockedSource, LockedSources } from './lockfile.js';

/** Downloads a remote source, or asks its server, once; injected by who can (deploy/). */
export type PinRemote = (source: {
  url: string;
  access?: ServerAccess | undefined;
  /** Who asks which server for an object on S3. */
  endpoint?: string | undefined;
  profile?: string | undefined;
  /** Whether a checksum is beside it. */
  isMaven?: boolean;
  /** What is meant of what is in a registry. */
  layer?: string | number | undefined;
  platform?: string | undefined;
  integrity?: string;
  package: string;
}) => Promise<LockedSource>;

/** The lockfile while a configuration is resolved: as it was, and as it will be. */
export interface Locking {
  locked: LockedSources;
  updateLock: boolean;
  pinRemote: PinRemote;
  /** By the source's name; several packages may have the same source. */
  pins: Map<string, Promise<LockedSource>>;
}

export interface SourceContext {
  config: Config;
  environment: Environment;
  inputs: Inputs;
  locking: Locking;
  /** Sources that the lockfile knows and that are not there, by package: what is wrong where their bytes are needed. */
  absent: Map<string, Problem>;
}

/** A package's source by its digest; undefined, with a problem noted, where there is none. @throws SOURCE_MOVED, INTEGRITY_MISMATCH, and what pinRemote throws */
export async function resolveSource(
  item: PackageConfig,
  context: SourceContext,
): Promise<Pick<Recipe, 'source' | 'extract'> | undefined> {
  const { source } = item;
  switch (source.kind) {
    case 'local':
      return resolveLocal(item, source.written, context);
    case 'http':
    case 'oci':
    case 's3': {
      const input = await resolveRemote(item, source, context);
      // What a layer is called is known when it is pinned.
      const isWhole = source.kind === 'oci' && item.extract === 'auto' && isUsedWhole(input.name);
      return { source: input, extract: isWhole ? 'single' : item.extract };
    }
  }
}

async function resolveLocal(item: PackageConfig, written: string, context: SourceContext) {
  const { inputs, locking } = context;
  const key = ['packages', item.id, 'source'];
  const own = ownFolderInside(inputs.absolute(written), context);
  if (own !== undefined) {
    inputs.problems.push({
      path: key,
      expected: 'a folder that Prestage does not write to',
      found: `one that holds ${own}`,
    });
    return undefined;
  }
  const found = await inputs.localOrProblem(written, key);
  const input = found instanceof Missing ? lockedInput(item, written, found, context) : found;
  if (!input) return undefined;
  const { kind, name, sha256, size } = input;
  locking.pins.set(sourceName(item.source), Promise.resolve({ sha256, size, ...(kind === 'folder' ? { kind } : {}) }));
  checkIntegrity(item, input, inputs);
  return { source: { kind, name, sha256 }, extract: kind === 'folder' ? folderExtract(item, inputs) : item.extract };
}

/**
 * A source that is not there, as the lockfile knows it: with that the release is known, and where its tree is prepared,
 * nobody needs the bytes. `integrity` says more of the source than the lockfile does, so the two must agree.
 */
function lockedInput(
  { id, source, integrity }: PackageConfig,
  written: string,
  { isAbsent, problem }: Missing,
  { inputs, locking: { locked }, absent }: SourceContext,
): LocalInput | undefined {
  const name = sourceName(source);
  const pin = isAbsent && Object.hasOwn(locked, name) ? locked[name] : undefined;
  if (!pin || (integrity !== undefined && integrity !== pin.sha256)) {
    inputs.problems.push(problem);
    return undefined;
  }
  absent.set(id, problem);
  const path = inputs.absolute(written);
  return { kind: pin.kind ?? 'file', name: basename(path), sha256: pin.sha256, path, size: pin.size };
}

/** The digest of a folder that holds the configuration or the store would change with every run. */
function ownFolderInside(path: string, { config, environment }: SourceContext): string | undefined {
  const own = [config.folder, ...(environment.target === 'local' ? [environment.root] : [])];
  const inside = own.find((folder) => !relative(path, folder).startsWith('..') && !isAbsolute(relative(path, folder)));
  return inside === undefined
    ? undefined
    : inside === config.folder
      ? "the configuration's own folder"
      : `the store (${shownPath(inside)})`;
}

function checkIntegrity({ id, integrity }: PackageConfig, { sha256, path }: LocalInput, { problems }: Inputs): void {
  if (integrity === undefined || integrity === sha256) return;
  problems.push({
    path: ['packages', id, 'integrity'],
    expected: `sha256:${integrity}`,
    found: `sha256:${sha256} at ${shownPath(path)}`,
    code: 'INTEGRITY_MISMATCH',
  });
}

/** A folder is taken as it is, whatever `extract` may say of archives: so that is one recipe, not three. */
function folderExtract({ id, extract }: PackageConfig, { problems }: Inputs): Recipe['extract'] {
  if (typeof extract === 'object') {
    problems.push({
      path: ['packages', id, 'extract'],
      expected: 'no extract beside a folder, which is taken whole',
      found: 'one',
    });
  }
  return 'auto';
}

type RemoteSource = Extract<Source, { kind: 'http' | 'oci' | 's3' }>;

async function resolveRemote(
  item: PackageConfig,
  source: RemoteSource,
  { inputs, locking }: SourceContext,
): Promise<RecipeInput> {
  const pin = await pinOnce(item, source, locking);
  const { integrity } = item;
  if (integrity !== undefined && integrity !== pin.sha256) {
    const isLocked = !locking.updateLock && Object.hasOwn(locking.locked, sourceName(source));
    throw isLocked ? moved(item, pin.sha256, integrity) : wrongIntegrity(item, pin.sha256, integrity);
  }
  inputs.locate(pin.sha256, {
    ...placeOf(item, source, pin),
    size: pin.size,
    ...(integrity === undefined ? {} : { pinnedBy: 'integrity' as const }),
  });
  return { kind: 'file', name: nameOf(item, source, pin), sha256: pin.sha256 };
}

function nameOf({ id }: PackageConfig, source: RemoteSource, { name = id }: LockedSource): string {
  switch (source.kind) {
    case 'http':
      return urlBaseName(source.url, id);
    case 'oci':
      return plainName(name.split('/').at(-1) ?? '', id);
    case 's3':
      return keyBaseName(source.key, id);
  }
}

/** The lockfile's `version` is an ETag, in quotes, or the id of a version that S3 keeps. Only the latter can be asked for. */
function placeOf({ access }: PackageConfig, source: RemoteSource, { version, sha256 }: LockedSource) {
  const letIn = access === undefined ? {} : { access };
  if (source.kind === 'http') return { kind: 'http' as const, url: urlOf(source), ...letIn };
  if (source.kind === 'oci') return { kind: 'oci' as const, url: blobUrl(source, sha256), ...letIn };
  const versionId = version === undefined || version.includes('"') ? {} : { versionId: version };
  return { kind: 's3' as const, url: urlOf(source), ...versionId, ...askedBy(source) };
}

function askedBy({ endpoint, profile }: S3Access): S3Access {
  return { ...(endpoint === undefined ? {} : { endpoint }), ...(profile === undefined ? {} : { profile }) };
}

function urlOf(source: RemoteSource): string {
  if (source.kind === 'oci') return source.written;
  return source.kind === 's3' ? s3Url(source) : source.url.href;
}

function pinOnce(
  item: PackageConfig,
  source: RemoteSource,
  { locked, updateLock, pinRemote, pins }: Locking,
): Promise<LockedSource> {
  const name = sourceName(source);
  const known =
    pins.get(name) ??
    (updateLock ? undefined : Object.hasOwn(locked, name) ? Promise.resolve(locked[name]) : undefined);
  const { integrity } = item;
  const pin =
    known ??
    pinRemote({
      url: urlOf(source),
      access: item.access,
      ...(source.kind === 's3' ? askedBy(source) : {}),
      ...(source.kind === 'oci' ? { layer: source.layer, platform: source.platform } : {}),
      isMaven: source.kind === 'http' && source.isMaven === true,
      package: item.id,
      ...(integrity === undefined ? {} : { integrity: `sha256:${integrity}` }),
    });
  pins.set(name, pin as Promise<LockedSource>);
  return pin as Promise<LockedSource>;
}

function moved({ id, source }: PackageConfig, locked: string, integrity: string): PrestageError {
  const url = withoutCredentials(source.written);
  return new PrestageError(
    'SOURCE_MOVED',
    `prestage.lock pins sha256:${locked}, and the configuration's integrity is sha256:${integrity}: package ${id} from ${url}`,
    {
      hint: 'If the new one is meant, run again with --update-lock; if not, correct `integrity` in the configuration.',
      context: { package: id, url, expected: locked, found: integrity },
    },
  );
}

/** Another package with the same source was asked for first, and no lockfile is in the way: only `integrity` is. */
function wrongIntegrity({ id, source }: PackageConfig, found: string, integrity: string): PrestageError {
  const url = withoutCredentials(source.written);
  return new PrestageError(
    'INTEGRITY_MISMATCH',
    `package ${id} from ${url} is sha256:${found}, and its integrity in the configuration is sha256:${integrity}`,
    {
      hint: 'If the new one is meant, correct `integrity` in the configuration; if not, the source.',
      context: { package: id, url, expected: integrity, found },
    },
  );
}
