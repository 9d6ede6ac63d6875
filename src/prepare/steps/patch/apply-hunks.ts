import { locateHunk } from './locate.js';
import type { Hunk } from './model.js';

export interface HunksApplied {
  lines: string[];
  /** Hunks that were not where they expected to be. */
  moved: number;
  /** Hunks that needed fuzz. */
  fuzzed: number;
}

export interface HunkRefused {
  refused: Hunk;
  /** How far the hunks before it had moved, and what they had used. */
  frontier: { frozen: number; offset: number };
}

/** Applies a part's hunks in order to the lines of its file: all of them, or none. */
export function applyHunks(
  hunks: readonly Hunk[],
  file: readonly string[],
  maxFuzz: number,
): HunksApplied | HunkRefused {
  const output: string[] = [];
  let [frozen, offset, moved, fuzzed] = [0, 0, 0, 0];
  const put = (line: string): void => {
    endLine(output);
    output.push(line);
  };
  const copyUntil = (line: number): void => {
    for (const next of file.slice(frozen, Math.max(frozen, line))) put(next);
    frozen = Math.max(frozen, line); // a hunk without old lines may expect to go past the end, by any number of lines
  };
  for (const hunk of hunks) {
    const found = locateWithin(hunk, file, { frozen, offset }, maxFuzz);
    if (found === undefined) return { refused: hunk, frontier: { frozen, offset } };
    offset = found.where - hunk.start;
    if (offset !== 0) moved += 1;
    if (found.fuzz > 0) fuzzed += 1;
    let at = found.where - 1;
    if (hasMisorderedChange(hunk, at, frozen)) return { refused: hunk, frontier: { frozen, offset } };
    const lastContext = hunk.lines.findLastIndex(({ kind }) => kind === ' ');
    for (const [index, { kind, text }] of hunk.lines.entries()) {
      if (kind === ' ') {
        at += 1; // context is copied from the file, whose lines fuzz may have let differ
        continue;
      }
      copyUntil(at);
      if (kind === '-') {
        at += 1;
        frozen += 1;
        continue;
      }
      // As GNU patch does it: where fuzz lets context run past an end without a line feed, a line before it is joined.
      if (index > lastContext) endLine(output);
      output.push(text);
    }
  }
  copyUntil(file.length);
  return { lines: output, moved, fuzzed };
}

function endLine(output: string[]): void {
  const last = output.at(-1);
  if (last !== undefined && !last.endsWith('\n')) output[output.length - 1] = `${last}\n`;
}

/** The first place, with the least fuzz, where a hunk applies. */
export function locateWithin(
  hunk: Hunk,
  file: readonly string[],
  frontier: { frozen: number; offset: number },
  maxFuzz: number,
): { where: number; fuzz: number } | undefined {
  const most = Math.min(maxFuzz, Math.max(hunk.prefix, hunk.suffix));
  for (let fuzz = 0; fuzz <= most; fuzz += 1) {
    const where = locateHunk(hunk, file, frontier, fuzz);
    if (where > 0) return { where, fuzz };
  }
  return undefined;
}

/** Only a hunk without any old line can come to lie before what is settled: it is not searched for. */
function hasMisorderedChange(hunk: Hunk, at: number, frozen: number): boolean {
  return hunk.before.length === 0 && at < frozen;
}
