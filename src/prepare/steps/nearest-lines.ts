import { similarity } from '../../core/nearest.js';
import type { Tree } from '../tree/tree.js';
import { byteString, readable, textBytes } from './bytes.js';

/** Enough to find a typo, not so much that a failing step takes long. */
const MAX_LINES = 20_000;

/** The lines most like a text that was not found, as a sentence for a hint; '' where none is like it. */
export async function nearestLines(wanted: string, files: readonly string[], tree: Tree): Promise<string> {
  const first = textBytes(wanted.split('\n').find((line) => line.trim() !== '') ?? '').trim();
  if (first === '') return '';
  const found: { place: string; score: number }[] = [];
  let lines = 0;
  for (const file of files) {
    const text = byteString(await tree.read(file));
    if (text.includes('\0')) continue;
    for (const [index, line] of text.split('\n').entries()) {
      lines += 1;
      if (lines > MAX_LINES) break;
      if (line.length > 2000) continue;
      const score = similarity(first, bestWindow(first, line));
      if (score >= 0.5) found.push({ place: `${file}:${index + 1}: ${readable(line.trim()).slice(0, 120)}`, score });
    }
  }
  if (found.length === 0) return '';
  found.sort((a, b) => b.score - a.score);
  return `Nearest to it:\n${found
    .slice(0, 3)
    .map(({ place }) => `  ${place}\n`)
    .join('')}`;
}

/** A long line with the wanted text in it is near too: the part from where its first word starts is compared. */
function bestWindow(wanted: string, line: string): string {
  const word = /[\w-]{3,}/.exec(wanted)?.[0];
  const at = word === undefined ? -1 : line.toLowerCase().indexOf(word.toLowerCase());
  return at === -1 ? line.trim() : line.slice(Math.max(0, at - wanted.indexOf(word ?? '')), at + wanted.length);
}
