import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { captured } from '../../test/captured.js';
import { PrestageError } from '../core/errors.js';
import type { CommandOptions } from '../deploy/index.js';
import { execute } from './command-line.js';

const calls: [string, Record<string, unknown>][] = [];
const behaviour: { deploy?: (options: CommandOptions) => unknown } = {};

vi.mock('../deploy/index.js', () => {
  const record = (name: string, result: unknown) => async (options: CommandOptions) => {
    const { emit: _emit, signal: _signal, ...rest } = options;
    calls.push([name, rest]);
    return result;
  };
  const deployed = {
    release: 'r1',
    environment: 'local',
    root: '/r',
    phase1: 'ready',
    phase2: 'unchanged',
    packages: [],
    hosts: [],
    durationMs: 5,
  };
  return {
    deploy: async (options: CommandOptions) => {
      await record('deploy', undefined)(options);
      return behaviour.deploy ? behaviour.deploy(options) : deployed;
    },
    verify: record('verify', {
      releases: ['r1'],
      checked: 2,
      differences: [
        { package: 'a', path: 'x', tree: 'a-1', releases: ['r1'], file: '/r/trees/a-1/x', kind: 'missing' },
      ],
    }),
    planPrune: record('planPrune', {
      keep: [],
      remove: [{ release: 'r0', createdAt: '2026-01-01T00:00:00.000Z' }],
      trees: [],
      aside: [],
      bytes: 0,
    }),
    prune: record('prune', undefined),
    destroyPlan: record('destroyPlan', {
      project: 'portal',
      environment: 'dev',
      root: '/r',
      holdings: '/r',
      temporary: ['worker i-1'],
      hosts: 1,
      database: false,
      releases: 1,
    }),
    destroy: record('destroy', undefined),
    endTemporary: record('endTemporary', undefined),
    rollback: record('rollback', { release: 'r0', previous: 'r1', environment: 'local', phase2: 'applied' }),
    logs: record('logs', undefined),
    policy: record('policy', { environment: 'dev', policy: { Version: '2012-10-17', Statement: [] } }),
    doctor: record('doctor', {
      environment: 'dev',
      target: 'aws',
      checks: [
        { check: 'Node', state: 'ok', found: 'Node 20.' },
        { check: 'clock', state: 'warning', found: 'It is late.', remedy: 'Set it.' },
        { check: 'credentials', state: 'failed', found: 'There are none.', remedy: 'Set AWS_PROFILE.' },
      ],
    }),
  };
});

beforeEach(() => {
  calls.length = 0;
  delete behaviour.deploy;
});

async function run(commandLine: string, io = captured()) {
  const status = await execute(commandLine.split(' ').filter(Boolean), io);
  return { status, stdout: io.stdout.lines, stderr: io.stderr.lines };
}

const lastJson = (lines: readonly string[]) => JSON.parse(lines.at(-1) ?? 'null');

describe('what a command is called with', () => {
  test.each<[string, [string, object]]>([
    ['deploy', ['deploy', {}]],
    ['deploy --prepare-files-only --env dev', ['deploy', { prepareFilesOnly: true, environment: 'dev' }]],
    ['--env dev deploy -PrepareFilesOnly', ['deploy', { prepareFilesOnly: true, environment: 'dev' }]],
    ['deploy -SkipFilePrep -Env:dev -Json:$false', ['deploy', { skipFilePrep: true, environment: 'dev' }]],
    [
      'deploy --single-phase --update-lock --wait --config x',
      ['deploy', { singlePhase: true, updateLock: true, wait: true, config: 'x' }],
    ],
    ['verify r1 --deep', ['verify', { release: 'r1', deep: true, repair: false }]],
    ['verify', ['verify', { deep: false, repair: false }]],
    ['verify --repair --wait', ['verify', { deep: false, repair: true, wait: true }]],
    ['prune --keep 5 --dry-run', ['planPrune', { keep: 5 }]],
    ['rollback r0 --wait', ['rollback', { release: 'r0', wait: true }]],
    ['doctor --env dev', ['doctor', { environment: 'dev' }]],
    ['logs api -f', ['logs', { source: 'api', follow: true }]],
  ])('%s', async (commandLine, call) => {
    await run(commandLine);
    expect(calls[0]).toEqual(call);
  });
});

