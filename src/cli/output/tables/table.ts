import { withoutCredentials } from '../../../core/redaction.js';
import { shown } from '../text/shown.js';
import { plainStyle, type Style } from '../text/style.js';
import { wrap } from '../text/wrap.js';

/** Cells of a table may carry marks, which count for no width; `text` is what is measured. */
export interface Cell {
  text: string;
  mark?: (text: string) => string;
}

const GAP = '  ';

/** A last column narrower than this is not worth reading: then each row is a block of its own. */
const MIN_ROOM = 12;

/**
 * Rows under their heads, columns as wide as their longest cell. Where the whole is wider than `width`, the last column
 * is broken at its spaces; where that leaves too little room, or a word would have to be broken, each row becomes a block
 * of lines. Without a width (a pipe) nothing is ever broken, so that each row is one line.
 */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  options: TableOptions = {},
): string[] {
  const { style = plainStyle, width = Number.POSITIVE_INFINITY } = options;
  const cells = rows.map((row) => row.map(cellOf));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.text.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, columns) => sum + columns + GAP.length, 0);
  const room = width - before;
  const last = cells.map((row) => row.at(-1)?.text ?? '');
  const longestWord = Math.max(0, ...last.flatMap((text) => text.split(/[ \n]/)).map((word) => word.length));
  const headCells = heads.map((head) => ({ text: head.toUpperCase(), mark: style.dim }));
  if (room < Math.min(widths.at(-1) ?? 0, Math.max(MIN_ROOM, longestWord)))
    return cells.flatMap((row) => block(row, headCells, width));
  const line = (row: readonly Cell[]) => layOut(row, widths, room, before);
  return [...line(headCells), ...cells.flatMap(line)];
}

/** The first cell, and under it the others with their heads. A word that is longer than a line is broken at its slashes. */
function block(row: readonly Cell[], heads: readonly Cell[], width: number): string[] {
  const [first, ...others] = row;
  const labels = heads.slice(1);
  const labelWidth = Math.max(0, ...labels.map(({ text }) => text.length));
  const room = Math.max(1, width - labelWidth - 2 * GAP.length);
  const title = first && first.text !== '' ? foldWords(first.text, width).map((text) => mark(first, text)) : [];
  const lines = others.flatMap((cell, i) => {
    const label = labels[i];
    if (cell.text === '' || !label) return [];
    return foldWords(cell.text, room).map((text, n) => {
      const head = (n === 0 && row[0]?.text !== '' ? label.text : '').padEnd(labelWidth);
      return `${GAP}${mark(label, head)}${GAP}${mark(cell, text)}`.trimEnd();
    });
  });
  return [...title, ...lines];
}

function foldWords(text: string, width: number): string[] {
  return wrap(text, width).flatMap((line) => (line.length <= width ? [line] : brokenAtSlashes(line, width)));
}

function brokenAtSlashes(word: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of word.split(/(?<=\/)/)) {
    const current = lines.at(-1);
    if (current !== undefined && current.length + part.length <= width) lines[lines.length - 1] = current + part;
    else lines.push(part);
  }
  return lines;
}

function cellOf(cell: Cell | string): Cell {
  const { text, ...mark } = typeof cell === 'string' ? { text: cell } : cell;
  return { ...mark, text: shown(withoutCredentials(text)) };
}

export interface TableOptions {
  style?: Style;
  /** In columns; absent: as wide as it gets. */
  width?: number;
}

function layOut(row: readonly Cell[], widths: readonly number[], room: number, before: number): string[] {
  const last = row.at(-1);
  if (!last) return [];
  const fixed = row
    .slice(0, -1)
    .map((cell, i) => mark(cell, cell.text) + ' '.repeat((widths[i] ?? 0) - cell.text.length));
  const tail = Number.isFinite(room) ? wrap(last.text, room) : [last.text];
  return tail.map((text, i) =>
    (i === 0 ? [...fixed, mark(last, text)].join(GAP) : ' '.repeat(before) + mark(last, text)).trimEnd(),
  );
}

function mark(cell: Cell, text: string): string {
  return cell.mark && text !== '' ? cell.mark(text) : text;
}
