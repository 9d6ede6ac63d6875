import { formatDuration, formatTime } from '../../../core/units.js';
import type { PhaseChart, Span } from '../chart.js';
import type { ReportFacts } from '../facts.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

/** Both phases, each with a scale of its own: they may be days apart. */
export function timelineSection({ prepared, applied }: ReportFacts): Section {
  const charts = [
    ...(prepared ? [chartHtml('Phase 1: files', prepared)] : []),
    ...(applied ? [chartHtml('Phase 2: hosts', applied)] : []),
  ];
  const none = html`<p class="empty">When this release was prepared and deployed was not recorded here: its deployment ran elsewhere, or before reports were made.</p>`;
  return { id: 'timeline', title: 'Timeline', content: charts.length === 0 ? none : html`${charts}` };
}

function chartHtml(title: string, chart: PhaseChart): Html {
  const { startedAt, durationMs, spans, outcome } = chart;
  return html`<h3>${title} <span class="note">${formatDuration(durationMs)} from ${formatTime(startedAt)}${outcome === 'failed' && ', failed'}</span></h3>
${spans.length === 0 ? html`<p class="empty">Nothing in it took long enough to be told.</p>` : spansTable(title, chart)}
`;
}

function spansTable(title: string, { durationMs, spans }: PhaseChart): Html {
  const ticks = [0, 1, 2, 3, 4].map((part) => html`<span>${formatDuration((durationMs * part) / 4)}</span>`);
  return html`<table class="chart">
<caption class="hidden">${title}: what ran when</caption>
<thead><tr><th scope="col">What</th><th scope="col" class="axis"><span class="hidden">When</span><span class="ticks" aria-hidden="true">${ticks}</span></th><th scope="col" class="number">Took</th></tr></thead>
<tbody>${spans.map((span) => spanRow(span, durationMs))}</tbody>
</table>`;
}

/** The units of the drawing, which is stretched to whatever width there is. */
const WIDTH = 1000;
const HEIGHT = 16;

function spanRow({ label, kind, fromMs, toMs, outcome, marks }: Span, durationMs: number): Html {
  const at = (ms: number) => (durationMs === 0 ? 0 : Math.round((ms / durationMs) * WIDTH * 10) / 10);
  const x = Math.min(at(fromMs), WIDTH - 2);
  const width = Math.max(2, at(toMs) - x);
  const told = marks.map((mark) => html`, ${mark.label} at ${formatDuration(mark.atMs)}`);
  const end = outcome === 'done' ? '' : outcome === 'failed' ? ', failed' : ', its end is not known';
  return html`<tr><th scope="row">${label}</th><td class="bar">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">
<rect class="${outcome === 'failed' ? 'failed' : kind}" x="${x}" y="2" width="${width}" height="${HEIGHT - 4}"/>
${marks.map((mark) => html`<rect class="mark" x="${at(mark.atMs)}" y="0" width="1.5" height="${HEIGHT}"><title>${mark.label} at ${formatDuration(mark.atMs)}</title></rect>`)}
</svg><span class="hidden">from ${formatDuration(fromMs)} to ${formatDuration(toMs)}${told}</span>
</td><td class="number">${formatDuration(toMs - fromMs)}${end}</td></tr>
`;
}
