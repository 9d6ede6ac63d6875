import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** The pages of the site by their files in the repository, in the order of the menu. */
export const MENU = [
  { title: 'Use it', files: ['README.md', 'docs/configuration.md', 'docs/steps.md', 'docs/formats.md', 'docs/cli.md'] },
  { title: 'Deploy to', files: ['docs/local-target.md', 'docs/aws.md', 'docs/ci.md', 'docs/windows.md'] },
  {
    title: 'Look up',
    files: ['docs/errors.md', 'docs/events.md', 'docs/glossary.md', 'docs/versions.md', 'CHANGELOG.md'],
  },
  {
    title: 'How it works',
    files: ['docs/architecture.md', 'docs/store-format.md', 'docs/threat-model.md', 'docs/benchmarks.md'],
  },
  { title: 'Take part', files: ['CONTRIBUTING.md', 'SECURITY.md', 'RELEASING.md'] },
  {
    title: 'Decisions',
    files: readdirSync('docs/decisions', 'utf8')
      .sort()
      .map((name) => `docs/decisions/${name}`),
  },
];

export const FILES = MENU.flatMap(({ files }) => files);

/** A page that nobody finds is a mistake. */
export function checkMenu() {
  const missing = readdirSync('docs').filter((name) => name.endsWith('.md') && !FILES.includes(`docs/${name}`));
  if (missing.length > 0) throw new Error(`not in the menu of site/pages.js: ${missing.join(', ')}`);
}

/** A page's file by where the generator found it: what is beside `docs/` is given to it as if it were in there. */
export function fileOf(inputPath) {
  const file = posix.normalize(inputPath);
  return FILES.includes(file) ? file : posix.basename(file);
}

/** Where a page is on the site. What is in `docs/` stays where it is, so links between its pages do too. */
export function placeOf(file) {
  if (file === 'README.md') return 'index.html';
  return file
    .replace(/^docs\//, '')
    .replace(/^[A-Z]+\.md$/, (name) => name.toLowerCase())
    .replace(/\.md$/, '.html');
}

/** What a page calls itself, in its first line. */
export function titleOf(file) {
  return /^# (.*)$/m.exec(readFileSync(file, 'utf8'))[1].replaceAll('`', '');
}
