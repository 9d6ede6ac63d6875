import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { repository } from '../prestage.js';
import { freePorts } from '../sample-project.js';

const execute = promisify(execFile);

const program = `import { defineConfig, deploy, PrestageError } from 'prestage';

export const config = defineConfig({ name: 'portal', packages: { app: { source: 'files/app.tar.gz' } } });

export async function release(): Promise<string> {
  try {
    const result = await deploy({ config: '.', emit: (event) => void event.type, signal: new AbortController().signal });
    return result.release;
  } catch (error) {
    if (error instanceof PrestageError) return error.code;
    throw error;
  }
}

// @ts-expect-error: the configuration is checked
defineConfig({ name: 1 });
`;

test('what npm packs installs in an empty folder, compiles with tsc --strict alone, and deploys its starter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-package-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const run = (file: string, args: string[], cwd = folder) => execute(file, args, { cwd });

  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse((await run('npm', pack, repository)).stdout) as { filename: string; files: Packed[] }[];
  const paths = packed?.files.map((file) => file.path) ?? [];
  expect(paths).toEqual(expect.arrayContaining(['dist/cli.cjs', 'dist/types/index.d.ts', 'LICENSE', 'README.md']));
  expect(paths.filter((path) => /^dist\/(\.|types\/cli)|testing|\.test\./.test(path))).toEqual([]);

  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  // The database's programs are optional and large; the starter has none.
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--omit=optional'];
  await run('npm', [...install, join(folder, packed?.filename ?? '')]);

  await writeFile(join(folder, 'program.ts'), program);
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const compiled = run(process.execPath, [tsc, '--strict', '--noEmit', '--module', 'nodenext', 'program.ts']);
  await compiled.catch(({ stdout }) => expect.fail(stdout));

  await run('npx', ['--offline', 'prestage', 'init', 'x']);
  const project = join(folder, 'x');
  const config = join(project, 'prestage.config.yaml');
  const [port = 0] = await freePorts(1);
  const written = await readFile(config, 'utf8');
  expect(written).toContain('8080');
  await writeFile(config, written.replace('8080', String(port)));
  const destroy = () => run('npx', ['--offline', 'prestage', 'destroy', '--purge', '--yes'], project);
  onTestFinished(async () => void (await destroy().catch(() => {})));
  await run('npx', ['--offline', 'prestage', 'deploy'], project);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  await destroy();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

interface Packed {
  path: string;
}
