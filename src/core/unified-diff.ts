import { lineChanges } from './line-changes.js';

/** Lines that stay around those that change. */
const CONTEXT = 3;
const NO_NEWLINE = '\\ No newline at end of file';

interface Line {
  mark: ' ' | '-' | '+';
  text: string;
  /** The numbers, from 0, of the next lines of both texts. */
  old: number;
  now: number;
}

/** What makes one text the other, in hunks as `diff -u` writes them, without its head; nothing where they are the same. */
export function unifiedDiff(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  const lines = changedLines(old, now);
  return hunksOf(lines).flatMap((hunk) => [
    headOf(hunk),
    ...hunk.flatMap(({ mark, text }) => `${mark}${text}`.split('\n')),
  ]);
}

/** A last line without a line feed is another one than the same with it, so its mark is a part of it. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  return last === '' ? lines : [...lines, `${last}\n${NO_NEWLINE}`];
}

function changedLines(before: readonly string[], after: readonly string[]): Line[] {
  const { removed, added } = lineChanges(before, after);
  const lines: Line[] = [];
  let [old, now] = [0, 0];
  while (old < before.length || now < after.length) {
    const at = { old, now };
    if (removed.has(old)) lines.push({ mark: '-', text: before[old++] ?? '', ...at });
    else if (added.has(now)) lines.push({ mark: '+', text: after[now++] ?? '', ...at });
    else {
      lines.push({ mark: ' ', text: before[old++] ?? '', ...at });
      now++;
    }
  }
  return lines;
}

/** Changes with little between them are one hunk. */
function hunksOf(lines: readonly Line[]): Line[][] {
  const ranges: { from: number; to: number }[] = [];
  for (const [i, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    const last = ranges.at(-1);
    if (last !== undefined && i - CONTEXT <= last.to) last.to = i + CONTEXT + 1;
    else ranges.push({ from: Math.max(0, i - CONTEXT), to: i + CONTEXT + 1 });
  }
  return ranges.map(({ from, to }) => lines.slice(from, to));
}

/** `@@ -3,7 +3,8 @@`: where no line of a text is in the hunk, the number is that of the line before. */
function headOf(hunk: readonly Line[]): string {
  const range = (other: Line['mark'], from: number) => {
    const count = hunk.filter(({ mark }) => mark !== other).length;
    return `${count === 0 ? from : from + 1},${count}`;
  };
  return `@@ -${range('+', hunk[0]?.old ?? 0)} +${range('-', hunk[0]?.now ?? 0)} @@`;
}
