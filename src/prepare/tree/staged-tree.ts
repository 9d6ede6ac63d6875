import { chmod, lstat, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../core/digest.js';
import { asPrestageError, errnoOf, PrestageError } from '../../core/errors.js';
import { foldedPath } from '../../core/folded-path.js';
import { rmdir, unlink } from '../../core/held-files.js';
import { quoted } from '../../core/shortened.js';
import type { TreeEntry } from '../../store/index.js';
import type { Acceptance } from './acceptance.js';
import { createFileFrom, SmallFileWriter } from './file-writer.js';
import { checkLink, checkLinkTarget } from './link-check.js';
import type { Tree } from './tree.js';
import { checkTreePath, parentOf } from './tree-path.js';
import { type Lane, WriteQueue } from './write-queue.js';

/** System calls that one tree may have under way: as many as there are threads (docs/decisions/0004). */
export const TREE_CONCURRENCY = 64;
/** Files up to this size are held in memory and written by one call. */
const SMALL_FILE_BYTES = 1024 * 1024;

/**
 * A tree in a fresh folder that nobody else writes. All that is known about it is in memory, so nothing is ever asked of
 * the file system, and no path is followed that another entry could have turned into a link.
 *
 * `entries` says at once what a call changes; the file system follows, in order for each path. Calls resolve when their
 * work is accepted (writes are many, and none waits for another); a failure is thrown by the next call and by `settled`.
 */
export class StagedTree implements Tree {
  readonly #folder: string;
  readonly #queue: WriteQueue;
  readonly #smallFiles = new SmallFileWriter();
  readonly #entries = new Map<string, TreeEntry>();
  /** For each folder, where its jobs wait. */
  readonly #lanes = new Map<string, Lane>([['', { jobs: [], open: true }]]);
  /** For each path with work to come: when the last of it has ended. */
  readonly #last = new Map<string, Promise<void>>();
  /** Paths that are not their own folded form, by it. */
  readonly #folded = new Map<string, string>();
  /** Folders whose mode on disk is still 755: one without the right to write would refuse what is to come. */
  readonly #modesToSet = new Set<string>();
  #linksToCheck = false;
  /** Links that may lead out, with the targets to which they may. */
  readonly #outside = new Map<string, string>();
  #acceptance: Acceptance | undefined;

  /** @param folder an empty folder @param options.concurrency how many system calls may be under way */
  constructor(folder: string, options: { concurrency: number }) {
    this.#folder = folder;
    this.#queue = new WriteQueue(options.concurrency);
  }

  get entries(): ReadonlyMap<string, TreeEntry> {
    return this.#entries;
  }

  accept(acceptance: Acceptance | undefined): void {
    this.#acceptance = acceptance;
  }

  absolute(path: string): string {
    this.#check(path);
    return join(this.#folder, path);
  }

  async read(path: string): Promise<Buffer> {
    this.#check(path);
    await this.#last.get(path);
    this.#queue.throwFailure();
    this.#fileAt(path);
    return readFile(this.absolute(path)).catch((error: unknown) => {
      throw asPrestageError(error, { path: this.absolute(path) });
    });
  }

  async write(path: string, content: Uint8Array, mode?: number): Promise<void> {
    const file = this.#makePlaceFor(path, mode);
    this.#set(path, { type: 'file', mode: file.mode, size: content.length, sha256: sha256(content) });
    this.#schedule(path, content.length, async () => {
      if (file.replaces) await unlink(file.at);
      await this.#smallFiles.create(file.at, content, file.mode);
    });
    await this.#queue.room();
  }

  async writeStream(path: string, content: AsyncIterable<Uint8Array>, mode: number, sizeHint = 0): Promise<void> {
    const head = sizeHint > SMALL_FILE_BYTES ? { chunks: [], rest: content } : await readHead(content);
    if (head.rest === undefined) return this.write(path, Buffer.concat(head.chunks), mode);
    const rest = head.rest;
    const file = this.#makePlaceFor(path, mode);
    // Replaced by what was written when that is known; until then the path must be taken.
    const placeholder: TreeEntry = { type: 'file', mode, size: 0, sha256: '' };
    this.#set(path, placeholder);
    let failure: { error: unknown } | undefined;
    await this.#schedule(path, SMALL_FILE_BYTES, async () => {
      try {
        if (file.replaces) await unlink(file.at);
        const written = await createFileFrom(file.at, chain(head.chunks, rest), mode);
        if (this.#entries.get(path) === placeholder) this.#set(path, { type: 'file', mode, ...written });
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    if (failure) throw failure.error;
    this.#queue.throwFailure();
  }

  async makeFolder(path: string, mode?: number): Promise<void> {
    this.#check(path);
    this.#queue.throwFailure();
    this.#makeParents(parentOf(path));
    const existing = this.#entries.get(path);
    if (existing && existing.type !== 'dir') throw taken(path, existing);
    if (!existing) this.#createFolder(path);
    if (mode !== undefined && mode !== this.#modeOf(path)) await this.chmod(path, mode);
    await this.#queue.room();
  }

  async makeLink(path: string, target: string): Promise<void> {
    this.#check(path);
    if (checkLinkTarget(path, target, this.#acceptance) === 'outside') this.#outside.set(path, target);
    this.#queue.throwFailure();
    this.#makeParents(parentOf(path));
    const existing = this.#entries.get(path);
    if (existing?.type === 'dir') throw taken(path, existing);
    this.#set(path, { type: 'link', target });
    this.#linksToCheck = true;
    this.#schedule(path, 0, async () => {
      if (existing) await unlink(this.absolute(path));
      await symlink(target, this.absolute(path));
    });
    await this.#queue.room();
  }

  async remove(path: string): Promise<void> {
    this.#check(path);
    const entry = this.#existing(path);
    this.#openFolder(parentOf(path));
    if (entry.type === 'dir') return this.#removeFolder(path);
    this.#delete(path);
    this.#schedule(path, 0, () => unlink(this.absolute(path)));
    await this.#queue.room();
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.#check(path);
    await this.#last.get(path);
    this.#queue.throwFailure();
    const entry = this.#existing(path);
    if (entry.type === 'link') throw notAFile(path, 'a link, which has no mode of its own');
    if (entry.mode === mode) return;
    this.#set(path, { ...entry, mode });
    if (entry.type === 'dir') {
      this.#modesToSet.add(path);
      return;
    }
    this.#schedule(path, 0, () => chmod(this.absolute(path), mode));
    await this.#queue.room();
  }

  async settled(): Promise<void> {
    await this.#queue.drained();
    if (this.#linksToCheck) {
      for (const [path, entry] of this.#entries) {
        if (entry.type !== 'link' || this.#outside.get(path) === entry.target) continue;
        const leads = checkLink(this.#entries, path, entry.target, this.#acceptance);
        if (leads === 'outside') this.#outside.set(path, entry.target);
      }
      this.#linksToCheck = false;
    }
    const deepestFirst = [...this.#modesToSet].sort((a, b) => b.length - a.length);
    this.#modesToSet.clear();
    // One after the other: they are few, and a folder that may not be entered must come after what is in it.
    for (const path of deepestFirst) await chmod(this.absolute(path), this.#modeOf(path)).catch(rethrow);
  }

  /** What is there already was checked when it came. */
  #check(path: string): void {
    if (!this.#entries.has(path)) checkTreePath(path, this.#acceptance);
  }

  /** Checks a file's path, makes its parents, and says what it will be. */
  #makePlaceFor(path: string, mode: number | undefined): { at: string; mode: number; replaces: boolean } {
    this.#check(path);
    this.#queue.throwFailure();
    this.#makeParents(parentOf(path));
    const existing = this.#entries.get(path);
    if (existing && existing.type !== 'file') throw taken(path, existing);
    return { at: join(this.#folder, path), mode: mode ?? existing?.mode ?? 0o644, replaces: existing !== undefined };
  }

  #makeParents(folder: string): void {
    const missing: string[] = [];
    let at = folder;
    for (; at !== ''; at = parentOf(at)) {
      const entry = this.#entries.get(at);
      if (entry?.type === 'dir') break;
      if (entry) throw throughNoFolder(folder, at, entry);
      missing.push(at);
    }
    this.#openFolder(at);
    for (const path of missing.reverse()) this.#createFolder(path);
  }

  /** The parent must exist. */
  #createFolder(path: string): void {
    this.#set(path, { type: 'dir', mode: 0o755 });
    const lane: Lane = { jobs: [], open: false };
    this.#schedule(path, 0, async () => {
      await this.#smallFiles.makeFolder(this.absolute(path));
      this.#queue.openLane(lane);
    });
    this.#lanes.set(path, lane);
  }

  /** Makes a folder writable again whose final mode is set and would not allow it. */
  #openFolder(path: string): void {
    const entry = this.#entries.get(path);
    const lane = this.#lanes.get(path);
    if (entry?.type !== 'dir' || !lane || (entry.mode & 0o300) === 0o300 || this.#modesToSet.has(path)) return;
    this.#openFolder(parentOf(path));
    this.#modesToSet.add(path);
    this.#queue.closeLane(lane);
    this.#schedule(path, 0, async () => {
      await chmod(this.absolute(path), 0o755);
      this.#queue.openLane(lane);
    });
  }

  async #removeFolder(path: string): Promise<void> {
    const doomed = [path, ...[...this.#entries.keys()].filter((key) => key.startsWith(`${path}/`))];
    for (const key of doomed) this.#openFolder(key);
    // What was removed from it before may not be gone yet.
    const emptied = new Map<string, Promise<void>[]>();
    for (const [key, ended] of this.#last) {
      if (!key.startsWith(`${path}/`) || this.#entries.has(key)) continue;
      emptied.set(parentOf(key), [...(emptied.get(parentOf(key)) ?? []), ended]);
    }
    // Longer paths first: what is in a folder goes before it.
    for (const key of doomed.sort((a, b) => b.length - a.length)) {
      const isFolder = this.#entries.get(key)?.type === 'dir';
      this.#delete(key);
      const removeIt = () => (isFolder ? rmdir(this.absolute(key)) : unlink(this.absolute(key)));
      const gone = this.#schedule(key, 0, removeIt, Promise.all(emptied.get(key) ?? []));
      const siblings = emptied.get(parentOf(key));
      if (siblings) siblings.push(gone);
      else emptied.set(parentOf(key), [gone]);
    }
    await this.#queue.room();
  }

  /** Adds work for a path, after all earlier work for it; resolves when it has ended, well or not. */
  #schedule(path: string, bytes: number, run: () => Promise<void>, after?: Promise<unknown>): Promise<void> {
    const lane = this.#lanes.get(parentOf(path));
    if (lane === undefined) throw new Error(`no folder for ${path}`);
    const earlier = this.#last.get(path);
    const before = earlier && after ? Promise.all([earlier, after]) : (earlier ?? after);
    const { ended } = this.#queue.add(
      lane,
      bytes,
      () =>
        run().catch((error: unknown) => {
          throw asPrestageError(error, { path: this.absolute(path) }); // a call on a descriptor does not say of which file
        }),
      before,
    );
    this.#last.set(path, ended);
    void ended.then(() => {
      if (this.#last.get(path) === ended) this.#last.delete(path);
    });
    return ended;
  }

  #set(path: string, entry: TreeEntry): void {
    if (!this.#entries.has(path)) this.#claim(path);
    this.#entries.set(path, entry);
  }

  #claim(path: string): void {
    const folded = foldedPath(path);
    const other = this.#folded.get(folded) ?? (folded !== path && this.#entries.has(folded) ? folded : undefined);
    if (other !== undefined && other !== path) {
      const refusal = () => collision(path, other);
      if (this.#acceptance === undefined) throw refusal();
      this.#acceptance.judge('case', path, refusal);
      this.#schedule(path, 0, () => this.#expectApart(path, other), this.#last.get(other));
    }
    if (folded !== path) this.#folded.set(folded, path);
  }

  /** Two names that a person takes for two may be one to the file system. */
  async #expectApart(path: string, other: string): Promise<void> {
    const isThere = await lstat(this.absolute(path)).then(
      () => true,
      (error: unknown) => (errnoOf(error) === 'ENOENT' ? false : rethrow(error)),
    );
    if (!isThere) return;
    throw new PrestageError(
      'ARCHIVE_UNSAFE',
      `The file system of the store takes ${quoted(path)} and ${quoted(other)} for one.`,
      {
        hint: 'That `case` is accepted does not help there. Prepare on Linux, or leave one out with `exclude`.',
        context: { path, other, reason: 'collision' },
      },
    );
  }

  #delete(path: string): void {
    this.#entries.delete(path);
    this.#modesToSet.delete(path);
    const folded = foldedPath(path);
    if (this.#folded.get(folded) === path) this.#folded.delete(folded);
  }

  #existing(path: string): TreeEntry {
    this.#queue.throwFailure();
    const entry = this.#entries.get(path);
    if (entry) return entry;
    throw new PrestageError('STEP_FILE_MISSING', `There is no ${JSON.stringify(path)} in the tree.`, {
      hint: 'Check the path against the listing of the archive (after `strip`), and the steps before this one.',
      context: { path },
    });
  }

  #fileAt(path: string): void {
    const { type } = this.#existing(path);
    if (type !== 'file') throw notAFile(path, type === 'dir' ? 'a folder' : 'a link');
  }

  #modeOf(path: string): number {
    const entry = this.#entries.get(path);
    return entry?.type === 'dir' ? entry.mode : 0o755;
  }
}