describe('a mistake on the command line exits with 2, changes nothing, and names what was meant', () => {
  test.each([
    ['deploi', "Unknown command 'deploi'.", 'Did you mean deploy?'],
    ['deploy --jsn', "Unknown option '--jsn'.", 'Did you mean --json?'],
    ['deploy -PrepareFileOnly', "Unknown option '--prepare-file-only'.", 'Did you mean --prepare-files-only?'],
    [
      'deploy --prepare-files-only --skip-file-prep',
      "Option '--prepare-files-only' cannot be used with option '--skip-file-prep'.",
      'deploy --help',
    ],
    [
      'deploy --prepare-files-only --single-phase',
      "Option '--prepare-files-only' cannot be used with option '--single-phase'.",
      'deploy --help',
    ],
    [
      'deploy --skip-file-prep --single-phase',
      "Option '--skip-file-prep' cannot be used with option '--single-phase'.",
      'deploy --help',
    ],
    [
      'test --phase1-only -TestPhase2Only',
      "Option '--phase1-only' cannot be used with option '--phase2-only'.",
      'test --help',
    ],
    [
      'prune --keep three',
      "Option '--keep <n>' argument 'three' is invalid. It must be a whole number.",
      'prune --help',
    ],
    ['deploy extra', "'deploy' takes no arguments, and was given 'extra'.", 'deploy --help'],
    ['deploy --env', "Option '--env <name>' argument missing.", 'deploy --help'],
    ['frobnicate', "Unknown command 'frobnicate'.", 'prestage --help'],
    ['deploy --env=', "Option '--env <name>' argument '' is invalid. It must not be empty.", 'deploy --help'],
    ['plan --config=', "Option '--config <file>' argument '' is invalid. It must not be empty.", 'plan --help'],
  ])('%s', async (commandLine, message, hint) => {
    const { status, stdout, stderr } = await run(commandLine);
    expect([status, stdout, stderr[0]]).toEqual([2, [], `error USAGE: ${message}`]);
    expect(stderr.join('\n')).toContain(hint);
    expect(calls).toEqual([]);

    const json = await run(`${commandLine} -Json`);
    if (!commandLine.endsWith('--env')) {
      expect(lastJson(json.stdout)).toMatchObject({
        type: 'result',
        command: commandLine.split(' ')[0],
        ok: false,
        error: { code: 'USAGE', message },
      });
      expect([json.stdout.length, json.stderr]).toEqual([1, []]);
    }
  });

  test.each(['bogus', 'deploy --zzzz'])('%s is near to nothing, and no suggestion is made', async (commandLine) => {
    const { status, stderr } = await run(commandLine);
    expect(status).toBe(2);
    expect(stderr.join('\n')).not.toContain('Did you mean');
  });

  test('no command at all shows the help', async () => {
    const { status, stdout, stderr } = await run('');
    expect([status, stdout]).toEqual([2, []]);
    expect(stderr.join('\n')).toMatch(/Usage: prestage[\s\S]*deploy/);
    expect(lastJson((await run('--json')).stdout)).toMatchObject({
      ok: false,
      error: { code: 'USAGE', message: 'No command was given.' },
    });
  });
});

