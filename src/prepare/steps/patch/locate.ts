import type { Hunk } from './model.js';

/** Where in a file a hunk may go: after what earlier hunks used, and shifted as they were. */
export interface Frontier {
  /** Lines, from the start, that are settled: no hunk may go before. */
  frozen: number;
  /** How far the last hunk was from where it expected to be. */
  offset: number;
}

/**
 * The line, from 1, at which a hunk applies with `fuzz` lines of its context ignored at each end, or 0. The rules are
 * GNU patch's: fuzz shortens the longer context first; a hunk with less context at one end than at the other was at that
 * end of its file, and stays there until fuzz makes both equal; else the nearest place wins, and the later of two
 * equally near.
 */
export function locateHunk(hunk: Hunk, file: readonly string[], { frozen, offset }: Frontier, fuzz: number): number {
  const guess = hunk.start + offset;
  const size = hunk.before.length;
  if (size === 0) return guess;
  const context = Math.max(hunk.prefix, hunk.suffix);
  const prefixFuzz = fuzz + hunk.prefix - context;
  const suffixFuzz = fuzz + hunk.suffix - context;
  const matches = (where: number, prefix: number, suffix: number) =>
    matchesAt(hunk.before, file, where, prefix, suffix);

  if (prefixFuzz < 0 && hunk.start <= 1) {
    return frozen <= hunk.prefix && size - suffixFuzz <= file.length && matches(1, 0, suffixFuzz) ? 1 : 0;
  }
  const prefix = Math.max(prefixFuzz, 0);
  const first = Math.max(frozen + 1, 1);
  if (suffixFuzz < 0) {
    const atEnd = file.length - size + 1;
    return atEnd >= first && matches(atEnd, prefix, 0) ? atEnd : 0;
  }
  const last = file.length - (size - suffixFuzz) + 1;
  const farthest = Math.max(last - guess, guess - first);
  for (let distance = Math.max(0, guess - last, first - guess); distance <= farthest; distance += 1) {
    const [after, before] = [guess + distance, guess - distance];
    if (after >= first && after <= last && matches(after, prefix, suffixFuzz)) return after;
    if (distance > 0 && before >= first && before <= last && matches(before, prefix, suffixFuzz)) return before;
  }
  return 0;
}

function matchesAt(
  pattern: readonly string[],
  file: readonly string[],
  where: number,
  prefixFuzz: number,
  suffixFuzz: number,
): boolean {
  for (let at = prefixFuzz; at < pattern.length - suffixFuzz; at += 1) {
    if (file[where - 1 + at] !== pattern[at]) return false;
  }
  return true;
}
