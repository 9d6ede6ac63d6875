// Makes the site out of `docs/` and the pages beside the README. Those stay plain Markdown, to be read on GitHub too. What is made
// asks no network for anything, and can be opened as files.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { brokenLinks } from './links.js';
import { asOnGitHub, read } from './markdown.js';
import { checkMenu, FILES, fileOf, placeOf, titleOf } from './pages.js';

const OUTPUT = 'site/dist';
const { version, homepage } = JSON.parse(readFileSync('package.json', 'utf8'));

export default function configure(eleventy) {
  checkMenu();
  eleventy.setUseGitIgnore(false);
  for (const file of FILES.filter((file) => !file.startsWith('docs/'))) {
    eleventy.addTemplate(file, readFileSync(file, 'utf8'));
  }
  eleventy.addGlobalData('layout', 'layout.11ty.js');
  eleventy.addGlobalData('version', version);
  eleventy.addGlobalData(
    'permalink',
    () =>
      ({ page }) =>
        placeOf(fileOf(page.inputPath)),
  );
  eleventy.amendLibrary('md', (markdown) => asOnGitHub(markdown, { repository: homepage.replace('#readme', '') }));
  eleventy.addPassthroughCopy({
    'site/browser': '.',
    'site/node_modules/minisearch/dist/umd/index.js': 'minisearch.js',
    'docs/*.svg': '.',
  });

  eleventy.on('eleventy.after', async ({ results }) => {
    await writeFile(`${OUTPUT}/sections.js`, `sections(${JSON.stringify(searchable())});\n`);
    const pages = results.map(({ inputPath, content }) => ({
      place: placeOf(fileOf(inputPath)),
      html: content,
      folder: OUTPUT,
    }));
    const broken = brokenLinks(pages);
    if (broken.length > 0) throw new Error(`links that lead nowhere:\n  ${broken.join('\n  ')}`);
  });

  return {
    dir: { input: 'docs', output: OUTPUT, includes: '../site', layouts: '../site' },
    // The pages are text about templates, and none themselves.
    markdownTemplateEngine: false,
    templateFormats: ['md'],
  };
}

/** Each section of each page, as the search shows it. */
function searchable() {
  return FILES.flatMap((file) => {
    const page = titleOf(file);
    return read.get(file).map(({ id, heading, text, defined }) => {
      return { address: `${placeOf(file)}#${id}`, page, heading, text, defined };
    });
  });
}
