import { formatNumber } from '../../../core/bytes.js';
import type { ReportFacts } from '../facts.js';
import { html } from './html.js';
import type { Section } from './section.js';

/** A place for the tree of files, which the page's script makes as folders are opened. */
export function filesSection({ files }: ReportFacts): Section {
  const title = 'Files';
  if (files === undefined) {
    const content = html`<p class="empty">The list of files is in the store, which cannot be read from here. <code>prestage verify</code> compares it with the files.</p>`;
    return { id: 'files', title, content };
  }
  const count = files.reduce((sum, { rest }) => sum + rest.length, 0);
  const content = html`<p>Where each file comes from, and which steps changed it.</p>
<noscript><p class="empty">The list needs JavaScript. The file <code>.mtree</code> beside each tree in the store has it, too.</p></noscript>
<div id="files-tool" hidden>
<p class="find"><label for="find">Find in ${formatNumber(count)} paths</label> <input id="find" type="search" autocomplete="off" spellcheck="false"></p>
<p id="found" role="status"></p>
<ul id="matches" class="files"></ul>
<div id="tree"></div>
</div>`;
  return { id: 'files', title, content };
}