describe('--json', () => {
  test('has events with their time, and last the result', async () => {
    behaviour.deploy = ({ emit }) => {
      emit({ type: 'notice', message: 'hello' });
      return { release: 'r1', packages: [], hosts: [] };
    };
    const { status, stdout, stderr } = await run('deploy --json');
    expect([status, stderr]).toEqual([0, []]);
    const [first, second] = stdout.map((line) => JSON.parse(line));
    expect(first).toEqual({ type: 'notice', time: expect.stringMatching(/^\d{4}-.*Z$/), message: 'hello' });
    expect(second).toEqual({ type: 'result', command: 'deploy', ok: true, release: 'r1', packages: [], hosts: [] });
  });

  test("keeps the time at which a worker's event happened", async () => {
    behaviour.deploy = ({ emit }) => {
      emit({ ...{ time: '2026-01-01T00:00:00.000Z' }, type: 'notice', message: 'hello' });
      return { release: 'r1', packages: [], hosts: [] };
    };
    expect((await run('deploy --json')).stdout[0]).toBe(
      '{"type":"notice","time":"2026-01-01T00:00:00.000Z","message":"hello"}',
    );
  });

  test('has the error of a failure, whatever was thrown', async () => {
    behaviour.deploy = () => {
      throw new PrestageError('PATCH_FAILED', 'Hunk 2.', { hint: 'Look.', context: { package: 'a', step: 1 } });
    };
    const failed = await run('deploy --json');
    expect(failed.status).toBe(1);
    expect(lastJson(failed.stdout)).toEqual({
      type: 'result',
      command: 'deploy',
      ok: false,
      error: { code: 'PATCH_FAILED', message: 'Hunk 2.', hint: 'Look.', context: { package: 'a', step: 1 } },
    });
    behaviour.deploy = () => {
      throw new TypeError('x is not a function');
    };
    expect(lastJson((await run('deploy --json')).stdout).error.code).toBe('INTERNAL');
  });

  test('with --verbose also tells people, on stderr', async () => {
    behaviour.deploy = ({ emit }) => {
      emit({ type: 'log', source: 'a', line: 'hello' });
      throw new PrestageError('LOCKED', 'Another run.');
    };
    const { status, stdout, stderr } = await run('deploy --json --verbose');
    expect([status, stdout.length]).toEqual([4, 2]);
    expect(stderr.slice(0, 2)).toEqual(['a | hello', 'error LOCKED: Another run.']);
  });
});

describe('exit statuses and output', () => {
  test('deploy prints the release', async () => {
    const { status, stdout, stderr } = await run('deploy --env dev');
    expect([status, stdout]).toEqual([0, ['r1']]);
    expect(stderr.slice(-4)).toEqual([
      'Next:',
      '  prestage status --env dev',
      '  prestage logs --env dev',
      '  prestage destroy --env dev',
    ]);
  });

  test.each([{ npm_execpath: '/npm-cli.js' }, { npm_command: 'exec' }, { npm_lifecycle_event: 'start' }])(
    'what comes next can be copied where npm started the command (%j)',
    async (env) => {
      const { stderr } = await run('deploy --env dev', captured({ env }));
      expect(stderr.slice(-3)).toEqual([
        '  npx prestage status --env dev',
        '  npx prestage logs --env dev',
        '  npx prestage destroy --env dev',
      ]);
    },
  );

  test('init says what comes next, as a shell reads it', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'prestage-init-')), 'my portal');
    onTestFinished(() => rmSync(dirname(folder), { recursive: true }));
    const io = captured({ env: { npm_command: 'exec' } });
    expect(await execute(['init', folder], io)).toBe(0);
    expect(io.stderr.lines.at(-1)).toMatch(/ Next: cd '.*\/my portal' && npx prestage deploy$/);
  });

  test('a host that speaks HTTP is shown as a link', async () => {
    const web = { service: 'web', index: 0, address: '127.0.0.1', port: 80, state: 'healthy' };
    const hosts = [
      { ...web, url: 'http://127.0.0.1:80' },
      { ...web, index: 1 },
      { ...web, index: 2, port: undefined },
    ];
    behaviour.deploy = () => ({ release: 'r1', packages: [], hosts });
    expect((await run('deploy')).stderr).toEqual(
      expect.arrayContaining([
        '  web-0  healthy  http://127.0.0.1:80',
        '  web-1  healthy  127.0.0.1:80',
        '  web-2  healthy',
      ]),
    );
  });

  test('doctor exits with 1 where a check failed, after what all of them found', async () => {
    const text = await run('doctor --env dev');
    expect([text.status, text.stdout.length]).toEqual([1, 4]);
    expect(text.stderr[0]).toBe(
      'error CHECK_FAILED: 1 of 3 checks of dev failed. First, "credentials": There are none.',
    );
    expect(text.stderr.join('\n')).toContain('Set AWS_PROFILE.');
    const { stdout } = await run('doctor --json');
    expect(lastJson(stdout)).toMatchObject({
      command: 'doctor',
      ok: false,
      target: 'aws',
      checks: [{ state: 'ok' }, { state: 'warning', remedy: 'Set it.' }, { state: 'failed' }],
      error: { code: 'CHECK_FAILED' },
    });
  });

  test('doctor --iam prints a policy and checks nothing', async () => {
    const { status, stdout } = await run('doctor --iam --env dev');
    expect([status, JSON.parse(stdout.join(''))]).toEqual([0, { Version: '2012-10-17', Statement: [] }]);
    expect(calls).toEqual([['policy', { environment: 'dev' }]]);
    expect(lastJson((await run('doctor --iam --json')).stdout)).toMatchObject({ policy: { Statement: [] } });
  });

  test('verify exits with 3 where the store differs, and says so in the result', async () => {
    const text = await run('verify');
    expect([text.status, text.stdout[1]]).toEqual([3, 'a-1   r1        missing     /r/trees/a-1/x']);
    expect(text.stderr[0]).toMatch(/^error VERIFY_DIFFERENCE: 2 entries of 1 release checked: 1 difference/);
    const { stdout } = await run('verify --json');
    expect(lastJson(stdout)).toMatchObject({
      ok: false,
      checked: 2,
      differences: [{ path: 'x' }],
      error: { code: 'VERIFY_DIFFERENCE' },
    });
  });

  test('help and version go to stdout and exit with 0', async () => {
    const help = await run('deploy --help');
    expect([help.status, help.stderr]).toEqual([0, []]);
    expect(help.stdout.join('\n')).toMatch(/--prepare-files-only[\s\S]*--env <name>[\s\S]*Examples:/);
    expect((await run('status -?')).stdout[0]).toMatch(/^Usage: prestage status/);
    expect(await run('--version')).toMatchObject({ status: 0, stdout: [expect.stringMatching(/^\d+\.\d+\.\d+$/)] });
  });
});

