import { formatCount } from '../../../core/units.js';
import type { Change } from '../../changes/recipe-changes.js';
import type { ReportFacts } from '../facts.js';
import type { FileChanges } from '../file-list.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

/** Paths of one kind that are shown of one package. */
const MAX_PATHS = 200;

/** What is not as in the release before. */
export function changesSection({ before }: ReportFacts): Section {
  return { id: 'changes', title: 'Since the release before', content: content(before) };
}

function content(before: ReportFacts['before']): Html {
  if (before === undefined) return html`<p class="empty">There is no earlier release in the store to compare with.</p>`;
  const { release, packages, scripts, services } = before;
  const nothing = packages.length + scripts.length + services.length === 0;
  return html`<p>Compared with release <code>${release}</code>${nothing && ': nothing is other than it was'}.</p>
${packages.map(
  ({ id, changes, files }) => html`<h3><code>${id}</code></h3>
${changesTable(`Settings of ${id}`, changes)}
${files && filesHtml(files)}`,
)}
${scripts.length > 0 && html`<h3>Scripts</h3>${changesTable('Scripts', scripts)}`}
${services.length > 0 && html`<h3>Services</h3>${changesTable('Services', services)}`}`;
}

function changesTable(label: string, changes: readonly Change[]): Html {
  if (changes.length === 0) return html``;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr><th scope="col">What</th><th scope="col">Was</th><th scope="col">Is</th></tr></thead>
<tbody>${changes.map(
    ({
      what,
      key,
      before,
      after,
    }) => html`<tr><th scope="row">${what}${key && html` <code>${key}</code>`}</th><td>${before && html`<code>${before}</code>`}</td><td>${after && html`<code>${after}</code>`}</td></tr>
`,
  )}</tbody>
</table></div>`;
}

function filesHtml(files: FileChanges): Html {
  const kinds = [
    ['added', files.added],
    ['removed', files.removed],
    ['changed', files.changed],
  ] as const;
  return html`${kinds.map(
    ([kind, paths]) =>
      paths.length > 0 &&
      html`<details class="step"><summary>${formatCount(paths.length, 'file')} ${kind}</summary>
<ul class="plain body">${paths.slice(0, MAX_PATHS).map((path) => html`<li><code>${path}</code></li>`)}${paths.length > MAX_PATHS && html`<li>and ${paths.length - MAX_PATHS} more</li>`}</ul></details>
`,
  )}`;
}
