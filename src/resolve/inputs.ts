import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { KeyPath, Problem } from '../config/index.js';
import { errnoOf } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { rereading } from '../core/rereading.js';
import { shownPath } from '../core/shown-path.js';
import { type InputLocation, type InputLocations, isRemote, listFolder, type RecipeInput } from '../plan/index.js';
import type { DigestCache, DigestOptions } from './digest-cache.js';

/** A local input: what it is in a recipe, and where. */
export interface LocalInput extends RecipeInput {
  /** Absolute. */
  path: string;
  /** Bytes. */
  size: number;
}

/**
 * The digests of what the configuration names on this machine, each path read once, and where each digest's bytes are.
 * What is missing becomes a problem, so that all of it is told at once.
 */
export class Inputs {
  readonly problems: Problem[] = [];
  private readonly folder: string;
  private readonly cache: DigestCache;
  private readonly options: DigestOptions;
  private readonly seen = new Map<string, Promise<LocalInput>>();
  private readonly locations = new Map<string, InputLocation>();

  constructor(folder: string, cache: DigestCache, options: DigestOptions) {
    this.folder = folder;
    this.cache = cache;
    this.options = options;
  }

  absolute(path: string): string {
    return resolve(this.folder, path);
  }

  /** A file or a folder; undefined, with a problem noted, where there is none. `key` is where the configuration names it. */
  async local(path: string, key: KeyPath): Promise<LocalInput | undefined> {
    return this.found(key, 'a file or a folder', this.absolute(path), (absolute) => this.read(absolute));
  }

  /** The same, with the problem given to the caller: a source may be known without being there. */
  localOrProblem(path: string, key: KeyPath): Promise<LocalInput | Missing> {
    return missingOr(key, 'a file or a folder', this.absolute(path), (absolute) => this.read(absolute));
  }

  /** A file; undefined, with a problem noted, where there is none. */
  async file(path: string, key: KeyPath): Promise<LocalInput | undefined> {
    const input = await this.found(key, 'a file', this.absolute(path), (absolute) => this.read(absolute));
    if (input?.kind !== 'folder') return input;
    this.problems.push({
      path: key,
      expected: 'a file',
      found: `a folder at ${shownPath(input.path)}`,
      code: 'CONFIG_FILE_MISSING',
    });
    return undefined;
  }

  /** Does something with a path; a path at which there is nothing to read is a problem. */
  async found<T>(
    key: KeyPath,
    expected: string,
    absolute: string,
    work: (absolute: string) => Promise<T>,
  ): Promise<T | undefined> {
    const found = await missingOr(key, expected, absolute, work);
    if (!(found instanceof Missing)) return found;
    this.problems.push(found.problem);
    return undefined;
  }

  locate(sha256: string, location: InputLocation): void {
    // One of several packages with the same source has an integrity: then that must be corrected if the source moved.
    const known = this.locations.get(sha256);
    if (known !== undefined && isRemote(known) && isRemote(location) && known.pinnedBy !== undefined) return;
    this.locations.set(sha256, location);
  }

  /** By digest, in code-unit order. */
  all(): InputLocations {
    return Object.fromEntries([...this.locations].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private read(absolute: string): Promise<LocalInput> {
    const seen = this.seen.get(absolute) ?? this.readOnce(absolute);
    this.seen.set(absolute, seen);
    return seen;
  }

  private async readOnce(path: string): Promise<LocalInput> {
    const state = await rereading(() => stat(path, { bigint: true }));
    const digest = (each: string, found: typeof state) => this.cache.digest(each, found, this.options);
    const read = state.isDirectory()
      ? { kind: 'folder' as const, ...(await listFolder(path, { digest, signal: this.options.signal })) }
      : { kind: 'file' as const, sha256: await digest(path, state), size: Number(state.size) };
    const { kind, sha256, size } = read;
    this.locate(sha256, { kind, path, size });
    return { kind, name: basename(path), sha256, path, size };
  }
}

/** A path at which there is nothing to read. */
export class Missing {
  readonly problem: Problem;
  /** Nothing is there; else there is something that may not be read. */
  readonly isAbsent: boolean;

  constructor(problem: Problem, isAbsent: boolean) {
    this.problem = problem;
    this.isAbsent = isAbsent;
  }
}

async function missingOr<T>(
  key: KeyPath,
  expected: string,
  absolute: string,
  work: (absolute: string) => Promise<T>,
): Promise<T | Missing> {
  try {
    return await work(absolute);
  } catch (error) {
    const found = FAULTS[errnoOf(error) ?? ''];
    if (found === undefined) throw error;
    const path = (error as { path?: string }).path ?? absolute;
    const problem = {
      path: key,
      expected,
      found: `${found} at ${shownPath(path)}`,
      nearest: await nearestFile(path),
      code: 'CONFIG_FILE_MISSING' as const,
    };
    return new Missing(problem, found === FAULTS.ENOENT);
  }
}

const FAULTS: Record<string, string> = {
  ENOENT: 'nothing',
  ENOTDIR: 'nothing',
  ELOOP: 'a circle of links',
  EACCES: 'something that may not be read',
  EPERM: 'something that may not be read',
};

async function nearestFile(path: string): Promise<string | undefined> {
  const names = await readdir(dirname(path)).catch(() => []);
  return nearest(basename(path), names);
}
