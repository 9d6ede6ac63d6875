import picomatch from 'picomatch';
import type { ArchiveReason } from '../../core/archive-reasons.js';
import { PrestageError } from '../../core/errors.js';
import { Acceptance } from '../tree/acceptance.js';
import { archiveError } from './archive-error.js';

export interface Selection {
  /** Leading names to drop from each path; what has no more than these is left out. */
  strip: number;
  /** Globs on the path after `strip`; a pattern that matches a folder means all that is in it. */
  include?: string[] | undefined;
  exclude?: string[] | undefined;
}

interface Pattern {
  readonly glob: string;
  readonly matches: (path: string) => boolean;
  used: boolean;
}

/** Decides where an archive's entries go in the tree, by their names alone. */
export class EntryFilter {
  readonly #archive: string;
  readonly #strip: number;
  readonly #include: Pattern[] | undefined;
  readonly #exclude: Pattern[];
  readonly #acceptance: Acceptance;

  constructor(archive: string, selection: Selection, acceptance = new Acceptance()) {
    this.#acceptance = acceptance;
    this.#archive = archive;
    this.#strip = selection.strip;
    this.#include = selection.include?.map(pattern);
    this.#exclude = (selection.exclude ?? []).map(pattern);
  }

  /** The entry's path after `strip`, or undefined where it is left out. @throws ARCHIVE_UNSAFE */
  place(name: string): string | undefined {
    const path = this.stripped(name);
    if (path === undefined) return undefined;
    const included = this.#include === undefined || any(this.#include, path);
    // Asked also where it does not matter, so that every pattern that is of use is known to be.
    const excluded = any(this.#exclude, path);
    return included && !excluded ? path : undefined;
  }

  /** The path after `strip`, or undefined where nothing is left of it. @throws ARCHIVE_UNSAFE */
  stripped(name: string): string | undefined {
    const names = this.#normalised(name);
    return names.length > this.#strip ? names.slice(this.#strip).join('/') : undefined;
  }

  /** @throws STEP_FILE_MISSING for a pattern that matched no entry */
  checkAllUsed(): void {
    const unused = [...(this.#include ?? []), ...this.#exclude].find(({ used }) => !used);
    if (unused === undefined) return;
    throw new PrestageError(
      'STEP_FILE_MISSING',
      `${this.#archive}: the pattern ${JSON.stringify(unused.glob)} matches no entry.`,
      {
        hint: `Patterns are matched with paths in the archive after \`strip\` (here ${this.#strip}); list them with \`tar -tf\` or \`unzip -l\`.`,
        context: { file: this.#archive, pattern: unused.glob },
      },
    );
  }

  #normalised(name: string): string[] {
    const unsafe = (what: string, reason: ArchiveReason<'ARCHIVE_UNSAFE'>) =>
      archiveError('ARCHIVE_UNSAFE', { archive: this.#archive, entry: name }, what, { reason });
    const names = name.split('/').filter((part) => part !== '' && part !== '.');
    // `/` alone is the root of what is packed.
    if (names.includes('..')) throw unsafe('leads upwards (`..`)', 'path-upwards');
    if (name.startsWith('/') && names.length > 0)
      this.#acceptance.judge('absolute-names', name, () => unsafe('has an absolute path', 'path-absolute'));
    return names;
  }
}

function pattern(glob: string): Pattern {
  return { glob, matches: picomatch(glob, { dot: true }), used: false };
}

function any(patterns: Pattern[], path: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    if (found && pattern.used) continue;
    if (!matchesPathOrFolder(pattern, path)) continue;
    pattern.used = true;
    found = true;
  }
  return found;
}

function matchesPathOrFolder({ matches }: Pattern, path: string): boolean {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    if (matches(path.slice(0, slash))) return true;
  }
  return matches(path);
}
