import { join } from 'node:path';
import { type Config, type PackageConfig, type Problem, problemsError } from '../config/index.js';
import { mapBounded } from '../core/bounded.js';
import { PrestageError, withoutCredentials } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { paced } from '../core/paced.js';
import { shownPath } from '../core/shown-path.js';
import {
  type Environment,
  type InputLocations,
  type PackagePlan,
  planPackage,
  planRelease,
  RECIPE_FORMAT,
  type ReleasePlan,
  type ServicesPlan,
} from '../plan/index.js';
import { publishFile } from '../store/index.js';
import { DigestCache, type Reading } from './digest-cache.js';
import { Inputs } from './inputs.js';
import { type LockedSource, type LockedSources, lockfileText, readLockfile } from './lockfile.js';
import { resolveScripts } from './resolve-scripts.js';
import { type PinRemote, resolveSource, type SourceContext } from './resolve-source.js';
import { resolveSteps } from './resolve-steps.js';
import { SourceFailures } from './source-failures.js';

export interface ResolveOptions {
  /** Pin remote sources again. */
  updateLock?: boolean;
  /** Packages and services of these names alone: the plan is of no more, and other sources stay locked as they are. */
  only?: readonly string[];
  pinRemote: PinRemote;
  emit: Emit;
  signal?: AbortSignal;
}

/** Every input by its digest, and with that the release's identity. */
export interface Resolved {
  config: Config;
  environment: Environment;
  plan: ReleasePlan;
  inputs: InputLocations;
  services: ServicesPlan;
  lockfile: Lockfile;
  /** By package: of each step of its recipe, which one of the configuration it comes from, from 0. */
  stepIndices: ReadonlyMap<string, readonly number[]>;
  /** Packages whose source is not there, with what is wrong: they can be known and deployed, but not prepared. */
  absent: ReadonlyMap<string, Problem>;
}

/** What prestage.lock would be. */
export interface Lockfile {
  path: string;
  text: string;
  changed: boolean;
  /** Sources that are locked for the first time or again; their names without credentials. */
  changes: { source: string; sha256: string; previous?: string }[];
}

/**
 * Pins every source and hashes every input. Changes nothing but the cache of digests; the lockfile is written by
 * `writeLockfile`.
 * @throws CONFIG_FILE_MISSING, CONFIG_SCRIPT, CONFIG_INVALID, INTEGRITY_MISMATCH
 *   (all such problems in one error, and what is wrong with sources beside it), LOCKFILE_INVALID, SOURCE_MOVED, SOURCE_UNSAFE, SOURCE_CHANGED, and what pinRemote throws
 */
export async function resolve(whole: Config, options: ResolveOptions): Promise<Resolved> {
  const { emit, signal, pinRemote, updateLock = false, only } = options;
  const config = only === undefined ? whole : partOf(whole, only);
  const { environment } = config;
  const path = join(config.folder, 'prestage.lock');
  const [cache, lock] = await Promise.all([DigestCache.open(config.folder), readLockfile(path)]);
  const inputs = new Inputs(config.folder, cache, { signal, onRead: tellOfLarge(emit) });
  const locking = { locked: lock.sources, updateLock, pinRemote, pins: new Map<string, Promise<LockedSource>>() };

  const absent = new Map<string, Problem>();
  const failures = new SourceFailures(config, signal);

  let complete = false;
  try {
    const [packages, scripts] = await Promise.all([
      resolvePackages({ config, environment, inputs, locking, absent }, failures),
      resolveScripts(config.services.services, inputs),
    ]);
    failures.throwAny(inputs.problems.length > 0 ? [problemsError(config.file, config.locate, inputs.problems)] : []);
    complete = true;
    return {
      config,
      environment,
      plan: planRelease(
        config.name,
        packages.map(({ plan }) => plan),
        scripts,
      ),
      inputs: inputs.all(),
      services: config.services,
      lockfile: await nextLockfile(path, lock, locking.pins, (name) => only !== undefined || config.isElsewhere(name)),
      stepIndices: new Map(packages.map(({ plan, indices }) => [plan.id, indices])),
      absent,
    };
  } finally {
    await cache.save({ complete });
  }
}

