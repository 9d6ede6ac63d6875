import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith } from './folder-with.js';
import { command, repository } from './prestage.js';
import { freePorts } from './sample-project.js';

const execute = promisify(execFile);

/**
 * Commands of the docs that another test runs, by how they begin: its file, and what it says there. All that is in neither
 * list is run below.
 */
const RUN_ELSEWHERE: readonly [begins: string, file: string, says: string][] = [
  ['npm ci', '.ci/run', '\nnpm ci\n'],
  ['npm test', '.ci/run', '\nnpm test\n'],
  ['npm start', 'test/e2e/quickstart.test.ts', "execute('npm', ['start']"],
  ['npm pack', 'test/e2e/package.test.ts', 'works word for word: pack, install, init, deploy'],
  ['mkdir ../my-project', 'test/e2e/package.test.ts', 'word for word'],
  ['npm install --save-dev ../prestage/', 'test/e2e/package.test.ts', 'word for word'],
  ['npx prestage', 'test/e2e/package.test.ts', 'word for word'],
  ['node prestage.mjs init portal', 'test/e2e/single-file.test.ts', "run('init portal')"],
  ['cd portal && node ../prestage.mjs deploy', 'test/e2e/single-file.test.ts', "run('deploy --prepare-files-only'"],
  ['prestage doctor --env dev', 'test/e2e/doctor.test.ts', "prestage('doctor --json'"],
  ['prestage plan --env dev', 'test/aws/two-phases.cloud.ts', "aws('plan"],
  ['prestage deploy --env dev', 'test/aws/two-phases.cloud.ts', "aws('deploy"],
  ['prestage status --env dev', 'test/aws/two-phases.cloud.ts', "aws('status"],
  ['prestage test --env dev --create-stacks', 'test/aws/trial.cloud.ts', '--create-stacks'],
  ['prestage plan --json --env dev', 'test/aws/two-phases.cloud.ts', "aws('plan --json"],
  ['prestage deploy --yes --env dev', 'test/aws/two-phases.cloud.ts', "aws('deploy --yes"],
  ['npm install --save-dev @aws-cdk/toolkit-lib', 'test/e2e/optional-packages.test.ts', '@aws-cdk/toolkit-lib'],
];

/** Commands that no test runs, each with why. */
const NOT_RUN: Record<string, string> = {
  'terraform output': 'it asks a Terraform tree of the reader',
  'terraform state list': 'it asks a Terraform tree of the reader',
  'aws efs describe-mount-targets': 'it asks an account of the reader',
  'aws cloudformation describe-stack-events': 'it asks an account of the reader',
  'aws cloudformation continue-update-rollback': 'the emulated region has no stack that hangs like that',
  'npm run bench': 'it takes a minute, and a quiet machine',
  'TMPDIR=/var/tmp node bench/prepare.mjs': 'it takes minutes, and a quiet machine',
};

/** The commands in fenced blocks of a page, line by line, without comments. A block with `#!` is a file. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^( *)```(?:sh)?\n(.*?)^\1```$/gms)].map(([, , block = '']) => block);
  const commands = blocks.filter((block) => !block.includes('#!')).flatMap((block) => block.split('\n'));
  return commands
    .map((line) => line.replace(/\s+#.*/, '').trim())
    .filter(
      (line) => /^(\w+=\S+ )*(prestage|npx|npm|node|terraform|aws|cp|mkdir|cd) /.test(line) && !line.includes('<'),
    );
}

test('each command of the README and the docs is run by a test, or says why not', { timeout: 300_000 }, async () => {
  const pages = ['README.md', ...(await readdir(join(repository, 'docs'))).sort().map((name) => `docs/${name}`)];
  const texts = await Promise.all(
    pages.filter((page) => page.endsWith('.md')).map((page) => readFile(join(repository, page), 'utf8')),
  );
  const commands = texts.flatMap(commandsOf);
  const others = [...RUN_ELSEWHERE.map(([begins]) => begins), ...Object.keys(NOT_RUN)];
  const stale = others.filter((begins) => !commands.some((line) => line.startsWith(begins)));
  expect(stale, 'in a list here, and not in the docs any more').toEqual([]);
  for (const [begins, file, says] of RUN_ELSEWHERE) {
    expect(await readFile(join(repository, file), 'utf8'), begins).toContain(says);
  }

  // A project as `init` makes it where nothing is, with Prestage in it as npm would have put it there.
  const folder = await folderWith();
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(repository, join(folder, 'node_modules/prestage'), 'junction');
  await symlink(command, join(folder, 'node_modules/.bin/prestage'));
  const PATH = [join(folder, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const sh = (line: string) => execute('sh', ['-c', line], { cwd: folder, env: { ...process.env, PATH } });
  await sh('prestage init');
  const config = join(folder, 'prestage.config.yaml');
  const [port = 0] = await freePorts(1);
  await writeFile(config, (await readFile(config, 'utf8')).replace('8080', String(port)));
  onTestFinished(async () => void (await sh('prestage destroy --purge --yes').catch(() => {})));

  const here = commands.filter((line) => !others.some((begins) => line.startsWith(begins)));
  expect(here.length).toBeGreaterThan(3);
  for (const line of here) await sh(line).catch(({ stdout, stderr }) => expect.fail(`${line}: ${stdout}${stderr}`));
});
