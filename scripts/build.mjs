// Builds dist/: the command line and the library (with their dependencies left to npm, in chunks so that a command
// loads only its own code), the agent and the supervisor (one self-contained file each, so that they run alone on
// a worker), and the types.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const { version } = JSON.parse(await readFile('package.json', 'utf8'));
await rm('dist', { recursive: true, force: true });

const shared = {
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
