import type { TreeEntry } from '../../store/index.js';
import type { Acceptance } from './acceptance.js';

/**
 * A tree while it is being prepared: a folder in `.staging` that only this process writes, and its listing in memory,
 * kept with every write, so that steps match patterns and the manifest is made without asking the file system.
 *
 * Paths are relative, POSIX, normalised (`conf/app.properties`), never '' or with `.` or `..`. Keys of `entries` are
 * such paths; every parent folder of an entry is an entry. Methods throw ARCHIVE_UNSAFE for a path that is not so, or
 * that leads through a link.
 */
export interface Tree {
  /** Complete once `settled` has resolved. */
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** The absolute path on this machine, for random access by nested archives. */
  absolute(path: string): string;
  read(path: string): Promise<Buffer>;
  /** Creates or replaces a file, and its parent folders. An existing file keeps its mode where none is given; else 644. */
  write(path: string, content: Uint8Array, mode?: number): Promise<void>;
  /** Creates a file from a stream of unknown length, hashing on the way. `sizeHint` decides between buffering and streaming. */
  writeStream(path: string, content: AsyncIterable<Uint8Array>, mode: number, sizeHint?: number): Promise<void>;
  makeFolder(path: string, mode?: number): Promise<void>;
  makeLink(path: string, target: string): Promise<void>;
  /** A file, a link, or a folder with all that is in it. */
  remove(path: string): Promise<void>;
  /** A file or a folder. */
  chmod(path: string, mode: number): Promise<void>;
  /** From now on, which rules what is added may break; undefined: none. What is there already stays accepted. */
  accept(acceptance: Acceptance | undefined): void;
  /** Waits for every write that was started; throws the first failure among them. */
  settled(): Promise<void>;
}
