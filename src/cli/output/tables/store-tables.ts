import { formatBytes } from '../../../core/bytes.js';
import { formatTime } from '../../../core/units.js';
import type { ReleasesResult, VerifyResult } from '../../../deploy/index.js';
import type { PrunePlan } from '../../../store/index.js';
import type { Style } from '../text/style.js';
import { table } from './table.js';

interface TableManner {
  style: Style;
  width?: number;
}

/** The releases in the store, oldest first; an asterisk is at the current one. Pure. */
export function releasesTable({ releases }: ReleasesResult, options: TableManner): string[] {
  if (releases.length === 0) return ['No release is prepared yet.'];
  const rows = releases.map((release) => [
    release.current ? { text: `${release.release} *`, mark: options.style.good } : release.release,
    formatTime(release.createdAt),
    release.deployedAt === undefined ? 'no record' : formatTime(release.deployedAt),
    formatBytes(release.packages.reduce((sum, item) => sum + item.bytes, 0)),
    release.packages.map((item) => item.id).join(', '),
  ]);
  return table(['release', 'prepared', 'deployed', 'size', 'packages'], rows, options);
}

/** What differs from the manifests, an entry a line. Pure. */
export function verifyTable({ differences }: VerifyResult, options: TableManner): string[] {
  const rows = differences.map(({ package: id, tree, releases, file, kind, expected, found }) => [
    tree ?? (id === '' ? '-' : id),
    releases.length === 0 ? '-' : releases.join(', '),
    { text: kind, mark: options.style.bad },
    expected === undefined && found === undefined
      ? file
      : `${file} (expected ${expected ?? 'nothing'}, found ${found ?? 'nothing'})`,
  ]);
  return table(['tree', 'releases', 'difference', 'path'], rows, options);
}

/** What stays and why, and what goes. Pure. */
export function pruneTable({ keep, remove, trees, aside, bytes }: PrunePlan, options: TableManner): string[] {
  const { style } = options;
  const rows = [
    ...keep.map(({ release, reason }) => [{ text: 'keep', mark: style.good }, release, reason]),
    ...remove.map(({ release, createdAt }) => [
      { text: 'remove', mark: style.bad },
      release,
      `prepared ${formatTime(createdAt)}`,
    ]),
    ...trees.map(({ tree, bytes }) => [
      { text: 'remove', mark: style.bad },
      tree,
      `${formatBytes(bytes)}, no kept release holds it`,
    ]),
    ...aside.map(({ path, bytes }) => [
      { text: 'remove', mark: style.bad },
      path,
      `${formatBytes(bytes)}, was wrong and was moved aside`,
    ]),
  ];
  if (rows.length === 0) return ['No release is prepared yet.'];
  return [
    ...table(['action', 'what', 'why'], rows, options),
    ...(trees.length + aside.length > 0 ? [`frees ${formatBytes(bytes)}`] : []),
  ];
}
