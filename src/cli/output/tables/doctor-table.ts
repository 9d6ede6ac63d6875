import type { DoctorResult } from '../../../deploy/index.js';
import type { Style } from '../text/style.js';
import { table } from './table.js';

/** What `doctor` found. What to do stands under it on a terminal, and behind it in a pipe, where each check is one line. Pure. */
export function doctorTable({ checks }: DoctorResult, options: { style: Style; width?: number }): string[] {
  const { style, width } = options;
  const marks = { ok: style.good, warning: style.warn, failed: style.bad, skipped: style.dim };
  const rows = checks.flatMap(({ check, state, found, remedy }) => {
    const marked = { text: state, mark: marks[state] };
    if (remedy === undefined) return [[check, marked, found]];
    if (width === undefined) return [[check, marked, `${found} ${remedy}`]];
    return [
      [check, marked, found],
      ['', '', { text: remedy, mark: style.bold }],
    ];
  });
  return table(['check', 'state', 'found'], rows, options);
}
