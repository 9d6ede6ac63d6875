import type { PrestageEvent } from '../core/events.js';
import { quoted } from '../core/shortened.js';
import type { Remark } from './tree/acceptance.js';

/** What is said of an archive in which rules were broken that may be: each with how often, and where first. */
export function saidOfArchive(
  place: { package: string; archive: string },
  remarks: readonly Remark[],
): Extract<PrestageEvent, { type: 'warning' }>[] {
  if (remarks.length === 0) return [];
  const list = remarks.map(({ about, count, examples }) => {
    const shown = examples.map(quoted).join(', ');
    return `${about} ${count} ${count === 1 ? 'time' : 'times'} (${shown}${count > examples.length ? ', …' : ''})`;
  });
  return [
    {
      type: 'warning',
      message: `${place.package}: ${place.archive} has what \`accept\` lets pass: ${list.join('; ')}.`,
    },
  ];
}
