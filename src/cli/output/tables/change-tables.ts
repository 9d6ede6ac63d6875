import type { Change } from '../../../deploy/index.js';
import { shown, shownLines } from '../text/shown.js';
import type { Style } from '../text/style.js';
import { table } from './table.js';

/** Each thing that changed, with what it was and what it is. */
export function changeTable(
  places: readonly { where: string; changes: readonly Change[] }[],
  options: { style: Style; width?: number },
): string[] {
  const rows = places.flatMap(({ where, changes }) =>
    changes.map(({ what, key, before, after, values = [] }) => [
      where,
      [what, ...(key === undefined ? [] : [key]), ...values.map(({ name }) => `(${name})`)].join(' '),
      { text: before ?? '-', mark: options.style.bad },
      { text: after ?? '-', mark: options.style.good },
    ]),
  );
  return rows.length === 0 ? [] : ['', ...table(['changed', 'what', 'before', 'now'], rows, options)];
}

/** A long diff is for who asks for it. */
const DIFF_LINES = 40;

/** A diff with its head, marked. Of a long one the rest is for `--verbose`. */
export function diffLines(
  { what, diff = [] }: Pick<Change, 'what' | 'diff'>,
  style: Style,
  verbose: boolean,
): string[] {
  if (diff.length === 0) return [];
  return ['', style.bad(shown(`--- ${what}`)), style.good(shown(`+++ ${what}`)), ...hunkLines(diff, style, verbose)];
}

/** The same without its head. */
export function hunkLines(diff: readonly string[], { bad, good, dim }: Style, verbose: boolean): string[] {
  const lines = verbose ? diff : diff.slice(0, DIFF_LINES);
  const more = diff.length - lines.length;
  const marks: Record<string, (text: string) => string> = { '-': bad, '+': good, '@': dim, '\\': dim };
  return [
    ...lines.map((line) => (marks[line[0] ?? ''] ?? String)(shownLines(line))),
    ...(more > 0 ? [dim(`${more} more lines: --verbose shows them.`)] : []),
  ];
}
