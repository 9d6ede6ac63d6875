import { formatCount } from '../../../core/units.js';
import type { PackageFacts, ReportFacts, StepFacts } from '../facts.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

type Changed = NonNullable<StepFacts['changed']>['files'][number];

/** Each package's source and steps, in order, and what each step changed. */
export function stepsSection({ packages }: ReportFacts): Section {
  return { id: 'steps', title: 'Steps', content: html`${packages.map(packageHtml)}` };
}

/** Where the page's script finds a step: ids of packages are names, and a name may have any character in it. */
export function stepId(id: string, number: number): string {
  return `step-${encodeURIComponent(id)}-${number}`;
}

function packageHtml({ id, recipe }: PackageFacts): Html {
  if (recipe === undefined)
    return html`<h3><code>${id}</code></h3><p class="empty">The record of the release does not have its recipe.</p>`;
  const { source, handling, steps } = recipe;
  return html`<h3><code>${id}</code> <span class="note">${formatCount(steps.length, 'step')}</span></h3>
<p class="source">${source.kind === 'folder' ? 'The folder' : 'The file'} <code>${source.name}</code>, ${source.kind === 'folder' ? 'copied' : handling}. <span class="digest">SHA-256 <code>${source.sha256}</code></span></p>
${steps.map((step, index) => stepHtml(id, step, index + 1))}
`;
}

function stepHtml(id: string, step: StepFacts, number: number): Html {
  const { kind, settings, summary, changed } = step;
  return html`<details class="step" id="${stepId(id, number)}">
<summary><span class="number">${number}.</span> <strong>${kind}</strong> <span class="note">${summary ?? 'what it did was not recorded here'}</span></summary>
<div class="body">
${settings.length > 0 && html`<dl class="settings">${settings.map(({ key, value }) => html`<div><dt>${key}</dt><dd><code>${value}</code></dd></div>`)}</dl>`}
${changed?.files.map(changedFile)}
${changed !== undefined && changed.more > 0 && html`<p class="empty">And ${formatCount(changed.more, 'file')} more.</p>`}
</div>
</details>
`;
}

const CHANGES: Readonly<Record<Changed['change'], string>> = {
  added: 'added',
  changed: 'changed',
  removed: 'removed',
  mode: 'mode changed',
};

function changedFile({ path, change, diff }: Changed): Html {
  return html`<p class="file"><span class="change ${change}">${CHANGES[change]}</span> <code>${path}</code></p>
${diff && html`<pre class="diff" tabindex="0" role="region" aria-label="Changes of ${path}"><span class="lines">${diff.map(diffLine)}</span></pre>`}
`;
}

function diffLine(line: string): Html {
  const first = line.charAt(0);
  if (first === '+') return html`<ins>${line}\n</ins>`;
  if (first === '-') return html`<del>${line}\n</del>`;
  return first === '@' ? html`<b>${line}\n</b>` : html`${line}\n`;
}
