// Builds dist/: the command line and the library, the agent and the supervisor, each with all that it needs but jiti.
// Programs come in chunks, so that each loads only the code that it runs: loading is what a deployment that changes
// nothing spends its time on. The agent is a folder, and the supervisor a file, that run alone on a worker.
// Does nothing where dist/ was built from these very sources. Then the types (build-types.mjs), which take longest: most
// tests do without them (--programs).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { digestOfInputs, isBuiltFrom } from './build-inputs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const { version } = JSON.parse(await readFile('package.json', 'utf8'));

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // jsonc-parser's CommonJS cannot be bundled; its ES modules can.
  mainFields: ['module', 'main'],
  // jiti compiles configurations in TypeScript by files of its own, which it looks for beside itself; the others come only with
  // a deployment to AWS, and are as large as all of Prestage a hundred times.
  external: ['jiti', 'aws-cdk-lib', 'constructs', '@aws-cdk/toolkit-lib'],
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  // Some dependencies are CommonJS and call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  define: { PRESTAGE_VERSION: JSON.stringify(version) },
  legalComments: 'none', // licences.txt has them all
  plugins: [scriptsAsText()],
  metafile: true,
  logLevel: 'warning',
};

/** What starts the command line, which must not be a module. */
const commonJs = { format: 'cjs', splitting: false, external: ['./main.js'], banner: {} };

/** Beside what this builds. */
const isOfTypes = (entry) => /^\.?types/.test(entry);

const types = process.argv.includes('--programs')
  ? undefined
  : once(spawn(process.execPath, ['scripts/build-types.mjs'], { stdio: 'inherit' }), 'exit');
const inputs = await digestOfInputs();
if (!(await isBuiltFrom(inputs, 'dist/.inputs'))) await buildPrograms();
if (types !== undefined && (await types)[0] !== 0) process.exitCode = 1;

async function buildPrograms() {
  await rm('dist/.inputs', { force: true });
  const before = (await readdir('dist').catch(() => [])).filter((entry) => !isOfTypes(entry));
  await Promise.all(before.map((entry) => rm(join('dist', entry), { recursive: true })));
  const outputs = await Promise.all([
    build({ ...shared, outdir: 'dist', entryPoints: { main: 'src/cli/main.ts', index: 'src/index.ts' } }),
    build({
      ...shared,
      ...commonJs,
      outdir: 'dist',
      outExtension: { '.js': '.cjs' },
      entryPoints: { cli: 'src/cli/start.cts' },
    }),
    build({ ...shared, outdir: 'dist/agent', entryPoints: { agent: 'src/agent/main.ts' } }),
    build({
      ...shared,
      outdir: 'dist',
      entryPoints: { supervisor: 'src/targets/local/supervisor/main.ts' },
      splitting: false,
    }),
  ]);
  await chmod('dist/cli.cjs', 0o755);
  // The agent runs alone on machines, below no package.json of ours: Node would have to guess from its code what it is.
  await writeFile('dist/agent/package.json', '{ "type": "module" }\n');
  await writeFile(
    'dist/licences.txt',
    await licences(outputs.flatMap((output) => Object.keys(output?.metafile?.inputs ?? {}))),
  );
  await writeFile('dist/.inputs', inputs);
}

/** `import text from './x.sh?raw'` (or a .pem, and what a report's page carries), as Vite reads it for the tests. */
function scriptsAsText() {
  return {
    name: 'scripts-as-text',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.(sh|pem|css|js)\?raw$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path.slice(0, -'?raw'.length)),
        namespace: 'text',
      }));
      onLoad({ filter: /.*/, namespace: 'text' }, async ({ path }) => ({
        contents: await readFile(path, 'utf8'),
        loader: 'text',
      }));
    },
  };
}

/** What is in dist/ and not ours, with the terms that it comes under. */
async function licences(inputs) {
  const folders = inputs.flatMap((path) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`;
    return `${name} ${version} (${license})\n${text}`;
  });
  return `Programs in this folder contain these packages.\n\n${(await Promise.all(texts)).join('\n\n')}`;
}
