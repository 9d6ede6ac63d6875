import { formatCount } from '../../../core/units.js';
import type { ReportFacts } from '../facts.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

type Resource = NonNullable<ReportFacts['resources']>[number];

/** What the environment is made of, stack by stack; undefined where the target is not made of resources. */
export function resourcesSection({ resources }: ReportFacts): Section | undefined {
  if (resources === undefined || resources.length === 0) return undefined;
  const stacks = [...new Set(resources.map(({ stack }) => stack))];
  const content = html`${stacks.map((stack) => {
    const ofIt = resources.filter((resource) => resource.stack === stack);
    return stackHtml(stack, ofIt);
  })}`;
  return { id: 'resources', title: 'Resources', content };
}

function stackHtml(stack: string, resources: readonly Resource[]): Html {
  const [own, ...others] = resources;
  return html`<h3>${linked(own, stack)} <span class="note">${own?.status}</span></h3>
<details class="step"><summary>${formatCount(others.length, 'resource')}</summary>
<div class="scrolls" tabindex="0" role="region" aria-label="Resources of ${stack}"><table>
<thead><tr><th scope="col">Resource</th><th scope="col">Type</th><th scope="col">Id</th><th scope="col">Status</th></tr></thead>
<tbody>${others.map(
    (
      each,
    ) => html`<tr><th scope="row">${each.resource}</th><td>${each.resourceType}</td><td><code>${linked(each, each.id)}</code></td><td>${each.status}</td></tr>
`,
  )}</tbody>
</table></div></details>
`;
}

function linked(resource: Resource | undefined, text: string): Html {
  const link = resource?.link;
  return link?.startsWith('https://') ? html`<a href="${link}">${text}</a>` : html`${text}`;
}
