import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { mapBounded } from '../core/bounded.js';
import { canonicalJson, type Json, sha256 } from '../core/digest.js';
import { asPrestageError, PrestageError } from '../core/errors.js';
import { rereading } from '../core/rereading.js';
import type { Flusher } from './flusher.js';
import { leadFolderLink, makeFolder, makeFolderLink } from './folders.js';
import { isStoreName, RECORD_NAME, SCRIPTS_FOLDER, storePaths, temporaryName } from './paths.js';
import { placeFolder } from './place.js';
import { flushFolder, writeNewFile } from './publish-file.js';
import { IN_FLIGHT, ifThere, isAbsent, listAnew } from './reading.js';
import { type ReleaseRecord, releaseRecord } from './release-record.js';
import { removeAll } from './remove.js';
import { setAside } from './set-aside.js';
import { hasTrees } from './trees.js';

export interface PublishRelease {
  root: string;
  run: string;
  record: ReleaseRecord;
  scripts: readonly { path: string; content: Uint8Array }[];
  flusher: Flusher;
  /** What has the name now is wrong: it is set aside. Only for who holds the store's lock. */
  replace?: boolean;
}

/**
 * Makes a release of trees that are in the store: its record, links to the trees, and the hosts' scripts, as a folder
 * that comes to its final name by one rename. Safe without the lock, and to be repeated after any failure.
 *
 * @throws STORE_INVALID where a tree is not there, a script is not what the record says, or another release has that
 * id; DISK_FULL, STORE_UNWRITABLE, STORE_IO.
 */
export async function publishRelease(args: PublishRelease): Promise<'published' | 'existing'> {
  const { root, record } = args;
  const paths = storePaths(root);
  checkRecord(record, args.scripts);
  const folder = join(paths.run(args.run), `release-${record.release}${temporaryName()}`);
  try {
    await demandTrees(root, record);
    await stageRelease(folder, args);
    await args.flusher.flush(folder);
    // A tree that was found here may have got its name from a run that was killed before it flushed that.
    await flushFolder(paths.trees);
    if (args.replace) await setAside(root, paths.release(record.release));
    const published = await placeFolder(folder, paths.release(record.release));
    await flushFolder(paths.releases);
    if (published) return 'published';
    await demandSameRelease(root, record);
    await removeAll(folder);
    return 'existing';
  } catch (error) {
    throw asPrestageError(error, { path: paths.release(record.release) });
  }
}

async function stageRelease(folder: string, { root, record, scripts }: PublishRelease): Promise<void> {
  await makeFolder(folder);
  for (const { destination, tree } of record.packages) {
    const link = join(folder, destination);
    await makeFolder(dirname(link));
    const finalPath = join(storePaths(root).release(record.release), destination);
    await makeFolderLink(linkTarget(destination, tree), link, finalPath);
  }
  for (const { path, content } of scripts) {
    const file = join(folder, SCRIPTS_FOLDER, path);
    await makeFolder(dirname(file));
    await writeNewFile(file, content, 0o755, { flush: false });
  }
  await writeNewFile(join(folder, RECORD_NAME), `${JSON.stringify(record, null, 2)}\n`, 0o644, { flush: false });
}

/** From a destination in a release to the tree: `../../../trees/<tree>` for `opt/installer`. */
export function linkTarget(destination: string, tree: string): string {
  return `${'../'.repeat(destination.split('/').length + 1)}trees/${tree}`;
}

function checkRecord(record: ReleaseRecord, scripts: PublishRelease['scripts']): void {
  const reserved = [RECORD_NAME, posix.dirname(SCRIPTS_FOLDER)];
  for (const path of [...record.packages.map((item) => item.destination), ...scripts.map((script) => script.path)]) {
    const names = path.split('/');
    if (names.every((name) => name !== '' && name !== '.' && name !== '..') && !path.includes('\0')) continue;
    throw wrongRelease(record, `${JSON.stringify(path)} is not a path inside a release`);
  }
  for (const { destination } of record.packages) {
    if (reserved.includes(destination.split('/')[0] ?? ''))
      throw wrongRelease(record, `the destination ${destination} is the store's own`);
  }
  const given = new Map(scripts.map((script) => [script.path, sha256(script.content)]));
  for (const { path, sha256: expected } of record.scripts)
    if (given.get(path) !== expected) throw wrongRelease(record, `the script ${path} is not the one in the record`);
  if (given.size !== record.scripts.length) throw wrongRelease(record, 'it has scripts that are not in the record');
}

async function demandTrees(root: string, record: ReleaseRecord): Promise<void> {
  const trees = record.packages.map((item) => item.tree);
  const there = await hasTrees(root, trees);
  const missing = trees.filter((tree) => !there.has(tree));
  if (missing.length > 0) throw wrongRelease(record, `its trees ${missing.join(', ')} are not in the store`);
}

