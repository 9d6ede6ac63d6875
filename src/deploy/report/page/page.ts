import { sha256 } from '../../../core/digest.js';
import { formatTime } from '../../../core/units.js';
import type { ReportFacts } from '../facts.js';
import { changesSection } from './changes-section.js';
import { filesSection } from './files-section.js';
import { type Html, html, jsonText, verbatim } from './html.js';
import script from './in-browser.js?raw';
import { packagesSection } from './packages-section.js';
import style from './page.css?raw';
import { resourcesSection } from './resources-section.js';
import { runningSection } from './running-section.js';
import type { Section } from './section.js';
import { stepsSection } from './steps-section.js';
import { summarySection } from './summary-section.js';
import { timelineSection } from './timeline-section.js';

/**
 * A page that needs nothing else: no server, no network. Everything is there without its script but the tree of files, which is
 * made as folders are opened. No other script runs, and nothing is fetched, whatever is in the names and texts that it shows.
 */
export function reportPage(facts: ReportFacts): string {
  const sections = [
    timelineSection(facts),
    packagesSection(facts),
    stepsSection(facts),
    filesSection(facts),
    runningSection(facts),
    resourcesSection(facts),
    changesSection(facts),
  ].filter((section) => section !== undefined);
  const title = `${facts.project}: release ${facts.release} in ${facts.environment}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
${summarySection(facts)}
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="content">
${sections.map(sectionHtml)}
</main>
<footer><p>Made ${formatTime(facts.madeAt)} by Prestage.</p></footer>
<script type="application/json" id="files-data">${jsonText(facts.files ?? [])}</script>
<script>${verbatim(script)}</script>
</body>
</html>
`;
  return page.text;
}

function sectionHtml({ id, title, content }: Section): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}
</section>
`;
}

/** Whatever a name or a text of the page tries, nothing runs but our script, and nothing is fetched. */
function policy(): string {
  const only = (text: string) => `'sha256-${Buffer.from(sha256(text), 'hex').toString('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${only(script)}`,
    `style-src ${only(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
