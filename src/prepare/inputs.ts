import { mkdir, readFile, stat } from 'node:fs/promises';
import { mapBounded } from '../core/bounded.js';
import { sha256 } from '../core/digest.js';
import { asPrestageError, errnoOf, PrestageError } from '../core/errors.js';
import { rereading } from '../core/rereading.js';
import {
  type InputLocation,
  type InputLocations,
  isRemote,
  type RecipeInput,
  type RemoteLocation,
  type ScriptPlan,
} from '../plan/index.js';
import type { RetryPolicy } from '../remote/index.js';
import { findScript, removeAll } from '../store/index.js';
import { readRemoteFile } from './sources/http-source.js';
import { unpackFolder } from './sources/packed-folder.js';
import { refetching } from './sources/refetching.js';
import type { Remotes } from './sources/remotes.js';
import { isMissing, unreadable } from './sources/unreadable.js';
import { StagedTree, TREE_CONCURRENCY } from './tree/staged-tree.js';

/** Scripts that are read, or fetched, at once. */
const SCRIPTS_AT_ONCE = 16;

/** Where an input is. A plan and its locations are made together, so that one is missing is nobody's typing error. */
export function locationOf(inputs: InputLocations, digest: string, name: string): InputLocation {
  const location = inputs[digest];
  if (location !== undefined) return location;
  throw new PrestageError('INTERNAL', `The job does not say where ${name} (${digest}) is.`, {
    hint: 'This is a defect of Prestage. Report it with the configuration.',
    context: { file: name, expected: digest },
  });
}

/** Fails now for a local input that is not there, rather than after minutes of work on others. @throws CONFIG_FILE_MISSING */
export async function demandInput(inputs: InputLocations, { sha256: digest, name }: RecipeInput): Promise<void> {
  const location = locationOf(inputs, digest, name);
  if (isRemote(location) || location.kind === 'packed') return;
  const found = await rereading(() => stat(location.path)).catch(absentOrThrow);
  const isRight = typeof found !== 'string' && (location.kind === 'file' ? found.isFile() : found.isDirectory());
  if (isRight) return;
  throw new PrestageError(
    'CONFIG_FILE_MISSING',
    `The ${location.kind} ${location.path} ${typeof found === 'string' ? `cannot be read (${found})` : `is not a ${location.kind}`}.`,
    { hint: 'Put it where the configuration says, and run the same command again.', context: { path: location.path } },
  );
}

function absentOrThrow(error: unknown): string {
  if (isMissing(error)) return errnoOf(error) ?? 'unknown';
  throw asPrestageError(error);
}

/** How inputs are got at, wherever they are. */
export interface InputAccess {
  inputs: InputLocations;
  remotes: Remotes;
  retry: RetryPolicy;
}

/** A small input in full: a patch, a script, a file to copy. @throws SOURCE_CHANGED, CONFIG_FILE_MISSING, SOURCE_MOVED, SOURCE_UNREACHABLE */
export async function readInput(access: InputAccess, digest: string, name = digest): Promise<Buffer> {
  const location = locationOf(access.inputs, digest, name);
  if (isRemote(location)) return fetchInput(access, location, digest);
  if (location.kind !== 'file') throw new TypeError(`${name} is not a file`);
  const content = await rereading(() => readFile(location.path)).catch((cause: unknown) => {
    throw unreadable(location.path, cause);
  });
  const found = sha256(content);
  if (found === digest) return content;
  throw new PrestageError('SOURCE_CHANGED', `The file ${location.path} changed since its digest was taken.`, {
    hint: 'Wait until whatever writes it is done, then run the same command again: the new content gets its own digest.',
    context: { path: location.path, expected: digest, found },
  });
}

async function fetchInput({ remotes, retry }: InputAccess, location: RemoteLocation, digest: string): Promise<Buffer> {
  const file = { ...location, sha256: digest };
  return refetching(async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of readRemoteFile(remotes, file, retry)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }, retry);
}

/**
 * The path of a folder input; the copying step compares the digest of its listing. One that is packed is unpacked to `scratch`,
 * which is not there before.
 */
export async function folderInput(access: InputAccess, digest: string, scratch: string): Promise<string> {
  const location = locationOf(access.inputs, digest, 'a folder');
  if (location.kind === 'folder') return location.path;
  if (location.kind !== 'packed') throw new TypeError(`${digest} is not a folder`);
  await refetching(async () => {
    await removeAll(scratch);
    await mkdir(scratch, { mode: 0o755 });
    const tree = new StagedTree(scratch, { concurrency: TREE_CONCURRENCY });
    await unpackFolder(tree, { ...location, sha256: digest }, access);
  }, access.retry);
  return scratch;
}

/** The hosts' scripts with their contents. One that is kept from an earlier release, with `--only`, is read there. */
export function readScripts(
  access: InputAccess,
  scripts: readonly ScriptPlan[],
  root: string,
): Promise<{ path: string; content: Uint8Array }[]> {
  return mapBounded(scripts, SCRIPTS_AT_ONCE, async (script) => {
    const { path, sha256 } = script;
    const kept = sha256 in access.inputs ? undefined : await findScript(root, script);
    return { path, content: kept ?? (await readInput(access, sha256, path)) };
  });
}
