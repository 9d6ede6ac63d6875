import { createReadStream } from 'node:fs';
import { PrestageError } from '../../core/errors.js';
import type { ArchiveLimits, Departure, NameEncoding } from '../../plan/index.js';
import { Acceptance } from '../tree/acceptance.js';
import type { Tree } from '../tree/tree.js';
import { type ArchivePlace, archiveError } from './archive-error.js';
import { EntryFilter, type Selection } from './entry-filter.js';
import { Budget } from './limits.js';
import { Names } from './names/names.js';

/** Files up to this size are handed over in memory. */
export const SMALL_ENTRY_BYTES = 1024 * 1024;

export interface UnpackOptions extends Selection {
  /** Folder of the tree to unpack into; absent or '': its root. */
  to?: string | undefined;
  limits?: ArchiveLimits | undefined;
  /** How names are read that the archive does not say to be UTF-8. */
  encoding?: NameEncoding | undefined;
  /** Rules that the archive may break. */
  accept?: readonly Departure[] | undefined;
  /** For entries that are encrypted. */
  password?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Called often: bytes of the source that were read, files that were accepted. */
  onProgress?: ((progress: { bytes: number; files: number }) => void) | undefined;
}

/**
 * What the readers of all formats do with an entry: decide whether and where it goes, check it, write it. Readers know
 * formats and nothing of trees; rules about names, links, modes and limits are here and in the tree, once.
 */
export class Unpacker {
  readonly archive: string;
  readonly budget: Budget;
  readonly names: Names;
  /** Asked by readers, too, where an archive breaks a rule that it may be allowed to break. */
  readonly acceptance: Acceptance;
  readonly password: string | undefined;
  /** Files and links. */
  files = 0;
  /** Bytes of the files. */
  bytes = 0;
  readonly #tree: Tree;
  readonly #filter: EntryFilter;
  readonly #prefix: string;
  readonly #options: UnpackOptions;
  /** Paths of the files and links of this archive. */
  readonly #seen = new Set<string>();
  /** Paths of devices and the like, which are left out. */
  readonly #devices = new Set<string>();
  #entries = 0;

  constructor(archive: string, tree: Tree, options: UnpackOptions) {
    this.archive = archive;
    this.budget = new Budget(options.limits);
    this.names = new Names(options.encoding);
    this.password = options.password;
    this.acceptance = new Acceptance(options.accept);
    this.#tree = tree;
    this.#filter = new EntryFilter(archive, options, this.acceptance);
    this.#prefix = options.to === undefined || options.to === '' ? '' : `${options.to}/`;
    this.#options = options;
  }

  /** Says that this many bytes of the source were read. @throws what the signal was aborted with */
  consumed(bytes: number): void {
    this.#options.signal?.throwIfAborted();
    this.budget.consumed = bytes;
    this.#options.onProgress?.({ bytes, files: this.files });
  }

  /** Where an entry goes in the tree; undefined where it is left out. @throws ARCHIVE_UNSAFE, ARCHIVE_LIMIT */
  place(name: string, isFolder: boolean): string | undefined {
    const place = { archive: this.archive, entry: name };
    this.budget.entry(place);
    // Archives of a folder's content often list the folder itself, as `./`, or as `/`.
    if (!isFolder && /^[./]*$/.test(name))
      throw archiveError('ARCHIVE_UNSAFE', place, 'is not a folder and has no name', { reason: 'path-empty' });
    // Some programs make a folder of it, others a file.
    if (!isFolder && name.endsWith('/'))
      throw archiveError('ARCHIVE_INVALID', place, 'has the name of a folder and is none', {
        reason: 'headers-differ',
      });
    const path = this.#filter.place(name);
    if (path === undefined) return undefined;
    this.budget.path(place, path);
    this.#entries += 1;
    return this.#prefix + path;
  }

  folder(name: string, path: string): Promise<void> {
    return this.#within(name, () => this.#tree.makeFolder(path, 0o755));
  }

  async file(name: string, path: string, mode: number, content: Uint8Array): Promise<void> {
    await this.#claim(name, path, content.length);
    return this.#within(name, () => this.#tree.write(path, content, normalMode(mode)));
  }

  async stream(
    name: string,
    path: string,
    mode: number,
    size: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#claim(name, path, size);
    return this.#within(name, () => this.#tree.writeStream(path, content, normalMode(mode), size));
  }

  async link(name: string, path: string, target: string): Promise<void> {
    const earlier = this.#seen.has(path) ? this.#tree.entries.get(path) : undefined;
    if (earlier?.type === 'link' && earlier.target === target) return; // twice the same
    await this.#claim(name, path, 0);
    await this.#within(name, () => this.#tree.makeLink(path, target));
  }

  /** A device, a named pipe or a socket, which no tree can hold. @throws ARCHIVE_UNSAFE unless it may be left out */
  async device(name: string, path: string, place: ArchivePlace, what: string): Promise<void> {
    const refusal = () => archiveError('ARCHIVE_UNSAFE', place, what, { reason: 'special-file' });
    this.acceptance.judge('devices', name, refusal);
    await this.#replaceEarlier(name, path);
    this.#devices.add(path);
  }

