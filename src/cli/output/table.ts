import { withoutCredentials } from '../../core/redaction.js';
import { shown } from './shown.js';
import { plainStyle, type Style } from './style.js';
import { wrap } from './wrap.js';

/** Cells of a table may carry marks, which count for no width; `text` is what is measured. */
export interface Cell {
  text: string;
  mark?: (text: string) => string;
}

const GAP = '  ';

/**
 * Rows under their heads, columns as wide as their longest cell. Where the whole is wider than `width`, the last column
 * is broken into lines; without a width (a pipe) nothing is ever broken, so that each row is one line.
 */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  options: TableOptions = {},
): string[] {
  const { style = plainStyle, width } = options;
  const cells = rows.map((row) => row.map(cellOf));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.text.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, columns) => sum + columns + GAP.length, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(width - before, 12);
  const line = (row: readonly Cell[]) => layOut(row, widths, room, before);
  return [...line(heads.map((head) => ({ text: head.toUpperCase(), mark: style.dim }))), ...cells.flatMap(line)];
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
