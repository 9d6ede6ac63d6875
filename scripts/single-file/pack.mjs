// Packs dist/ and all that it needs into prestage.mjs, which runs by itself: `node prestage.mjs deploy`.
// usage: node scripts/single-file/pack.mjs [file]

import { createHash } from 'node:crypto';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const output = resolve(process.argv[2] ?? 'prestage.mjs');
const { name, version, type, license, peerDependencies } = JSON.parse(
  await readFile(join(root, 'package.json'), 'utf8'),
);

const files = [
  // What is installed into this folder is what deploys to AWS, and nothing that Prestage is built with.
  packed('package.json', JSON.stringify({ name, version, type, license, peerDependencies, singleFile: true })),
  packed('LICENSE', await readFile(join(root, 'LICENSE'))),
];
// Types are for those who have the library, which takes an installation.
await add('dist', (path) => !/^dist\/(types\/|\.inputs$|index\.js$)/.test(path));
await add('templates');
await add('schema');
// It compiles configurations in TypeScript, by files that it looks for beside itself.
await add('node_modules/jiti', (path) => !/\.(d\.[cm]?ts|md)$/.test(path));

const list = files.map(({ path, mode, content }) => ({ path, mode, size: content.length }));
const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(list)}\n`), ...files.map(({ content }) => content)]);
const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const start = await readFile(new URL('start.mjs', import.meta.url), 'utf8');
if (!start.includes('prestage-of-this-file')) throw new Error('start.mjs has no place for the name');
// Not the best level, which takes 15 s and saves a tenth.
const compressed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
await writeFile(
  output,
  `${start.replace('prestage-of-this-file', `${version}-${digest}`)}\n//${compressed.toString('base64')}`,
);
await chmod(output, 0o755);

async function add(folder, wanted = () => true) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((entry) => entry.isFile()).sort(byPath)) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(root, file).split(sep).join('/');
    if (wanted(path)) files.push(packed(path, await readFile(file)));
  }
}

function byPath(a, b) {
  return join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1;
}

function packed(path, bytes) {
  const content = Buffer.from(bytes);
  return { path, mode: content.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644, content };
}
