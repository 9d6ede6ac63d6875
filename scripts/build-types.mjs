// Builds dist/types: what the library's public face declares. Does nothing where it was built from these very sources, and
// may run beside itself: the first to end wins.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOfInputs, isBuiltFrom } from './build-inputs.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const STAMP = 'dist/.types-inputs';
const made = `dist/.types-${process.pid}`;

const inputs = await digestOfInputs();
if (await isBuiltFrom(inputs, STAMP)) process.exit();
await mkdir('dist', { recursive: true });
try {
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', made];
  const [code] = await once(spawn(process.execPath, compiler, { stdio: 'inherit' }), 'exit');
  if (code !== 0) process.exit(1);
  await keepPublic(made);
  if (await isBuiltFrom(inputs, STAMP)) process.exit();
  await rm('dist/types', { recursive: true, force: true });
  await rename(made, 'dist/types');
  await writeFile(STAMP, inputs);
} finally {
  await rm(made, { recursive: true, force: true });
}

/** Declarations that the public face does not lead to are no promise: they do not ship. */
async function keepPublic(folder) {
  const reached = new Set();
  const follow = async (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    const imports = (await readFile(path, 'utf8')).matchAll(/(?:\bfrom |\bimport\()["'](\.[^"']+)\.js["']/g);
    await Promise.all([...imports].map(([, specifier]) => follow(join(path, '..', `${specifier}.d.ts`))));
  };
  await follow(join(folder, 'index.d.ts'));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  await Promise.all(paths.filter((path) => !reached.has(path)).map((path) => rm(path)));
}
