import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../prestage.js';

const execute = promisify(execFile);

/** A folder with the one file in it, and nothing else. */
let folder = '';
let file = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-single-file-'));
  file = join(folder, 'prestage.mjs');
  await execute(process.execPath, [join(repository, 'scripts/single-file/pack.mjs'), file]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Without what npm says to the programs that it starts, as in a shell. */
async function run(args: string, { cwd = folder, cache = join(folder, 'cache'), aws = {} } = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  return execute(process.execPath, [file, ...args.split(' ')], { cwd, env: { ...env, XDG_CACHE_HOME: cache, ...aws } });
}

describe('Prestage in one file', () => {
  test('starts a project, prepares it, and says how it is called again', async () => {
    expect((await run('init portal')).stderr).toContain('Next: cd portal && node prestage.mjs deploy');
    const project = join(folder, 'portal');
    const { stderr } = await run('deploy --prepare-files-only', { cwd: project });
    expect(stderr).toMatch(/^Release [0-9a-f]{16} is ready in /m);
    expect(stderr).toContain(`Next: node ${file} deploy --skip-file-prep`);
    expect(JSON.parse((await run('verify --deep --json', { cwd: project })).stdout)).toMatchObject({ ok: true });
  });

  test('reads a configuration in TypeScript', async () => {
    const project = join(folder, 'typed');
    await mkdir(project);
    await writeFile(
      join(project, 'prestage.config.ts'),
      "const name: string = 'typed';\nexport default { name, packages: { app: { source: 'files' } } };\n",
    );
    await cp(join(repository, 'templates/init/files'), join(project, 'files'), { recursive: true });
    expect((await run('plan', { cwd: project })).stdout).toContain('app');
  });

  test('is found by the scripts beside a configuration', async () => {
    const project = join(folder, 'scripted');
    await run('init scripted');
    await copyFile(file, join(project, 'prestage.mjs'));
    const { stdout } = await execute('sh', ['./deploy.sh', '--help'], { cwd: project });
    expect(stdout).toContain('--prepare-files-only');
  });

  test('is unpacked once, however many start at once', async () => {
    const cache = join(folder, 'another-cache');
    const started = await Promise.all(Array.from({ length: 6 }, () => run('--version', { cache })));
    expect(new Set(started.map(({ stdout }) => stdout)).size).toBe(1);
    expect(await readdir(join(cache, 'prestage'))).toHaveLength(1);
  });

  test('says where it wanted to unpack itself, where it cannot', async () => {
    const cache = join(folder, 'a-file');
    await writeFile(cache, '');
    await expect(run('--version', { cache })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^prestage: .*a-file.* could not be written .* Set XDG_CACHE_HOME to a folder of yours\.\n$/,
      ),
    });
  });

  test('names the command that installs what deploys to AWS beside it', async () => {
    const project = join(folder, 'on-aws');
    await mkdir(project);
    await cp(join(repository, 'templates/init/files'), join(project, 'files'), { recursive: true });
    await writeFile(
      join(project, 'prestage.config.yaml'),
      'name: on-aws\npackages: { app: { source: files } }\nenvironments: { dev: { target: aws, region: eu-central-1 } }\n',
    );
    // Nobody answers there: whether the packages are installed is asked of this machine.
    const aws = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const { stdout } = await run('doctor --env dev --json', { cwd: project, aws }).catch((error) => error);
    expect(stdout).toContain(`npm install --prefix '${join(folder, 'cache/prestage/')}`);
  });
});
