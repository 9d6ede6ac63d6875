import { formatBytes } from '../../../core/bytes.js';
import { formatCount, formatDuration, formatTime } from '../../../core/units.js';
import type { ReportFacts } from '../facts.js';
import { type Html, html } from './html.js';

/** What somebody wants to know who reads nothing else. */
export function summarySection(facts: ReportFacts): Html {
  const { project, environment, release, state, error } = facts;
  return html`<header>
<p class="project">${project} <span class="environment">${environment}</span></p>
<h1>Release <code>${release}</code> <span class="badge ${BADGES[state]}">${STATES[state]}</span></h1>
<dl class="facts">${rowsOf(facts).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${error && errorBlock(error)}
</header>`;
}

const STATES: Readonly<Record<ReportFacts['state'], string>> = {
  current: 'current',
  'deployed before': 'deployed before',
  prepared: 'prepared, not deployed',
  failed: 'the deployment failed',
};

const BADGES: Readonly<Record<ReportFacts['state'], string>> = {
  current: 'good',
  'deployed before': 'plain',
  prepared: 'plain',
  failed: 'bad',
};

function rowsOf({ packages, prepared, applied, preparedAt, preparedBy, deployedAt, target, root }: ReportFacts) {
  const files = packages.reduce((sum, item) => sum + (item.files ?? 0), 0);
  const bytes = packages.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
  const rows: [string, string | undefined][] = [
    ['Holds', `${formatCount(packages.length, 'package')}, ${formatCount(files, 'file')}, ${formatBytes(bytes)}`],
    ['Phase 1, files', prepared && formatDuration(prepared.durationMs)],
    ['Phase 2, hosts', applied && formatDuration(applied.durationMs)],
    ['Prepared', preparedAt && `${formatTime(preparedAt)}${preparedBy ? ` by ${preparedBy}` : ''}`],
    ['Deployed', deployedAt && formatTime(deployedAt)],
    ['Store', `${root} (${target === 'aws' ? 'on AWS' : 'local'})`],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

function errorBlock({ code, message, hint, context, errors }: NonNullable<ReportFacts['error']>): Html {
  const log = Array.isArray(context?.log) ? context.log.map(String) : [];
  const others = (errors ?? []).slice(1);
  return html`<div class="error" role="note">
<p><strong>${code}</strong> ${message}</p>
${hint && html`<p>${hint}</p>`}
${others.map((other) => html`<p><strong>${other.code}</strong> ${other.message}</p>`)}
${log.length > 0 && html`<pre tabindex="0" aria-label="Last lines of the log">${log.join('\n')}</pre>`}
</div>`;
}
