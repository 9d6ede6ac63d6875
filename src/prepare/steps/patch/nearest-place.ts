import { shortened } from '../../../core/shortened.js';
import { readable } from '../bytes.js';
import type { Frontier } from './locate.js';
import type { FilePatch, Hunk } from './model.js';

/** Comparisons of lines that looking for the nearest place may take. */
const MAX_COMPARISONS = 20_000_000;
/** Differences that are shown. */
const MAX_SHOWN = 8;

/** The place in the file that has most of what a hunk expects, and what differs there. Undefined: nothing is like it. */
export function nearestPlace(
  hunk: Hunk,
  file: readonly string[],
  { offset }: Frontier,
  path: string,
): { line: number; text: string } | undefined {
  const { before } = hunk;
  if (before.length === 0 || before.length * file.length > MAX_COMPARISONS) return undefined;
  const exact = before.map((line) => line.trimEnd());
  const loose = before.map(squeezed);
  const fileExact = file.map((line) => line.trimEnd());
  const fileLoose = file.map(squeezed);
  const guess = hunk.start + offset;
  let best = { start: 0, score: 0 };
  for (let start = 2 - before.length; start <= file.length; start += 1) {
    let score = 0;
    for (const [at, line] of loose.entries()) {
      const other = start - 1 + at;
      if (line === '' || line !== fileLoose[other]) continue;
      score += fileExact[other] === exact[at] ? 3 : 2;
    }
    const isNearer = Math.abs(start - guess) < Math.abs(best.start - guess);
    if (score > best.score || (score === best.score && score > 0 && isNearer)) best = { start, score };
  }
  if (best.score === 0) return undefined;
  return { line: Math.max(best.start, 1), text: describe(hunk, file, best.start, path) };
}

function describe(hunk: Hunk, file: readonly string[], start: number, path: string): string {
  const shown: string[] = [];
  let same = 0;
  for (const [at, wanted] of hunk.before.entries()) {
    const found = file[start - 1 + at];
    if (found === wanted) {
      same += 1;
      continue;
    }
    const line = start + at;
    shown.push(
      `    line ${line}: expected ${visible(wanted)}`,
      `    ${' '.repeat(`line ${line}`.length)}  found    ${found === undefined ? `${line < 1 ? 'the start' : 'the end'} of the file` : visible(found)}`,
    );
  }
  const hidden = shown.length / 2 - MAX_SHOWN;
  const more = hidden > 0 ? [`    and ${hidden} more`] : [];
  const head = `  Nearest place: ${path}, line ${Math.max(start, 1)}, where ${same} of ${hunk.before.length} lines match.`;
  return [head, ...shown.slice(0, MAX_SHOWN * 2), ...more].join('\n');
}

/** A line as JSON shows it, so that blanks, tabs and carriage returns can be seen; with `…` where it is long. */
function visible(line: string): string {
  const text = readable(line.replace(/\n$/, ''));
  const cut = shortened(text, 120);
  return `${JSON.stringify(cut)}${line.endsWith('\n') ? '' : ' without a line feed'}`;
}

/** Differences in blanks alone do not hide a place. */
function squeezed(line: string): string {
  return line.replace(/\s+/g, ' ').trim();
}

/** Where a hunk fails for its line endings alone, which ones are where. */
export function lineEndingHint(part: FilePatch, hunk: Hunk, file: readonly string[], path: string): string {
  const [inPatch, inFile] = [endings(hunk.before), endings(file)];
  if (inPatch === inFile || hunk.before.length === 0) return '';
  if (part.droppedCarriageReturns && inFile === 'CRLF') {
    return `${path} has CRLF line endings. The patch's own \`---\` and \`+++\` lines end in CRLF too, so its carriage returns are taken (as GNU patch does) for damage in transport and dropped: save the patch so that those lines end in LF, as \`diff -u\` and \`git diff\` write them.`;
  }
  return `${path} has ${inFile} line endings, and the patch expects ${inPatch}: convert one of them.`;
}

function endings(lines: readonly string[]): 'LF' | 'CRLF' | 'mixed' {
  const carriageReturns = lines.filter((line) => line.endsWith('\r\n')).length;
  const lineFeeds = lines.filter((line) => line.endsWith('\n')).length;
  if (carriageReturns === 0) return 'LF';
  return carriageReturns === lineFeeds ? 'CRLF' : 'mixed';
}