async function demandSameRelease(root: string, record: ReleaseRecord): Promise<void> {
  const there = await readRelease(root, record.release);
  if (there && contents(there) === contents(record)) return;
  throw wrongRelease(record, 'there is another one of that id in the store');
}

/** What a release is, no matter who made it, when, and with how much work. Its recipes are in it by their digests. */
function contents({ createdAt: _, createdBy: __, prepared: ___, packages, ...rest }: ReleaseRecord): string {
  return canonicalJson({ ...rest, packages: packages.map(({ recipeContent: _, ...item }) => item) } as Json);
}

function wrongRelease(record: ReleaseRecord, reason: string): PrestageError {
  return new PrestageError('STORE_INVALID', `Release ${record.release} cannot be published: ${reason}.`, {
    hint: 'Run the same command again; if it says the same, `prestage verify --deep` finds what is wrong in the store.',
    context: { release: record.release },
  });
}

/** The record of a release; undefined where it is not in the store. @throws STORE_INVALID for a damaged record */
export async function readRelease(root: string, id: string): Promise<ReleaseRecord | undefined> {
  if (!isStoreName(id)) return undefined;
  const path = storePaths(root).releaseRecord(id);
  let text: string | undefined;
  try {
    text = await ifThere(() => readFile(path, 'utf8'));
    if (text === undefined) {
      await listAnew(root, storePaths(root).releases);
      text = await ifThere(() => readFile(path, 'utf8'));
    }
  } catch (error) {
    throw asPrestageError(error, { path });
  }
  return text === undefined ? undefined : parseRecord(text, id, path);
}

function parseRecord(text: string, id: string, path: string): ReleaseRecord {
  try {
    const record = releaseRecord.parse(JSON.parse(text));
    if (record.release !== id) throw new Error(`it is the record of ${record.release}`);
    return record;
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : '';
    throw new PrestageError('STORE_INVALID', `The release record ${path} is damaged: ${reason}.`, {
      hint: `Remove the folder ${dirname(path)}; deploying that release again makes it again from the trees that are there.`,
      context: { path, release: id },
      cause: error,
    });
  }
}

/** All releases, oldest first. One that disappears meanwhile is left out. @throws STORE_INVALID for a damaged record */
export async function listReleases(root: string): Promise<ReleaseRecord[]> {
  const records = await mapBounded(await releaseIds(root), IN_FLIGHT, (id) => readRelease(root, id));
  return records.filter((record) => record !== undefined).sort(byAge);
}

function byAge(a: ReleaseRecord, b: ReleaseRecord): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.release < b.release ? -1 : 1;
}

/** A script by its digest, from whichever release has it; undefined where none has. */
export async function findScript(
  root: string,
  { path, sha256: digest }: { path: string; sha256: string },
): Promise<Uint8Array | undefined> {
  for (const { release, scripts } of (await listReleases(root)).reverse()) {
    if (!scripts.some((script) => script.path === path && script.sha256 === digest)) continue;
    const content = await ifThere(() => readFile(join(storePaths(root).release(release), SCRIPTS_FOLDER, path)));
    if (content && sha256(content) === digest) return content;
  }
  return undefined;
}

/** The names in `releases/`, in code-unit order. */
export async function releaseIds(root: string): Promise<string[]> {
  const { releases } = storePaths(root);
  try {
    const names = (await ifThere(() => readdir(releases))) ?? [];
    return names.filter(isStoreName).sort();
  } catch (error) {
    throw asPrestageError(error, { path: releases });
  }
}

/** The release that `current` names; undefined before the first one. */
export async function currentRelease(root: string): Promise<string | undefined> {
  const { current } = storePaths(root);
  try {
    return basename(await rereading(() => readlink(current)));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw asPrestageError(error, { path: current });
  }
}

/**
 * Moves `current` in one step: anyone who follows it finds the old release or the new one.
 * @throws RELEASE_UNKNOWN, STORE_INVALID, STORE_UNWRITABLE, STORE_IO
 */
export async function setCurrent(root: string, id: string): Promise<void> {
  const { current, releases } = storePaths(root);
  if ((await readRelease(root, id)) === undefined) {
    throw new PrestageError('RELEASE_UNKNOWN', `Release ${id} is not in the store.`, {
      hint: '`prestage releases` lists what is there.',
      context: { release: id },
    });
  }
  try {
    await flushFolder(releases); // the run that gave the release its name may have been killed before it did
  } catch (error) {
    throw asPrestageError(error, { path: releases });
  }
  await leadFolderLink(`releases/${id}`, current);
}
