import type { PrestageError } from '../../core/errors.js';
import type { ArchiveLimits } from '../../plan/index.js';
import { type ArchivePlace, archiveError } from './archive-error.js';

type Limit = keyof ArchiveLimits;

/** Pass every installer that was seen, and stop every bomb. */
export const DEFAULT_LIMITS: Record<Limit, number> = {
  // Deflate's best is 1032; a file of nothing but zeros comes near it, an installer does not.
  ratio: 1000,
  size: 64 * 1024 ** 3,
  count: 1_000_000,
  depth: 64,
  // What file systems allow, and so the tree.
  nameLength: 255,
};

/** Small archives may compress as well as they like. */
const RATIO_FREE_BYTES = 100 * 1024 ** 2;

/** Counts what was unpacked from one archive. Each method throws ARCHIVE_LIMIT where that is too much. */
export class Budget {
  readonly limits: Record<Limit, number>;
  #entries = 0;
  #bytes = 0;
  /** Bytes of the archive that were read so far. */
  consumed = 0;

  constructor(limits: ArchiveLimits = {}) {
    const written = Object.entries(limits).filter(([, value]) => value !== undefined);
    this.limits = { ...DEFAULT_LIMITS, ...Object.fromEntries(written) };
  }

  entry(place: ArchivePlace): void {
    this.#entries += 1;
    const { count } = this.limits;
    if (this.#entries > count)
      throw beyond('count', count, this.#entries, place, `is number ${this.#entries}, and ${count} are allowed`);
  }

  /** A file's size, before its content is read. */
  size(place: ArchivePlace, bytes: number): void {
    this.#bytes += bytes;
    const { size } = this.limits;
    if (this.#bytes <= size) return;
    const what = `brings the archive's files to ${this.#bytes} bytes, and ${size} are allowed`;
    throw beyond('size', size, this.#bytes, place, what);
  }

  /** What came of the bytes consumed so far. */
  ratio(place: ArchivePlace, bytes = this.#bytes, consumed = this.consumed): void {
    const { ratio } = this.limits;
    if (bytes <= RATIO_FREE_BYTES || bytes <= ratio * consumed) return;
    const found = consumed === 0 ? bytes : Math.ceil(bytes / consumed);
    throw beyond('ratio', ratio, found, place, `unpacks to ${found} times its size, and ${ratio} times are allowed`);
  }

  /** How deep an entry lies, and how long its names are. */
  path(place: ArchivePlace, path: string): void {
    const { depth, nameLength } = this.limits;
    if (path.length <= Math.min(depth, nameLength / 3)) return; // no character of UTF-16 has more bytes in UTF-8
    const names = path.split('/');
    if (names.length > depth)
      throw beyond('depth', depth, names.length, place, `is ${names.length} names deep, and ${depth} are allowed`);
    if (nameLength >= DEFAULT_LIMITS.nameLength) return; // then it is for the tree to refuse
    const longest = Math.max(...names.map((name) => Buffer.byteLength(name)));
    if (longest > nameLength)
      throw beyond(
        'nameLength',
        nameLength,
        longest,
        place,
        `has a name of ${longest} bytes, and ${nameLength} are allowed`,
      );
  }
}

/** Not of what could be left out: how many entries there are, and how well they compress, is so before any is. */
const BY_LEAVING_OUT: readonly Limit[] = ['size', 'depth', 'nameLength'];

/** ARCHIVE_LIMIT, with what was allowed, what was found, and the key to raise. */
export function beyond(limit: Limit, allowed: number, found: number, place: ArchivePlace, what: string): PrestageError {
  const key = `limits.${limit}`;
  const or = BY_LEAVING_OUT.includes(limit) ? ', or leave out with `exclude` what is not needed' : '';
  return archiveError('ARCHIVE_LIMIT', place, `${what} (\`${key}\`)`, {
    reason: limit,
    hint: `If the archive is right, raise \`${key}\` of the package${or}. That changes no release id.`,
    context: { key, expected: String(allowed), found: String(found) },
  });
}
