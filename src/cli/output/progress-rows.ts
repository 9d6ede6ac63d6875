import { type Activity, type HostActivity, type PackageActivity, rateOf } from './activity.js';
import type { Style } from './style.js';
import { formatBytes, formatCount, formatDuration, formatPercent } from './units.js';
import { truncate } from './wrap.js';

export interface RowsOptions {
  /** Columns; no row is longer. */
  width: number;
  /** Rows; what does not fit is counted in the last one. */
  height: number;
  nowMs: number;
  style: Style;
  /** Whether the terminal has more than ASCII. */
  unicode: boolean;
}

const GAP = '  ';
const MIN_BAR = 8;
const MAX_BAR = 30;
const MAX_NAME = 20;

/** What goes first where the terminal is narrow; the name and the percentage always stay. */
const DROP_ORDER = ['files', 'bytes', 'bar', 'rate', 'left'] as const;
type Column = (typeof DROP_ORDER)[number] | 'name' | 'percent';
const ORDER: readonly Column[] = ['name', 'bar', 'percent', 'bytes', 'files', 'rate', 'left'];

/** One row a package, then one a host: what a terminal shows of the work that goes on. Pure. */
export function progressRows(activity: Activity, options: RowsOptions): string[] {
  const names = [...activity.packages.keys(), ...activity.hosts.keys()];
  const nameWidth = Math.min(MAX_NAME, Math.max(0, ...names.map((name) => name.length)));
  const rows = [
    ...packageRows([...activity.packages.values()], nameWidth, options),
    ...[...activity.hosts.values()].map((host) => hostRow(host, nameWidth, options)),
  ];
  if (rows.length <= options.height) return rows;
  const shown = Math.max(options.height - 1, 0);
  return [
    ...rows.slice(0, shown),
    options.style.dim(truncate(`… and ${rows.length - shown} more`, options.width)),
  ].slice(0, options.height);
}

function packageRows(packages: readonly PackageActivity[], nameWidth: number, options: RowsOptions): string[] {
  const { width, style, unicode } = options;
  const texts = packages.map((item) => textsOf(item, nameWidth));
  const widths = (column: Column) =>
    column === 'bar' ? MIN_BAR : Math.max(0, ...texts.map((text) => text[column].length));
  const columns = columnsThatFit(widths, width);
  const used = columns.reduce((sum, column) => sum + widths(column), 0) + GAP.length * (columns.length - 1);
  const barWidth = Math.min(MAX_BAR, MIN_BAR + Math.max(0, width - used));
  return packages.map((item, i) => {
    const cells = columns.map((column) => {
      if (column === 'bar') return bar(item, barWidth, { style, unicode });
      const text = texts[i]?.[column] ?? '';
      return text.padStart(widths(column));
    });
    return columns.length === 1 ? truncate(cells.join(GAP), width) : cells.join(GAP).trimEnd();
  });
}

function columnsThatFit(widths: (column: Column) => number, width: number): Column[] {
  let columns = ORDER.filter((column) => widths(column) > 0);
  const total = () => columns.reduce((sum, column) => sum + widths(column), 0) + GAP.length * (columns.length - 1);
  for (const drop of [...DROP_ORDER, 'percent' as const]) {
    if (total() <= width) break;
    columns = columns.filter((column) => column !== drop);
  }
  return columns;
}

function textsOf(item: PackageActivity, nameWidth: number): Record<Column, string> {
  const { bytes, bytesTotal, files, filesTotal, note } = item;
  const rate = rateOf(item);
  return {
    name: truncate(item.id, nameWidth).padEnd(nameWidth),
    bar: '',
    percent: bytesTotal === undefined ? '' : formatPercent(bytes, bytesTotal),
    bytes: bytesTotal === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} / ${formatBytes(bytesTotal)}`,
    files: filesTotal === undefined ? formatCount(files, 'file') : `${files} / ${formatCount(filesTotal, 'file')}`,
    rate: rate === undefined ? '' : `${formatBytes(rate)}/s`,
    left: note ?? timeLeft(item, rate),
  };
}

function timeLeft({ bytes, bytesTotal }: PackageActivity, rate: number | undefined): string {
  if (bytesTotal === undefined || rate === undefined || rate <= 0 || bytes >= bytesTotal) return '';
  // A time left in milliseconds would only flicker.
  return `${formatDuration(Math.ceil((bytesTotal - bytes) / rate) * 1000).replace('.0 ', ' ')} left`;
}

function bar(
  { bytes, bytesTotal }: PackageActivity,
  width: number,
  { style, unicode }: { style: Style; unicode: boolean },
): string {
  const part = bytesTotal === undefined || bytesTotal === 0 ? 0 : Math.min(1, bytes / bytesTotal);
  const done = Math.floor(part * width);
  const [full, empty] = unicode ? ['━', '─'] : ['=', '-'];
  return style.good(full.repeat(done)) + style.dim(empty.repeat(width - done));
}

function hostRow({ host, state, sinceMs }: HostActivity, nameWidth: number, { width, nowMs }: RowsOptions): string {
  const seconds = Math.floor((nowMs - sinceMs) / 1000);
  const text = `${truncate(host, nameWidth).padEnd(nameWidth)}${GAP}${state.padEnd(10)}${GAP}${seconds} s`;
  return truncate(text, width);
}