describe('before something is removed', () => {
  const terminal = { columns: 80, rows: 24 };

  test.each(['destroy', 'destroy --purge', 'prune'])('%s without a terminal needs --yes', async (commandLine) => {
    const refused = await run(commandLine);
    expect(refused.status).toBe(2);
    expect(refused.stderr[0]).toMatch(/^error CONFIRMATION_REQUIRED/);
    expect(calls.some(([name]) => name === 'destroy' || name === 'prune')).toBe(false);
    expect((await run(`${commandLine} --yes`)).status).toBe(0);
    expect(calls.at(-1)?.[0]).toMatch(/^(destroy|prune)$/);
  });

  test('destroy --temporary asks, and ends nothing else', async () => {
    expect((await run('destroy --temporary')).status).toBe(2);
    expect((await run('destroy --temporary --yes')).status).toBe(0);
    expect(calls.at(-1)?.[0]).toBe('endTemporary');
    const { status, stderr } = await run('destroy --temporary --purge --yes');
    expect([status, stderr[0]]).toEqual([2, expect.stringMatching(/^error USAGE: --temporary/)]);
  });

  test('--json never asks, not even on a terminal', async () => {
    const { status, stdout } = await run('destroy --json', captured({ terminal, input: 'y\n' }));
    expect([status, lastJson(stdout).error.code]).toEqual([2, 'CONFIRMATION_REQUIRED']);
  });

  test.each([
    ['destroy', 'y\n', 0],
    ['destroy', 'yes\n', 0],
    ['destroy', 'n\n', 2],
    ['destroy', '\n', 2],
    ['destroy', '', 2],
    ['prune', 'y\n', 0],
    ['destroy --purge', 'y\n', 2],
    ['destroy --purge', 'portal/dev\n', 0],
  ])('%s on a terminal, answered with %j, exits with %d', async (commandLine, input, status) => {
    expect((await run(commandLine, captured({ terminal, input }))).status).toBe(status);
    expect(calls.some(([name]) => name === 'destroy' || name === 'prune')).toBe(status === 0);
  });

  test('prune --dry-run asks nothing and removes nothing', async () => {
    const { status, stdout } = await run('prune --dry-run');
    expect([status, stdout[1]]).toEqual([0, 'remove  r0    prepared 2026-01-01 00:00:00Z']);
    expect(calls.map(([name]) => name)).toEqual(['planPrune']);
  });
});