  /** A hard link becomes a copy of the file that it names, which must have come before it in the archive. */
  async hardLink(name: string, path: string, target: string): Promise<void> {
    const place = { archive: this.archive, entry: name };
    const stripped = this.#filter.stripped(target);
    const from = stripped === undefined ? undefined : this.#prefix + stripped;
    if (from !== undefined && this.#devices.has(from)) return this.device(name, path, place, 'is a device');
    const entry = from !== undefined && this.#seen.has(from) ? this.#tree.entries.get(from) : undefined;
    if (from === undefined || entry === undefined) {
      throw archiveError(
        'ARCHIVE_UNSAFE',
        place,
        `is a hard link to ${JSON.stringify(target)}, which is not unpacked before it`,
        {
          reason: 'hard-link',
          hint: 'A hard link is kept as a copy. Include the file that it names, or leave the link out with `exclude`.',
        },
      );
    }
    if (from === path) return; // a name of itself: some programs write that for a file that they pack twice
    if (entry.type === 'link') return this.link(name, path, entry.target);
    if (entry.type === 'dir') throw archiveError('ARCHIVE_INVALID', place, 'is a hard link to a folder');
    if (entry.size <= SMALL_ENTRY_BYTES) {
      await this.#claim(name, path, entry.size);
      this.budget.ratio(place);
      const { mode } = entry;
      return this.#within(name, async () => this.#tree.write(path, await this.#tree.read(from), mode));
    }
    await this.#within(name, () => this.#tree.settled());
    await this.#claim(name, path, entry.size);
    this.budget.ratio(place);
    const content = createReadStream(this.#tree.absolute(from), { highWaterMark: SMALL_ENTRY_BYTES });
    await this.#within(name, () => this.#tree.writeStream(path, content, entry.mode, entry.size));
  }

  /** Waits for all writes and makes the checks that need all entries. */
  async finish(): Promise<void> {
    this.#filter.checkAllUsed();
    await this.#within(undefined, () => this.#tree.settled());
    if (this.#entries > 0) return;
    throw new PrestageError('STEP_FILE_MISSING', `${this.archive}: nothing was unpacked.`, {
      hint: `The archive is empty, or \`strip\` (here ${this.#options.strip}) and \`include\` leave nothing of it.`,
      context: { file: this.archive },
    });
  }

  /**
   * Whether what follows the end is to be read on: another archive that was joined to it, if that is accepted. It may also be
   * accepted that something follows, whatever it is. @throws the refusal
   */
  goesOn(isArchive: boolean, offset: number, refusal: () => PrestageError): boolean {
    const isJoined =
      isArchive && (this.acceptance.accepts('concatenated') || !this.acceptance.accepts('trailing-data'));
    this.acceptance.judge(isJoined ? 'concatenated' : 'trailing-data', `at byte ${offset}`, refusal);
    return isJoined;
  }

  /** Whether an entry of the archive has this path. */
  isTaken(path: string): boolean {
    return this.#seen.has(path) || this.#devices.has(path);
  }

  /** Says that another entry of this name comes later. @throws ARCHIVE_UNSAFE unless the later one may count */
  duplicate(name: string): void {
    const place = { archive: this.archive, entry: name };
    const refusal = () => archiveError('ARCHIVE_UNSAFE', place, 'is there twice', { reason: 'duplicate' });
    this.acceptance.judge('duplicates', name, refusal);
  }

  async #claim(name: string, path: string, size: number): Promise<void> {
    if (this.isTaken(path)) await this.#replaceEarlier(name, path);
    this.#seen.add(path);
    this.budget.size({ archive: this.archive, entry: name }, size);
    this.files += 1;
    this.bytes += size;
  }

  async #replaceEarlier(name: string, path: string): Promise<void> {
    if (this.#devices.delete(path)) return this.duplicate(name);
    if (!this.#seen.has(path)) return;
    this.duplicate(name);
    this.#seen.delete(path);
    this.files -= 1;
    await this.#within(name, () => this.#tree.remove(path));
  }

  /** Errors of the tree say which archive and entry they came from. */
  async #within(name: string | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw error instanceof PrestageError ? within(error, { archive: this.archive, entry: name }) : error;
    }
  }
}

function within(error: PrestageError, place: ArchivePlace): PrestageError {
  const known = error.context.file !== undefined;
  if (known || !error.code.startsWith('ARCHIVE_')) return error.within({ file: place.archive });
  return error.with({
    message: `${place.archive}: ${error.message}`,
    context: { ...error.context, file: place.archive, ...(place.entry === undefined ? {} : { path: place.entry }) },
  });
}

/** The rule for modes: who may execute a file does not depend on who unpacks it, and nothing else of a mode is kept. */
function normalMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}
