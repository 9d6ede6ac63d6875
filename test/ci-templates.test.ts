import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { folderWith } from './folder-with.js';
import { command, repository } from './prestage.js';
import { goTool, lacks } from './requirements.js';

const execute = promisify(execFile);
const template = (name: string) => join(repository, 'templates', name);

/** A repository with both templates where docs/ci.md puts them. */
async function cloned(): Promise<string> {
  const folder = await folderWith({ '.gitlab-ci.yml': 'include:\n  - local: prestage.gitlab-ci.yml\n' });
  await mkdir(join(folder, '.github/actions/prestage'), { recursive: true });
  await mkdir(join(folder, '.github/workflows'));
  await copyFile(template('github/action.yml'), join(folder, '.github/actions/prestage/action.yml'));
  await copyFile(template('github/workflow.yml'), join(folder, '.github/workflows/prestage.yml'));
  await copyFile(template('gitlab/prestage.gitlab-ci.yml'), join(folder, 'prestage.gitlab-ci.yml'));
  const git = (...args: string[]) => execute('git', args, { cwd: folder });
  await git('init', '-q', '-b', 'main');
  await git('remote', 'add', 'origin', 'https://git.example.com/team/portal.git');
  await git('add', '.');
  await git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qm', 'x');
  return folder;
}

test.skipIf(lacks('actionlint'))(
  'actionlint finds nothing in the workflow, nor in how it calls the action',
  async () => {
    const folder = await cloned();
    const lint = () => execute(goTool('actionlint'), ['-color=false'], { cwd: folder });
    await expect(lint()).resolves.toMatchObject({ stdout: '' });
    const workflow = join(folder, '.github/workflows/prestage.yml');
    await writeFile(workflow, (await readFile(workflow, 'utf8')).replace('environment: dev', 'enviroment: dev'));
    await expect(lint()).rejects.toMatchObject({ stdout: expect.stringContaining('"enviroment" is not defined') });
  },
);

/** It is written for Node 22 and later. */
const SETS = `data:text/javascript,${encodeURIComponent('Set.prototype.union ??= function (more) { return new Set([...this, ...more]); };')}`;

test.each([
  [
    'a merge request',
    ['CI_PIPELINE_SOURCE=merge_request_event', 'CI_COMMIT_BRANCH='],
    ['on_success', 'on_success', 'never'],
  ],
  ['main', ['CI_COMMIT_BRANCH=main', 'CI_DEFAULT_BRANCH=main'], ['never', 'never', 'manual']],
])(
  "gitlab-ci-local holds the pipeline against GitLab's schema, and knows which jobs %s has",
  async (_, variables, when) => {
    const folder = await cloned();
    const program = join(repository, 'node_modules/gitlab-ci-local/dist/index.js');
    const options = ['--list-csv-all', ...variables.flatMap((variable) => ['--variable', variable])];
    const { stdout, stderr } = await execute(process.execPath, ['--import', SETS, program, ...options], {
      cwd: folder,
      env: { ...process.env, HOME: folder, NO_COLOR: '1' },
    });
    expect(stderr).toContain('json schema validated');
    const jobs = stdout.split('\n').filter((line) => line.startsWith('prestage-'));
    expect(jobs.map((line) => line.split(';').slice(0, 3))).toEqual([
      ['prestage-test', 'test', when[0]],
      ['prestage-plan', 'test', when[1]],
      ['prestage-deploy', 'deploy', when[2]],
    ]);
  },
);

interface Step {
  name?: string;
  run?: string;
}

describe('the scripts of the action, in a bash', () => {
  /** Runs the steps `Run` and `Summary` in a project that has Prestage as one file. */
  async function act(config: string, inputs: Record<string, string>) {
    const folder = await folderWith({
      'prestage.config.yaml': config,
      'files/a.txt': 'a\n',
      'prestage.mjs': `import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)(${JSON.stringify(command)});\n`,
      'temp/.keep': '',
    });
    const { runs } = parse(await readFile(template('github/action.yml'), 'utf8')) as { runs: { steps: Step[] } };
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: folder,
      GITHUB_OUTPUT: join(folder, 'temp/output'),
      GITHUB_STEP_SUMMARY: join(folder, 'temp/summary'),
      RUNNER_TEMP: join(folder, 'temp'),
    };
    const step = (name: string, more: Record<string, string>) => {
      const script = runs.steps.find((each) => each.name === name)?.run ?? '';
      return execute('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
        cwd: folder,
        env: { ...env, ...more },
      }).then(
        (done) => ({ ...done, code: 0 }),
        (error: { stdout: string; stderr: string; code: number }) => error,
      );
    };
    const run = await step('Run', inputs);
    await step('Summary', { TITLE: 'prestage', OUTCOME: run.code === 0 ? 'success' : 'failure' });
    return { run, summary: await readFile(env.GITHUB_STEP_SUMMARY, 'utf8') };
  }

  test('a plan is the summary', async () => {
    const { run, summary } = await act('name: portal\npackages: { files: { source: files } }\n', {
      COMMAND: 'plan',
      ENVIRONMENT: 'local',
      FLAGS: '--offline',
    });
    expect(run).toMatchObject({ code: 0 });
    expect(summary).toMatch(/^### prestage: success\n\n````text\n[\s\S]*files +unknown[\s\S]*\n````\n$/);
  });

  test('a step that changes nothing fails the step, and is shown at its line', async () => {
    const config =
      'name: portal\npackages:\n  files:\n    source: files\n    steps:\n      - replace: { files: a.txt, from: "b", to: "c" }\n';
    const { run, summary } = await act(config, { COMMAND: 'deploy', ENVIRONMENT: '', FLAGS: '--prepare-files-only' });
    expect(run.code).not.toBe(0);
    expect(run.stderr).toMatch(
      /^::error file=prestage\.config\.yaml,line=6,title=STEP_NO_EFFECT::The step changed nothing: "b" is not in a\.txt\..*%0A.*optional: true/m,
    );
    expect(summary).toContain('### prestage: failure');
  });
});
