import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { buildTypes } from '../build.js';
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

/** The commands of the README's section "Use it", word for word. */
async function readme(): Promise<string[]> {
  const text = await readFile(join(repository, 'README.md'), 'utf8');
  const [, block = ''] = /^## Use it\n.*?```sh\n(.*?)```/ms.exec(text) ?? [];
  return block.trim().split('\n');
}

/** A clone after `npm ci`: what it would build is built, and what it would install is here. */
async function clone(into: string): Promise<void> {
  const { stdout } = await execute('git', ['ls-files', '-z'], { cwd: repository, maxBuffer: 1e8 });
  const files = stdout.split('\0').filter((path) => path !== '' && !/^(bench|examples|test)\//.test(path));
  for (const path of [...files, 'dist']) await cp(join(repository, path), join(into, path), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(into, 'node_modules'));
}

test("the README's way into a project works word for word: pack, install, init, deploy; and its types compile", {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-package-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const project = join(folder, 'my-project');
  // The database's programs and AWS's parts are optional and large; the starter has none of them.
  const npm = { npm_config_omit: 'optional', npm_config_prefer_offline: 'true', npm_config_audit: 'false' };
  const sh = (line: string, cwd: string) =>
    execute('sh', ['-c', line], { cwd, env: { ...process.env, ...npm } }).catch((error) =>
      expect.fail(`${line}: ${error.stdout}${error.stderr}`),
    );
  buildTypes();
  await clone(join(folder, 'prestage'));

  const lines = await readme();
  // What the scripts advise where Prestage is missing is what the README says, and is done here.
  const advice = await readFile(join(repository, 'templates/init/deploy.sh'), 'utf8');
  for (const words of ['npm pack', 'npm install --save-dev ']) {
    expect(advice).toContain(words);
    expect(
      lines.some((line) => line.startsWith(words)),
      words,
    ).toBe(true);
  }
  const initialised = lines.findIndex((line) => line.startsWith('npx prestage init'));
  expect(initialised).toBeGreaterThan(2);
  // The first line that leads into another folder takes the others along.
  await sh(lines.slice(0, initialised + 1).join('\n'), join(folder, 'prestage'));
  const packed = await readdir(join(folder, 'prestage'));
  expect(packed.filter((name) => name.endsWith('.tgz'))).toHaveLength(1);

  const installed = await readdir(join(project, 'node_modules/prestage'), { recursive: true });
  expect(installed).toEqual(expect.arrayContaining(['dist/cli.cjs', 'dist/types/index.d.ts', 'LICENSE', 'README.md']));
  expect(installed.filter((path) => /^dist\/(\.|types\/cli)|testing|\.test\./.test(path))).toEqual([]);

  await writeFile(join(project, 'program.mts'), program);
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  await sh(`node ${tsc} --strict --noEmit --module nodenext program.mts`, project);

  const config = join(project, 'prestage.config.yaml');
  const [port = 0] = await freePorts(1);
  const written = await readFile(config, 'utf8');
  expect(written).toContain('8080');
  await writeFile(config, written.replace('8080', String(port)));
  const destroy = () => sh('npx prestage destroy --purge --yes', project);
  onTestFinished(async () => void (await destroy().catch(() => {})));
  await sh(lines.slice(initialised + 1).join('\n'), project);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  expect((await sh('./deploy.sh --json | tail -1', project)).stdout).toContain('"phase2":"unchanged"');

  await destroy();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});
