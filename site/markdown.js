import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import GithubSlugger from 'github-slugger';
import { FILES, fileOf, placeOf } from './pages.js';

/** The sections of each page that was read, by its file: headings, and the text below them, for the search. */
export const read = new Map();

/** Teaches markdown-it to read a page as GitHub does: the ids of headings, and links between files. */
export function asOnGitHub(markdown, { repository }) {
  markdown.set({ html: false });

  markdown.core.ruler.push('prestage', ({ tokens, env }) => {
    const file = fileOf(env.page.inputPath);
    const slugger = new GithubSlugger();
    const sections = [];
    for (const [i, token] of tokens.entries()) {
      if (token.type === 'heading_open') {
        const heading = textOf(tokens[i + 1]);
        const id = slugger.slug(heading);
        token.attrSet('id', id);
        sections.push({ id, level: Number(token.tag[1]), heading, text: '', defined: '' });
      } else if (tokens[i - 1]?.type !== 'heading_open') {
        const text = token.type === 'fence' ? token.content : textOf(token);
        if (text) sections.at(-1).text += `${text}\n`;
        // The first cell of a row is what the row explains: a flag, a key, an error.
        if (tokens[i - 1]?.type === 'td_open' && tokens[i - 2].type === 'tr_open')
          sections.at(-1).defined += `${text}\n`;
      }
      for (const part of token.children ?? []) {
        const attribute = { link_open: 'href', image: 'src' }[part.type];
        if (attribute) part.attrSet(attribute, addressOf(part.attrGet(attribute), file, repository));
      }
    }
    read.set(file, sections);
  });

  // A table that is wider than a phone is moved by itself, by touch or by keyboard, and not the page.
  markdown.renderer.rules.table_open = () => '<div class="wide" tabindex="0"><table>\n';
  markdown.renderer.rules.table_close = () => '</table></div>\n';
  const { fence } = markdown.renderer.rules;
  markdown.renderer.rules.fence = (...args) => fence(...args).replace('<pre>', '<pre tabindex="0">');
}

const textOf = (token) =>
  (token.children ?? [])
    .map((part) => (part.type === 'softbreak' ? ' ' : part.type === 'image' ? '' : part.content))
    .join('');

/** Another page's place from here; for a file that is no page, its place in the repository. */
function addressOf(written, file, repository) {
  const [, path, anchor = ''] = /^([^#]*)(#.*)?$/.exec(written);
  if (path === '' || /^[a-z]+:/.test(path)) return written;
  const wanted = posix.join(posix.dirname(file), path);
  const here = posix.dirname(placeOf(file));
  if (FILES.includes(wanted)) return posix.relative(here, placeOf(wanted)) + anchor;
  if (wanted.endsWith('.svg')) return posix.relative(here, wanted.replace(/^docs\//, ''));
  if (!existsSync(wanted)) throw new Error(`${file} links to ${written}, and there is no ${wanted}`);
  return `${repository}/blob/main/${wanted}${anchor}`;
}
