import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Language, Parser } from 'web-tree-sitter';
import { prestage, repository } from '../prestage.js';
import { lacks } from '../requirements.js';
import { freePorts } from '../sample-project.js';

const parent = mkdtempSync(join(tmpdir(), 'prestage-init-'));
const folder = join(parent, 'my-project');
const scripts = ['deploy.sh', 'test-file-prep.sh'];
const powerShellScripts = ['deploy.ps1', 'test-file-prep.ps1'];

beforeAll(async () => {
  const run = await prestage('init my-project --json', { cwd: parent });
  expect(run.result.ok, run.stdout).toBe(true);
  // Its port may be in use here.
  const config = join(folder, 'prestage.config.yaml');
  const [port = 0] = await freePorts(1);
  const written = readFileSync(config, 'utf8');
  expect(written).toContain('8080');
  writeFileSync(config, written.replace('8080', String(port)));
  execFileSync('mkdir', ['-p', join(folder, 'node_modules/.bin')]);
  execFileSync('ln', ['-s', join(repository, 'dist/cli.cjs'), join(folder, 'node_modules/.bin/prestage')]);
});

afterAll(async () => {
  await prestage('destroy --purge --yes', { cwd: folder });
  rmSync(parent, { recursive: true });
});

/** Runs a script as a user does, and gives what it exits with. */
function run(script: string, args: string[] = [], env: Record<string, string> = {}) {
  try {
    const stdout = execFileSync(`./${script}`, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: 'pipe',
      encoding: 'utf8',
    });
    return { status: 0, stdout, stderr: '' };
  } catch (error) {
    return error as { status: number; stdout: string; stderr: string };
  }
}

describe('prestage init my-project', () => {
  test('deploys as it is: ./deploy.sh --json', () => {
    const { status, stdout } = run('deploy.sh', ['--json']);
    expect(status, stdout).toBe(0);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      ok: true,
      phase1: 'prepared',
      phase2: 'applied',
    });
  });

  test('writes nothing over what is there, and says so', async () => {
    const before = readFileSync(join(folder, 'prestage.config.yaml'));
    const again = await prestage('init my-project', { cwd: parent });
    expect([again.status, again.stdout]).toEqual([0, '']);
    expect(again.stderr).toMatch(/^Left alone, as they are there already: .*deploy\.sh.*prestage\.config\.yaml/);
    expect(readFileSync(join(folder, 'prestage.config.yaml'))).toEqual(before);
  });

  test('./test-file-prep.sh -TestPhase1Only tries phase 1 in a throw-away root', () => {
    const before = readdirSync(folder);
    const { status, stdout } = run('test-file-prep.sh', ['-TestPhase1Only', '--json']);
    expect(status, stdout).toBe(0);
    expect(readdirSync(folder)).toEqual(before);
    rmSync(JSON.parse(stdout.trim().split('\n').at(-1) ?? '').logs, { recursive: true });
  });

  test('passes on arguments and the exit status: ./deploy.sh --no-such-flag', () => {
    expect(run('deploy.sh', ['--no-such-flag']).status).toBe(2);
  });

  test('deploys inside a clone of the repository with what was built there: ./deploy.sh --version', () => {
    const clone = mkdtempSync(join(tmpdir(), 'prestage-clone-'));
    onTestFinished(() => rmSync(clone, { recursive: true }));
    copyFileSync(join(repository, 'package.json'), join(clone, 'package.json'));
    symlinkSync(join(repository, 'dist'), join(clone, 'dist'));
    mkdirSync(join(clone, 'my-project'));
    for (const script of scripts) {
      copyFileSync(join(folder, script), join(clone, 'my-project', script));
      const answer = () => spawnSync(`./${script}`, ['--help'], { cwd: join(clone, 'my-project'), encoding: 'utf8' });
      expect(answer().stdout).toMatch(/^Usage: prestage (deploy|test) /);
      writeFileSync(join(clone, 'package.json'), '{\n  "name": "another",\n}\n');
      expect(answer().stdout).not.toMatch(/^Usage/);
      copyFileSync(join(repository, 'package.json'), join(clone, 'package.json'));
    }
  });

  test('says in one line what is missing: ./deploy.sh without Node', () => {
    const { status, stderr } = run('deploy.sh', [], { PATH: '/usr/bin/nowhere' });
    expect(status).not.toBe(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/node/i);
  });

  test.skipIf(lacks('shellcheck', 'dash')).each(scripts)('shellcheck and dash -n accept %s', (script) => {
    execFileSync('shellcheck', [join(folder, script)]);
    execFileSync('dash', ['-n', join(folder, script)]);
    expect(readFileSync(join(folder, script), 'utf8')).toMatch(/^#!\/bin\/sh\n/);
  });

  test.each([
    ...powerShellScripts.map((script) => join(folder, script)),
    join(repository, 'templates/completion/prestage.ps1'),
  ])('the PowerShell grammar accepts %s, which was never run', async (script) => {
    await Parser.init();
    const parser = new Parser();
    parser.setLanguage(
      await Language.load(createRequire(import.meta.url).resolve('tree-sitter-powershell/tree-sitter-powershell.wasm')),
    );
    const parse = (text: string) => parser.parse(text)?.rootNode.hasError;
    const text = readFileSync(script, 'utf8');
    expect(parse(text)).toBe(false);
    expect(parse(`${text}\nif ( {`)).toBe(true);
    if (script.startsWith(folder)) expect(text).toMatch(/exit \$LASTEXITCODE/);
  });

  test('the same scripts stand beside the quickstart', () => {
    for (const script of [...scripts, ...powerShellScripts]) {
      const beside = readFileSync(join(repository, 'examples/quickstart', script), 'utf8');
      expect(beside.replaceAll('\r', '')).toBe(readFileSync(join(folder, script), 'utf8').replaceAll('\r', ''));
    }
  });
});
