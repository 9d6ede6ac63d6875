import { formatBytes, formatNumber } from '../../../core/bytes.js';
import { formatDuration } from '../../../core/units.js';
import type { PackageFacts, ReportFacts } from '../facts.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

/** By size, the largest first; by time, files or name with a click. */
export function packagesSection({ packages }: ReportFacts): Section {
  const largestFirst = [...packages].sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const most = {
    bytes: Math.max(1, ...packages.map(({ bytes = 0 }) => bytes)),
    durationMs: Math.max(1, ...packages.map(({ durationMs = 0 }) => durationMs)),
  };
  const content = html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of packages"><table class="sortable">
<thead><tr>
<th scope="col">Package</th>
<th scope="col">Destination</th>
<th scope="col" class="number">Files</th>
<th scope="col" class="number" aria-sort="descending">Size</th>
<th scope="col" class="number">Time</th>
</tr></thead>
<tbody>${largestFirst.map((item) => packageRow(item, most))}</tbody>
</table></div>`;
  return { id: 'packages', title: 'Packages', content };
}

function packageRow(
  { id, destination, files, bytes, durationMs }: PackageFacts,
  most: { bytes: number; durationMs: number },
): Html {
  return html`<tr>
<th scope="row" data-value="${id}"><code>${id}</code></th>
<td data-value="${destination}"><code>${destination}</code></td>
<td class="number" data-value="${files ?? -1}">${files === undefined ? 'not prepared' : formatNumber(files)}</td>
<td class="number" data-value="${bytes ?? -1}">${bytes === undefined ? '' : html`${formatBytes(bytes)}${share(bytes / most.bytes)}`}</td>
<td class="number" data-value="${durationMs ?? -1}">${durationMs === undefined ? 'not recorded' : html`${formatDuration(durationMs)}${share(durationMs / most.durationMs)}`}</td>
</tr>
`;
}

/** How much of the largest, as a bar. */
function share(part: number): Html {
  return html`<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="100" height="4"/><rect class="package" width="${Math.max(1, Math.round(part * 100))}" height="4"/></svg>`;
}
