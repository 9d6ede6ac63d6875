import { formatBytes, formatNumber } from '../../core/bytes.js';
import { type Activity, type HostActivity, type PackageActivity, rateOf } from './activity.js';
import type { Style } from './style.js';
import { formatCount, formatDuration, formatPercent } from './units.js';
import { shortenName, truncate } from './wrap.js';

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
/** A name is cut to this before other columns are left out. */
const SHORT_NAME = 20;

const STATE_WIDTH = 10;
/** A host's state, and for how long: up to `9999 s`. */
const HOST_STATE_WIDTH = STATE_WIDTH + GAP.length + 6;

/** What goes first where the terminal is narrow; the name and the percentage always stay. */
const DROP_ORDER = ['files', 'bytes', 'bar', 'rate', 'left'] as const;
type Column = (typeof DROP_ORDER)[number] | 'percent';
type Texts = Record<Exclude<Column, 'bar'>, string>;
const ORDER: readonly Column[] = ['bar', 'percent', 'bytes', 'files', 'rate', 'left'];

/** One row a package, then one a host: what a terminal shows of the work that goes on. Pure. */
export function progressRows(activity: Activity, options: RowsOptions): string[] {
  const packages = [...activity.packages.values()];
  const hosts = [...activity.hosts.values()];
  const longest = Math.max(0, ...[...activity.packages.keys(), ...activity.hosts.keys()].map((name) => name.length));
  const texts = packages.map(textsOf);
  const columns = columnsThatFit(texts, Math.min(SHORT_NAME, longest), options.width);
  const others = Math.max(widthOf(columns, texts), hosts.length > 0 ? HOST_STATE_WIDTH : 0);
  const nameWidth = Math.min(longest, Math.max(SHORT_NAME, options.width - others - GAP.length));
  const rows = [
    ...packageRows(packages, { texts, columns, nameWidth }, options),
    ...hosts.map((host) => hostRow(host, nameWidth, options)),
  ];
  if (rows.length <= options.height) return rows;
  const shown = Math.max(options.height - 1, 0);
  return [
    ...rows.slice(0, shown),
    options.style.dim(truncate(`… and ${rows.length - shown} more`, options.width)),
  ].slice(0, options.height);
}

interface Layout {
  texts: readonly Texts[];
  columns: readonly Column[];
  nameWidth: number;
}

function packageRows(
  packages: readonly PackageActivity[],
  { texts, columns, nameWidth }: Layout,
  { width, style, unicode }: RowsOptions,
): string[] {
  const others = widthOf(columns, texts);
  const used = nameWidth + (columns.length === 0 ? 0 : GAP.length + others);
  const barWidth = Math.min(MAX_BAR, MIN_BAR + Math.max(0, width - used));
  return packages.map((item, i) => {
    const cells = columns.map((column) => {
      if (column === 'bar') return bar(item, barWidth, { style, unicode });
      return (texts[i]?.[column] ?? '').padStart(columnWidth(column, texts));
    });
    const name = shortenName(item.id, Math.min(nameWidth, width)).padEnd(nameWidth);
    return [name, ...cells].join(GAP).trimEnd();
  });
}

/** As much as there is room for beside a name of that width. */
function columnsThatFit(texts: readonly Texts[], nameWidth: number, width: number): Column[] {
  let columns = ORDER.filter((column) => columnWidth(column, texts) > 0);
  for (const drop of [...DROP_ORDER, 'percent' as const]) {
    if (columns.length === 0 || nameWidth + GAP.length + widthOf(columns, texts) <= width) break;
    columns = columns.filter((column) => column !== drop);
  }
  return columns;
}

function columnWidth(column: Column, texts: readonly Texts[]): number {
  return column === 'bar' ? MIN_BAR : Math.max(0, ...texts.map((text) => text[column].length));
}

function widthOf(columns: readonly Column[], texts: readonly Texts[]): number {
  const total = columns.reduce((sum, column) => sum + columnWidth(column, texts), 0);
  return total + GAP.length * Math.max(0, columns.length - 1);
}

function textsOf(item: PackageActivity): Texts {
  const { bytes, bytesTotal, files, filesTotal, note } = item;
  const rate = rateOf(item);
  return {
    percent: bytesTotal === undefined ? '' : formatPercent(bytes, bytesTotal),
    bytes: bytesTotal === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} / ${formatBytes(bytesTotal)}`,
    files:
      filesTotal === undefined
        ? formatCount(files, 'file')
        : `${formatNumber(files)} / ${formatCount(filesTotal, 'file')}`,
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
  const text = `${shortenName(host, nameWidth).padEnd(nameWidth)}${GAP}${state.padEnd(STATE_WIDTH)}${GAP}${seconds} s`;
  return truncate(text, width);
}
