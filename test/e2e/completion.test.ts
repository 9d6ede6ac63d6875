import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installedFile } from '../../src/core/installation.js';
import { command, prestage } from '../prestage.js';
import { lacks } from '../requirements.js';

/** A project, and `prestage` in PATH. */
async function projectWithCommand() {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-completion-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const project = join(folder, 'shop');
  await prestage(`init ${project}`, { cwd: folder });
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/prestage'), `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`);
  await chmod(join(folder, 'bin/prestage'), 0o755);
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder, TERM: 'dumb' };
  return { cwd: project, env };
}

/** A shell on a terminal, which is given keys, and has to show what the line becomes. */
async function typed(shell: string, setup: string, lines: readonly (readonly [keys: string, becomes: string])[]) {
  const child = spawn('script', ['-qec', shell, '/dev/null'], await projectWithCommand());
  onTestFinished(() => void child.kill());
  const shown = collected(child);
  child.stdin?.write(`${setup}; echo rea''dy\n`);
  await shown('ready');
  for (const [keys, becomes] of lines) {
    child.stdin?.write(keys);
    await shown(becomes);
    child.stdin?.write(CLEAR_LINE);
  }
}

const CLEAR_LINE = '\x15';

function collected({ stdout }: ChildProcess) {
  let text = '';
  stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return async (expected: string) => {
    await expect.poll(() => text, { timeout: 20_000 }).toContain(expected);
    text = '';
  };
}

const LINES: readonly (readonly [keys: string, becomes: string])[] = [
  ['prestage depl\t', 'prestage deploy '],
  ['prestage logs --en\t', 'prestage logs --env '],
  ['prestage logs --env l\t', 'prestage logs --env local '],
  ['prestage logs --env=l\t', 'prestage logs --env=local '],
  ['prestage deploy --only pr\t', 'prestage deploy --only product '],
  ['prestage --config prest\t', 'prestage --config prestage.config.yaml '],
];

test.skipIf(lacks('script'))('bash completes', async () => {
  await typed('bash --norc --noprofile -i', 'eval "$(prestage completion bash)"', LINES);
});

test.skipIf(lacks('script', 'zsh'))('zsh completes', async () => {
  await typed('zsh -f -i', 'autoload -U compinit; compinit -u; eval "$(prestage completion zsh)"', LINES);
});

test.skipIf(lacks('fish')).each([
  ['prestage depl', 'deploy\tprepare the files and deploy the services: both phases, as needed'],
  ['prestage logs --env ', 'local\tlocal'],
  ['prestage logs --env=l', '--env=local\tlocal'],
  [
    'prestage logs ',
    'jump\tservice\nweb\tservice\njump-0\thost of jump\nweb-0\thost of web\nworker\tthe last preparation',
  ],
  ['prestage --config prest', 'prestage.config.yaml'],
])('fish: %j', async (line, candidates) => {
  const script = `prestage completion fish | source; complete --do-complete '${line}'`;
  const shown = execFileSync('fish', ['-N', '-c', script], { ...(await projectWithCommand()), encoding: 'utf8' });
  expect(shown.trimEnd()).toBe(candidates);
});

test.skipIf(lacks('shellcheck'))('shellcheck accepts the script for bash', () => {
  execFileSync('shellcheck', ['--shell=bash', installedFile('templates/completion/prestage.bash')]);
});

test('where there is no configuration, commands and flags are still completed, and nothing is said', async () => {
  const { env } = await projectWithCommand();
  const run = (line: string) => prestage(line, { cwd: tmpdir(), env: env as Record<string, string> });
  expect((await run('completion zsh --word=ro --')).stdout).toMatch(/^rollback\t/);
  expect(await run('completion zsh --word= -- rollback')).toMatchObject({ status: 0, stdout: '', stderr: '' });
});