/** @throws CONFIG_FILE_MISSING where one of these packages is to be prepared and its source is not there */
export function demandSources({ config, absent }: Pick<Resolved, 'config' | 'absent'>, ids: readonly string[]): void {
  const problems = ids.flatMap((id) => absent.get(id) ?? []);
  if (problems.length > 0) throw problemsError(config.file, config.locate, problems);
}

/** Writes prestage.lock where it changed. Only `deploy` does. */
export async function writeLockfile({ lockfile }: Pick<Resolved, 'lockfile'>): Promise<void> {
  if (!lockfile.changed) return;
  try {
    await publishFile(lockfile.path, lockfile.text, { mode: 0o666 & ~process.umask() });
  } catch (cause) {
    const errno = cause instanceof PrestageError ? cause.context.errno : undefined;
    if (typeof errno !== 'string' || !['EACCES', 'EPERM', 'EROFS'].includes(errno)) throw cause;
    throw new PrestageError(
      'STORE_UNWRITABLE',
      `${shownPath(lockfile.path)} cannot be written: the project's folder is read-only for this user (${errno}).`,
      {
        hint: 'The lockfile belongs beside the configuration. Make the folder writable, or commit a complete lockfile and deploy again.',
        context: { path: lockfile.path, errno },
        cause,
      },
    );
  }
}

function partOf(config: Config, names: readonly string[]): Config {
  const { packages, services } = config;
  return {
    ...config,
    packages: packages.filter(({ id }) => names.includes(id)),
    services: { ...services, services: services.services.filter(({ name }) => names.includes(name)) },
  };
}

interface ResolvedPackage {
  plan: PackagePlan;
  indices: number[];
}

async function resolvePackages(context: SourceContext, failures: SourceFailures): Promise<ResolvedPackage[]> {
  const plans = await mapBounded(context.config.packages, 8, (item) => resolvePackage(item, context, failures));
  return plans.flat();
}

async function resolvePackage(
  item: PackageConfig,
  context: SourceContext,
  failures: SourceFailures,
): Promise<ResolvedPackage[]> {
  const [source, { steps, indices }] = await Promise.all([
    failures.attempt(item, () => resolveSource(item, context)),
    resolveSteps(item, context.inputs),
  ]);
  if (source === undefined) return [];
  const recipe = { format: RECIPE_FORMAT, package: item.id, ...source, steps } as const;
  return [{ plan: planPackage(item.id, item.destination, recipe, item), indices }];
}

async function nextLockfile(
  path: string,
  before: { text: string; sources: LockedSources },
  pins: ReadonlyMap<string, Promise<LockedSource>>,
  isKept: (name: string) => boolean,
): Promise<Lockfile> {
  const names = [...pins].sort(([a], [b]) => (a < b ? -1 : 1));
  const pinned = await Promise.all(names.map(async ([name, pin]) => [name, await pin] as const));
  const kept = Object.entries(before.sources).filter(([name]) => isKept(name));
  const sources: LockedSources = Object.fromEntries([...kept, ...pinned]);
  const changes = pinned.flatMap(([name, { sha256 }]) => {
    const previous = Object.hasOwn(before.sources, name) ? before.sources[name]?.sha256 : undefined;
    if (previous === sha256) return [];
    return [{ source: withoutCredentials(name), sha256, ...(previous === undefined ? {} : { previous }) }];
  });
  const text = lockfileText(sources);
  return { path, text, changed: text !== before.text.replaceAll('\r\n', '\n'), changes };
}

/** What takes seconds to read is told while it is read: a digest of a file that did not change comes from the cache. */
const LARGE_BYTES = 128 * 1024 * 1024;

function tellOfLarge(emit: Emit): (path: string, sizeBytes: number) => Reading | undefined {
  return (path, bytesTotal) => {
    if (bytesTotal < LARGE_BYTES) return undefined;
    const source = shownPath(path);
    const started = performance.now();
    const isTime = paced();
    emit({ type: 'digest.started', source, bytesTotal });
    return {
      progressed(bytes) {
        if (isTime()) emit({ type: 'digest.progress', source, bytes, bytesTotal });
      },
      finished() {
        const durationMs = Math.round(performance.now() - started);
        emit({ type: 'digest.finished', source, bytes: bytesTotal, durationMs });
      },
    };
  };
}
