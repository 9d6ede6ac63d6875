import { formatBytes, formatNumber } from '../../../core/bytes.js';
import { formatCount, formatPercent } from '../../../core/units.js';
import type { Style } from '../text/style.js';
import { shortenName, truncate } from '../text/wrap.js';
import {
  type Activity,
  type Amounts,
  type HostActivity,
  type HostsActivity,
  packagesTogether,
  rateOf,
  timeLeft,
} from './activity.js';

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

/** Fewer columns of a detail say nothing. */
const MIN_DETAIL = 12;

/** What goes first where the terminal is narrow; the name and the percentage always stay. */
const DROP_ORDER = ['files', 'bytes', 'bar', 'rate', 'left'] as const;
type Column = (typeof DROP_ORDER)[number] | 'percent';
type Texts = Record<Exclude<Column, 'bar'>, string>;
const ORDER: readonly Column[] = ['bar', 'percent', 'bytes', 'files', 'rate', 'left'];

/** A row of amounts: a package's, or that of all together. */
interface AmountsRow extends Amounts {
  name: string;
  note: string | undefined;
  isWhole: boolean;
  /** How much is done, of how much: in bytes, or in packages where not each source's size is known. */
  share: readonly [done: number, of: number] | undefined;
}

/** What a terminal shows of the work that goes on: each package and all together, what waits, each host and all together. Pure. */
export function progressRows(activity: Activity, options: RowsOptions): string[] {
  const amounts = amountsRows(activity);
  const hosts = [...activity.hosts.values()];
  const together = hostsTogether(activity.allHosts);
  const names = [...amounts.map(({ name }) => name), ...hosts.map(({ host }) => host), together?.name ?? ''];
  const longest = Math.max(0, ...names.map((name) => name.length));
  const texts = amounts.map(textsOf);
  const columns = columnsThatFit(texts, Math.min(SHORT_NAME, longest), options.width);
  const others = Math.max(widthOf(columns, texts), hosts.length > 0 ? HOST_STATE_WIDTH : 0);
  const nameWidth = Math.min(longest, Math.max(SHORT_NAME, options.width - others - GAP.length));
  const rows = [
    ...amountRows(amounts, { texts, columns, nameWidth }, options),
    ...waitingRow(activity, options),
    ...(together ? [stateRow({ ...together, isWhole: true }, nameWidth, options)] : []),
    ...hosts.map((host) => stateRow({ name: host.host, ...host, isWhole: false }, nameWidth, options)),
  ];
  if (rows.length <= options.height) return rows;
  const shown = Math.max(options.height - 1, 0);
  return [
    ...rows.slice(0, shown),
    options.style.dim(truncate(`… and ${rows.length - shown} more`, options.width)),
  ].slice(0, options.height);
}

/** All together come first, where there is more than one: they stay in sight however many rows there are. */
function amountsRows(activity: Activity): AmountsRow[] {
  const together = packagesTogether(activity);
  const rows = [...activity.packages.values()].map((item) => {
    return { ...item, name: item.id, isWhole: false, share: shareOfBytes(item) };
  });
  if (!together || together.total < 2) return rows;
  const { prepared, total } = together;
  const name = `${formatNumber(prepared)} of ${formatCount(total, 'package')}`;
  const share = shareOfBytes(together) ?? ([prepared, total] as const);
  return [{ ...together, name, note: undefined, isWhole: true, share }, ...rows];
}

function shareOfBytes({ bytes, bytesTotal }: Amounts): readonly [number, number] | undefined {
  return bytesTotal === undefined ? undefined : [bytes, bytesTotal];
}

function waitingRow({ allPackages }: Activity, { width, style }: RowsOptions): string[] {
  const names = [...allPackages.waiting.keys()];
  if (names.length === 0) return [];
  return [style.dim(truncate(`waiting: ${namesThatFit(names, width - 'waiting: '.length)}`, width))];
}

/** As many names as there is room for, and how many there are beside them: `a, b and 12 more`. */
function namesThatFit(names: readonly string[], width: number): string {
  for (let count = names.length; count > 1; count -= 1) {
    const text = someOf(names, count);
    if (text.length <= width) return text;
  }
  return someOf(names, 1);
}

function someOf(names: readonly string[], count: number): string {
  const more = names.length - count;
  return `${names.slice(0, count).join(', ')}${more > 0 ? ` and ${formatNumber(more)} more` : ''}`;
}

function hostsTogether(hosts: HostsActivity | undefined): { name: string; state: string; sinceMs: number } | undefined {
  if (!hosts || hosts.total < 2) return undefined;
  const name = `${formatNumber(hosts.healthy.size)} of ${formatCount(hosts.total, 'host')}`;
  return { name, state: 'healthy', sinceMs: hosts.sinceMs };
}

interface Layout {
  texts: readonly Texts[];
  columns: readonly Column[];
  nameWidth: number;
}

function amountRows(
  items: readonly AmountsRow[],
  { texts, columns, nameWidth }: Layout,
  { width, style, unicode }: RowsOptions,
): string[] {
  const others = widthOf(columns, texts);
  const used = nameWidth + (columns.length === 0 ? 0 : GAP.length + others);
  const barWidth = Math.min(MAX_BAR, MIN_BAR + Math.max(0, width - used));
  return items.map((item, i) => {
    const cells = columns.map((column) => {
      if (column === 'bar') return bar(item, barWidth, { style, unicode });
      return (texts[i]?.[column] ?? '').padStart(columnWidth(column, texts));
    });
    const name = shortenName(item.name, Math.min(nameWidth, width)).padEnd(nameWidth);
    return [item.isWhole ? style.bold(name) : name, ...cells].join(GAP).trimEnd();
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

function textsOf(item: AmountsRow): Texts {
  const { bytes, bytesTotal, files, filesTotal, note, share } = item;
  const rate = rateOf(item);
  return {
    percent: share === undefined ? '' : formatPercent(...share),
    bytes: bytesTotal === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} / ${formatBytes(bytesTotal)}`,
    files:
      filesTotal === undefined
        ? formatCount(files, 'file')
        : `${formatNumber(files)} / ${formatCount(filesTotal, 'file')}`,
    rate: rate === undefined ? '' : `${formatBytes(rate)}/s`,
    left: note ?? timeLeft(item),
  };
}

function bar(
  { share: [done, of] = [0, 0] }: AmountsRow,
  width: number,
  { style, unicode }: { style: Style; unicode: boolean },
): string {
  const part = of === 0 ? 0 : Math.min(1, done / of);
  const filled = Math.floor(part * width);
  const [full, empty] = unicode ? ['━', '─'] : ['=', '-'];
  return style.good(full.repeat(filled)) + style.dim(empty.repeat(width - filled));
}

function stateRow(
  { name, state, sinceMs, detail, isWhole }: Omit<HostActivity, 'host'> & { name: string; isWhole: boolean },
  nameWidth: number,
  { width, nowMs, style }: RowsOptions,
): string {
  const shown = shortenName(name, Math.min(nameWidth, width)).padEnd(nameWidth);
  const seconds = `${Math.floor((nowMs - sinceMs) / 1000)} s`;
  const row = truncate(`${shown}${GAP}${state.padEnd(STATE_WIDTH)}${GAP}${seconds}`, width);
  if (isWhole) return style.bold(row.slice(0, shown.length)) + row.slice(shown.length);
  const room = width - row.length - GAP.length;
  return detail === undefined || room < MIN_DETAIL ? row : `${row}${GAP}${truncate(detail, room)}`;
}
