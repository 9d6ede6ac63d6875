import { formatBytes, formatNumber } from '../../../core/bytes.js';
import { formatCount, formatDuration, formatPercent } from '../../../core/units.js';
import { type Activity, type Amounts, packagesTogether, rateOf, timeLeft } from './activity.js';

/** Names of packages and hosts in one line; the others are counted. */
const NAMED = 4;

/**
 * How far the work is, for a pipe or a CI's log, where lines stay: a line for all packages, one for each source that is
 * fetched or uploaded, one for the hosts. Empty where nothing goes on. Pure.
 */
export function progressLines(activity: Activity, nowMs: number): string[] {
  const { phase } = activity;
  const lines = [...packageLines(activity), ...hostLines(activity, nowMs)];
  if (lines.length > 0 || !phase) return lines;
  return [`progress  phase ${phase.number} has been running for ${formatDuration(nowMs - phase.sinceMs)}`];
}

function packageLines(activity: Activity): string[] {
  const together = packagesTogether(activity);
  const items = [...activity.packages.values()];
  if (!together || together.total < 2) return items.map((item) => `${item.id}: ${amountsText(item)}`);
  const active = items.map(({ id, bytes, bytesTotal }) =>
    bytesTotal === undefined ? id : `${id} ${formatPercent(bytes, bytesTotal)}`,
  );
  const prepared = `${formatNumber(together.prepared)} of ${formatCount(together.total, 'package')} prepared`;
  return [`progress  ${prepared}, ${amountsText(together)}${active.length === 0 ? '' : `; now ${some(active)}`}`];
}

function hostLines({ hosts, allHosts }: Activity, nowMs: number): string[] {
  const active = [...hosts.values()].map(({ host, state, sinceMs }) => {
    return `${host} ${state} for ${formatDuration(nowMs - sinceMs)}`;
  });
  const healthy = allHosts ? `${allHosts.healthy.size} of ${formatCount(allHosts.total, 'host')} healthy` : undefined;
  const parts = [healthy ?? [], active.length === 0 ? [] : some(active)].flat();
  return parts.length === 0 ? [] : [`progress  ${parts.join('; ')}`];
}

function amountsText(amounts: Amounts): string {
  const { bytes, bytesTotal, files } = amounts;
  const rate = rateOf(amounts);
  const parts = [
    bytesTotal === undefined
      ? formatBytes(bytes)
      : `${formatPercent(bytes, bytesTotal)}, ${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`,
    files > 0 ? formatCount(files, 'file') : [],
    rate === undefined ? [] : `${formatBytes(rate)}/s`,
    timeLeft(amounts) || [],
  ];
  return parts.flat().join(', ');
}

function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${formatNumber(more)} more` : ''}`;
}
