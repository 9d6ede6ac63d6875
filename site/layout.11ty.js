import { posix } from 'node:path';
import { read } from './markdown.js';
import { fileOf, MENU, placeOf, titleOf } from './pages.js';

/** The page around a page's text. All addresses are relative, so that the site works in any folder, opened as files too. */
export function render({ content, page, version }) {
  const file = fileOf(page.inputPath);
  const sections = read.get(file);
  const to = (place) => posix.relative(posix.dirname(placeOf(file)), place);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(file === 'README.md' ? 'Prestage' : `${titleOf(file)} · Prestage`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('site.css')}">
<script src="${to('search.js')}" data-root="${to('index.html').replace('index.html', '')}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header>
<a class="name" href="${to('index.html')}">Prestage</a> <span class="version">${version}</span>
<search hidden><input type="search" placeholder="Search, or press /" aria-label="Search the documentation" autocomplete="off" spellcheck="false"></search>
</header>
<div id="found" role="region" aria-label="Found" aria-live="polite" hidden></div>
<div class="columns">
<nav aria-label="Pages">
<details class="menu" open><summary>All pages</summary>
${MENU.map((group) => menuGroup(group, { file, to })).join('\n')}
</details>
</nav>
<main id="main">
${outline(sections)}
${content}
</main>
</div>
</body>
</html>
`;
}

function menuGroup({ title, files }, { file, to }) {
  const items = files.map((other) => {
    const current = other === file ? ' aria-current="page"' : '';
    return `<li><a href="${to(placeOf(other))}"${current}>${other === 'README.md' ? 'Start here' : escaped(titleOf(other))}</a></li>`;
  });
  return `<h2>${title}</h2>\n<ul>${items.join('')}</ul>`;
}

function outline(sections) {
  const items = sections.filter(({ level }) => level === 2 || level === 3);
  if (items.length < 3) return '';
  const lines = items.map(
    ({ id, level, heading }) => `<li class="level-${level}"><a href="#${id}">${escaped(heading)}</a></li>`,
  );
  return `<nav class="outline" aria-label="On this page"><details open><summary>On this page</summary><ul>${lines.join('')}</ul></details></nav>`;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
}
