// Builds dist/: the command line and the library (with their dependencies left to npm, in chunks so that a command
// loads only its own code), the agent and the supervisor (one self-contained file each, so that they run alone on
// a worker), and the types. Does nothing where dist/ was built from these very sources.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const { version } = JSON.parse(await readFile('package.json', 'utf8'));

const inputs = await digestOfInputs();
if ((await readFile('dist/.inputs', 'utf8').catch(() => '')) === inputs) process.exit();
await rm('dist', { recursive: true, force: true });

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  outdir: 'dist',
  define: { PRESTAGE_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};

const types = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
await Promise.all([
  build({
    ...shared,
    entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
    packages: 'external',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  }),
  build({
    ...shared,
    entryPoints: { agent: 'src/agent/main.ts', supervisor: 'src/targets/local/supervisor/main.ts' },
    // jsonc-parser's CommonJS cannot be bundled; its ES modules can.
    mainFields: ['module', 'main'],
    // Some bundled dependencies are CommonJS and call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
  }),
  once(types, 'exit').then(([code]) => {
    if (code !== 0) process.exitCode = 1;
  }),
]);
await chmod('dist/cli.js', 0o755);
await keepPublicTypes();
if (!process.exitCode) await writeFile('dist/.inputs', inputs);

/** Declarations that the public face does not lead to are no promise: they do not ship. */
async function keepPublicTypes() {
  const folder = join(root, 'dist/types');
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

/** Of all that the build reads of this repository, and of the versions that it builds with. */
async function digestOfInputs() {
  const sources = (await readdir('src', { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = sources
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.endsWith('.test.ts'));
  const hash = createHash('sha256');
  for (const path of [
    ...paths.sort(),
    'scripts/build.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
  ]) {
    hash.update(`${path}\0`).update(await readFile(path));
  }
  return hash.digest('hex');
}
