import type { ArchiveReason } from '../../core/archive-reasons.js';
import { PrestageError } from '../../core/errors.js';
import { quoted, shortened } from '../../core/shortened.js';
import type { Acceptance } from './acceptance.js';

/** Limits of the file systems that trees live on (Linux, NFSv4): 255 bytes a name, 4,096 bytes a path. */
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4096;

/**
 * Checks that a path can be in a tree: relative, POSIX, normalised, and the same file on every system that may read it.
 * @throws ARCHIVE_UNSAFE
 */
export function checkTreePath(path: string, acceptance?: Acceptance): void {
  const broken = ruleBroken(path);
  if (broken !== undefined) throw refusal(path, broken);
  const odd = oddity(path);
  if (odd === undefined) return;
  if (acceptance === undefined || process.platform === 'win32') throw refusal(path, odd);
  acceptance.judge('unsafe-names', path, () => refusal(path, odd));
}

type Broken = [reason: ArchiveReason<'ARCHIVE_UNSAFE'>, what: string] | undefined;

function refusal(path: string, [reason, what]: NonNullable<Broken>): PrestageError {
  return new PrestageError('ARCHIVE_UNSAFE', `No tree may hold the path ${quoted(path)}: ${what}.`, {
    hint: 'If the file is not needed, leave it out with `exclude`; else ask its author for an archive with ordinary names.',
    context: { path: shortened(path, MAX_PATH_BYTES), reason },
  });
}

function ruleBroken(path: string): Broken {
  if (path === '') return ['path-empty', 'it is empty'];
  if (path.startsWith('/')) return ['path-absolute', 'it is absolute'];
  if (path.includes('\\') && !isPlainBackslash(path))
    return ['path-backslash', 'it has a backslash, which separates folders on Windows'];
  if (path.includes('\0')) return ['path-control', 'it has a control character'];
  if (/\p{Surrogate}/u.test(path)) return ['path-unicode', 'it is not valid Unicode'];
  const names = path.split('/');
  for (const name of names) {
    if (name === '..') return ['path-upwards', 'it leads upwards (`..`)'];
    if (name === '' || name === '.') return ['path-empty', 'it is not in its shortest form'];
    if (name.length > MAX_NAME_BYTES / 3 && Buffer.byteLength(name) > MAX_NAME_BYTES)
      return ['path-length', 'a name in it is longer than 255 bytes'];
  }
  if (path.length > MAX_PATH_BYTES / 3 && Buffer.byteLength(path) > MAX_PATH_BYTES)
    return ['path-length', 'it is longer than 4,096 bytes'];
  return undefined;
}

/** What Linux takes for a letter as any other, and people, terminals and Windows do not. */
function oddity(path: string): Broken {
  if (/^[A-Za-z]:/.test(path)) return ['path-drive', 'it starts with a drive letter'];
  if (/[\x01-\x1f\x7f]/.test(path)) return ['path-control', 'it has a control character'];
  return undefined;
}

/**
 * Whether the backslashes of a path or a link's target are letters, as in the names of systemd's units
 * (`system-getty\\x2d1.slice`). They are not where this runs on Windows, nor where who takes them for separators would be led
 * upwards, or to another root.
 */
export function isPlainBackslash(text: string): boolean {
  if (process.platform === 'win32' || text.startsWith('\\')) return false;
  return !text.split('/').some((name) => name.includes('\\') && name.split('\\').includes('..'));
}

/** The folder that a path is in; '' for the tree's root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}
