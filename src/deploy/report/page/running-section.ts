import type { ReportFacts } from '../facts.js';
import { type Html, html } from './html.js';
import type { Section } from './section.js';

/** Services, the hosts that run them now, and how their logs end. */
export function runningSection(facts: ReportFacts): Section {
  const { services, hosts, database, logs, scripts } = facts;
  const content = html`
${hosts.length === 0 ? html`<p class="empty">Nothing runs.</p>` : hostsTable(hosts)}
${database && html`<p>Database: ${database.engine} ${database.version} on <code>${database.address}:${database.port}</code>, ${database.state}.</p>`}
${services && servicesTable(services.services)}
${scripts.length > 0 && html`<h3>Scripts</h3><ul class="plain">${scripts.map(({ path, sha256 }) => html`<li><code>${path}</code> <span class="digest">SHA-256 <code>${sha256}</code></span></li>`)}</ul>`}
${logs.length > 0 && html`<h3>Ends of the logs</h3>`}
${logs.map(logHtml)}`;
  return { id: 'hosts', title: 'Hosts', content };
}

function hostsTable(hosts: ReportFacts['hosts']): Html {
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of hosts"><table>
<thead><tr><th scope="col">Host</th><th scope="col">State</th><th scope="col">Address</th><th scope="col">Release</th></tr></thead>
<tbody>${hosts.map(
    ({ service, index, state, detail, address, port, url, release }) => html`<tr>
<th scope="row" class="name">${service}-${index}</th>
<td><span class="badge ${state === 'healthy' ? 'good' : 'bad'}">${state}</span>${detail && html` <span class="note">${detail}</span>`}</td>
<td>${url && /^https?:/.test(url) ? html`<a href="${url}">${url}</a>` : html`<code>${address}${port !== undefined && `:${port}`}</code>`}</td>
<td><code>${release}</code></td>
</tr>
`,
  )}</tbody>
</table></div>`;
}

function servicesTable(services: NonNullable<ReportFacts['services']>['services']): Html {
  return html`<h3>Services <span class="note">as they were deployed with this release</span></h3>
<div class="scrolls" tabindex="0" role="region" aria-label="Table of services"><table>
<thead><tr><th scope="col">Service</th><th scope="col" class="number">Hosts</th><th scope="col">Port</th><th scope="col">Needs</th><th scope="col">After</th><th scope="col">Scripts</th></tr></thead>
<tbody>${services.map(
    ({ name, role, count, port, needs, after, boot, run }) => html`<tr>
<th scope="row">${name}${role === 'jump' && html` <span class="note">jump host</span>`}</th>
<td class="number">${count}</td>
<td>${port}</td>
<td>${needs?.join(', ') ?? 'all packages'}</td>
<td>${after.join(', ')}</td>
<td>${[boot, run].filter((path) => path !== undefined).map((path, i) => html`${i > 0 && ', '}<code>${path}</code>`)}</td>
</tr>
`,
  )}</tbody>
</table></div>`;
}

function logHtml({ source, lines }: ReportFacts['logs'][number]): Html {
  return html`<details class="log">
<summary><strong>${source}</strong> <span class="note">${lines.length} lines</span></summary>
<pre tabindex="0" role="region" aria-label="Log of ${source}">${lines.join('\n')}</pre>
</details>
`;
}
