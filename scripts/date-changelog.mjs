// Run by `npm version` (RELEASING.md): what was unreleased in CHANGELOG.md becomes that of this version, and README.md names the
// file that `npm pack` makes now.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { version } = JSON.parse(await readFile('package.json', 'utf8'));
const today = new Date().toISOString().slice(0, 10);

await replaceIn('CHANGELOG.md', /^## Unreleased\n/m, `## Unreleased\n\n## ${version} (${today})\n`);
await replaceIn('README.md', /prestage-\d+\.\d+\.\d+\S*?\.tgz/g, `prestage-${version}.tgz`);

async function replaceIn(path, pattern, replacement) {
  const before = await readFile(path, 'utf8');
  const after = before.replace(pattern, replacement);
  if (after === before) throw new Error(`${path} has nothing that is ${pattern}.`);
  await writeFile(path, after);
}