/** Reads a stream until it is clear that it is not small; `rest` is undefined where it ended. */
async function readHead(
  content: AsyncIterable<Uint8Array>,
): Promise<{ chunks: Uint8Array[]; rest: AsyncIterable<Uint8Array> | undefined }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const iterator = content[Symbol.asyncIterator]();
  while (bytes <= SMALL_FILE_BYTES) {
    const next = await iterator.next();
    if (next.done) return { chunks, rest: undefined };
    chunks.push(next.value);
    bytes += next.value.length;
  }
  return { chunks, rest: { [Symbol.asyncIterator]: () => iterator } };
}

async function* chain(head: Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* head;
  yield* rest;
}

function rethrow(error: unknown): never {
  throw asPrestageError(error);
}

function kindOf(entry: TreeEntry): string {
  return { dir: 'a folder', file: 'a file', link: 'a link' }[entry.type];
}

function collision(path: string, other: string): PrestageError {
  return new PrestageError(
    'ARCHIVE_UNSAFE',
    `${JSON.stringify(path)} and ${JSON.stringify(other)} differ only in case or in Unicode form.`,
    {
      hint: 'On some systems they are one file, and one would overwrite the other. Leave one out with `exclude`.',
      context: { path, other, reason: 'collision' },
    },
  );
}

function taken(path: string, entry: TreeEntry): PrestageError {
  return new PrestageError(
    'ARCHIVE_UNSAFE',
    `${JSON.stringify(path)} is ${kindOf(entry)} already, and is not replaced by something else.`,
    {
      hint: 'Two entries claim this path. Leave one out with `exclude`, or remove the one that is there with a `remove` step.',
      context: { path, reason: 'replaces' },
    },
  );
}

function throughNoFolder(path: string, at: string, entry: TreeEntry): PrestageError {
  return new PrestageError(
    'ARCHIVE_UNSAFE',
    `The path below ${JSON.stringify(path)} leads through ${JSON.stringify(at)}, which is ${kindOf(entry)}.`,
    {
      hint: 'Nothing is written through a link: it may lead anywhere. Leave the link or what is below it out with `exclude`.',
      context: { path, through: at, reason: 'through-link' },
    },
  );
}

function notAFile(path: string, what: string): PrestageError {
  return new PrestageError('STEP_INVALID', `${JSON.stringify(path)} is ${what}.`, {
    hint: 'Name a file instead.',
    context: { path },
  });
}
