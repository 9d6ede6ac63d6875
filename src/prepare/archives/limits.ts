import { type ArchivePlace, archiveError } from './archive-error.js';

/** What an archive may hold at most. The defaults pass every installer that was seen, and stop every bomb. */
export interface ArchiveLimits {
  entries: number;
  /** Bytes of all files together. */
  totalBytes: number;
  /** Bytes of files for each byte of the archive, once there are more than `RATIO_FREE_BYTES` of them. */
  ratio: number;
  /** Folders above an entry, and itself. */
  depth: number;
}

export const DEFAULT_LIMITS: ArchiveLimits = {
  entries: 1_000_000,
  totalBytes: 64 * 1024 ** 3,
  // Deflate's best is 1032; a file of nothing but zeros comes near it, an installer does not.
  ratio: 1000,
  depth: 64,
};

/** Small archives may compress as well as they like. */
const RATIO_FREE_BYTES = 100 * 1024 ** 2;

/** Counts what was unpacked from one archive. Each method throws ARCHIVE_LIMIT where that is too much. */
export class Budget {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;
  /** Bytes of the archive that were read so far. */
  consumed = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  get maxEntries(): number {
    return this.#limits.entries;
  }

  entry(place: ArchivePlace): void {
    this.#entries += 1;
    if (this.#entries <= this.#limits.entries) return;
    throw archiveError('ARCHIVE_LIMIT', place, `is one more than the ${this.#limits.entries} that an archive may have`);
  }

  /** A file's size, before its content is read. */
  size(place: ArchivePlace, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#limits.totalBytes) return;
    throw archiveError(
      'ARCHIVE_LIMIT',
      place,
      `brings the archive's files to more than ${this.#limits.totalBytes} bytes`,
    );
  }

  /** What came of the bytes consumed so far. */
  ratio(place: ArchivePlace, bytes = this.#bytes, consumed = this.consumed): void {
    if (bytes <= RATIO_FREE_BYTES || bytes <= this.#limits.ratio * consumed) return;
    throw archiveError('ARCHIVE_LIMIT', place, `unpacks to more than ${this.#limits.ratio} times its size`);
  }

  depth(place: ArchivePlace, path: string): void {
    if (path.length <= this.#limits.depth || path.split('/').length <= this.#limits.depth) return;
    throw archiveError('ARCHIVE_LIMIT', place, `is more than ${this.#limits.depth} folders deep`);
  }
}
