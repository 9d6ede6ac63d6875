import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type LocalTargetKit, openLocalTargetKit, service } from '../../../../test/local-target.js';
import { until } from '../../../../test/until.js';
import { checkUsers } from '../hosts/check-users.js';
import { hostFiles, hostFolder, layoutOf } from '../layout.js';
import { FollowedFile } from './follow-logs.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const filesOf = (host: string) => hostFiles(hostFolder(layoutOf(kit.root), host));
const log = (host: string) => readFileSync(filesOf(host).log, 'utf8');
const statusOf = async () =>
  (await kit.target.look().status()).hosts.map(({ service, state, detail }) => `${service} ${state}: ${detail}`);
const stateOf = (host: string) => JSON.parse(readFileSync(filesOf(host).state, 'utf8'));

async function stop(host: string): Promise<void> {
  process.kill(stateOf(host).supervisor.pid, 'SIGTERM');
  await until('it to be stopped', () => stateOf(host).phase === 'stopped');
}

const SHELL = '#!/bin/sh\n';

describe('a program is ended', () => {
  const deaf = `${SHELL}trap '' TERM\ntrap 'echo said good-bye; exit 0' INT\necho up\nwhile :; do sleep 0.05; done\n`;

  test('by the signal that its service names', async () => {
    const plan = await kit.publish({ scripts: { 'run.sh': deaf } });
    await kit.deploy(plan, [service('app', { run: 'run.sh', stop: { signal: 'SIGINT', timeoutMs: 5000 } })]);
    await until('it to run', () => log('app-0').includes('up'));
    const started = performance.now();
    await stop('app-0');
    expect(performance.now() - started).toBeLessThan(4000);
    expect(log('app-0')).toContain('said good-bye');
  });

  test('and killed when its time is over', async () => {
    const plan = await kit.publish({ scripts: { 'run.sh': deaf } });
    await kit.deploy(plan, [service('app', { run: 'run.sh', stop: { signal: 'SIGTERM', timeoutMs: 300 } })]);
    await until('it to run', () => log('app-0').includes('up'));
    const started = performance.now();
    await stop('app-0');
    expect(performance.now() - started).toBeLessThan(4000);
    expect(log('app-0')).not.toContain('said good-bye');
  });
});

describe('a program that ends', () => {
  test.each([
    ['never', 0, 'healthy: its program ended (exit status 0)'],
    ['on-failure', 0, 'healthy: its program ended (exit status 0)'],
  ] as const)('with restart %s and status %i is not started again', async (restart, status, found) => {
    const plan = await kit.publish({ scripts: { 'run.sh': `${SHELL}echo ran\nexit ${status}\n` } });
    await kit.deploy(plan, [service('job', { run: 'run.sh', restart })]);
    await until('it to be over', async () => (await statusOf())[0]?.includes('ended'));
    expect(await statusOf()).toEqual([`job ${found}`]);
    expect(log('job-0').match(/^ran$/gm)).toHaveLength(1);
    expect(await kit.deploy(plan, [service('job', { run: 'run.sh', restart })])).toBe('unchanged');
  });

  test('with restart never and a failure fails the deployment at once', async () => {
    const plan = await kit.publish({ scripts: { 'run.sh': `${SHELL}echo no licence\nexit 3\n` } });
    const deployed = kit.deploy(plan, [service('job', { run: 'run.sh', restart: 'never' })]);
    await expect(deployed).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(/run\.sh ended \(exit status 3\), and is not started again.*no licence/s),
    });
  });

  test('with restart on-failure is started again after a failure, until it ends well', async () => {
    const plan = await kit.publish({
      scripts: { 'run.sh': `${SHELL}[ -e tried ] && echo done && exit 0\n: >tried\nexit 1\n` },
    });
    await kit.deploy(plan, [service('job', { run: 'run.sh', restart: 'on-failure' })]);
    await until('it to be done', () => log('job-0').includes('not started again'));
    expect(log('job-0')).toMatch(/ended \(exit status 1\); started again.*\ndone\n/s);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a service of another user', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  const who = 'echo "${0##*/} is $(id -un) $HOME $USER $(stat -c %U . conf/server/value.txt | tr "\\n" " ")"';

  test('has its scripts, its working folder and its log, and nothing else', async () => {
    execFileSync('chmod', ['-R', 'a+rX', dirname(kit.root)]);
    const plan = await kit.publish({
      packages: { server: 'as shipped' },
      scripts: {
        'boot.sh': `${SHELL}${who}\n`,
        'run.sh': `${SHELL}${who}\nset -e; echo in >own.log; echo more >>conf/server/value.txt; echo again >/dev/stderr
ln -s /etc/shadow stolen.log; cat /etc/shadow || echo refused
exec sleep 600\n`,
      },
    });
    await kit.deploy(plan, [
      service('app', {
        ...{ boot: 'boot.sh', run: 'run.sh', user: 'nobody', files: { 'conf/server': 'opt/server' } },
        logs: ['own.log', 'stolen.log'],
      }),
    ]);
    await until('it to say all', () => /^in$/m.test(log('app-0')));
    expect(log('app-0')).toMatch(/^boot\.sh is root .* root root $/m);
    expect(log('app-0')).toMatch(/^run\.sh is nobody \S+ nobody nobody nobody $/m);
    expect(log('app-0')).toMatch(/^again\n.*\nrefused$/m);
    expect(log('app-0')).not.toContain('root:');
    expect(statSync('/etc/shadow').size).toBeGreaterThan(0);
  });

  test('that is not there, or cannot reach the root, is refused before anything is done', async () => {
    const plan = await kit.publish({ scripts: { 'run.sh': `${SHELL}exec sleep 600\n` } });
    const refused = async (user: string, message: RegExp) => {
      const { services } = kit.deployment(plan, [service('app', { run: 'run.sh', user })]);
      expect(() => checkUsers(services, kit.root)).toThrow(message);
      await expect(kit.target.look().checkServices(kit.deployment(plan, services.services))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
    };
    await refused('no-such-user', /services\.app\.user is no-such-user, and there is no such user on this machine/);
    execFileSync('chmod', ['700', dirname(kit.root)]);
    await refused('nobody', /and that user may not enter/);
  });
});

describe('working files', () => {
  test('are copied from the release before boot, writable, and once', async () => {
    const plan = await kit.publish({
      packages: { server: 'as shipped\n' },
      scripts: {
        'boot.sh': `${SHELL}cat conf/server/value.txt && echo changed >>conf/server/value.txt\n`,
        'run.sh': `${SHELL}tail -n 1 conf/server/value.txt; exec sleep 600\n`,
      },
    });
    const files = { 'conf/server': 'opt/server', 'one.txt': 'opt/server/value.txt' };
    await kit.deploy(plan, [service('app', { boot: 'boot.sh', run: 'run.sh', files })]);
    const { work } = filesOf('app-0');
    await until('it to run', () => log('app-0').includes('\nchanged'));
    expect(readFileSync(join(work, 'one.txt'), 'utf8')).toBe('as shipped\n');
    await stop('app-0');
    await kit.deploy(plan, [service('app', { boot: 'boot.sh', run: 'run.sh', files })]);
    expect(readFileSync(join(work, 'conf/server/value.txt'), 'utf8')).toContain('changed');
    expect(log('app-0').match(/copied opt\/server to/g)).toHaveLength(1);
    // The release itself is as it was.
    expect(readFileSync(join(kit.root, 'releases', plan.release, 'opt/server/value.txt'), 'utf8')).toBe('as shipped\n');
  });

  test('that are not in the release fail the host with their name', async () => {
    const plan = await kit.publish({ packages: { server: 'x' }, scripts: { 'run.sh': `${SHELL}exec sleep 600\n` } });
    const deployed = kit.deploy(plan, [service('app', { run: 'run.sh', files: { conf: 'opt/server/conf' } })]);
    await expect(deployed).rejects.toMatchObject({
      message: expect.stringContaining('opt/server/conf, which its `files` name'),
    });
  });
});

describe('a log that a program writes itself', () => {
  test('is in the log of its host', async () => {
    const plan = await kit.publish({
      scripts: {
        'run.sh': `${SHELL}mkdir -p logs\nfor i in 1 2 3; do echo line $i >>logs/app.log; done\nexec sleep 600\n`,
      },
    });
    await kit.deploy(plan, [service('app', { run: 'run.sh', logs: ['logs/app.log'] })]);
    await until('its lines', () => /line 1\nline 2\nline 3\n/.test(log('app-0')));
  });

  async function followed(options: { maxBytes?: number } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'prestage-followed-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'app.log');
    let text = '';
    const open = () =>
      new FollowedFile(
        path,
        (lines) => {
          text += lines;
        },
        options,
      );
    return { path, open, text: () => text };
  }

  test('comes by whole lines, over rotations of the program and after it was emptied', async () => {
    const { path, open, text } = await followed();
    const file = open();
    file.look();
    writeFileSync(path, 'one\ntw');
    file.look();
    expect(text()).toBe('one\n');
    writeFileSync(path, 'o\n', { flag: 'a' });
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'three\n');
    file.look();
    writeFileSync(path, '4\n');
    file.look();
    file.close();
    expect(text()).toBe('one\ntwo\nthree\n4\n');
  });

  test('is emptied when it is large, and nothing of it is missing', async () => {
    const { path, open, text } = await followed({ maxBytes: 1000 });
    const file = open();
    let written = '';
    for (let line = 0; line < 500; line += 1) {
      writeFileSync(path, `line ${line}\n`, { flag: 'a' });
      written += `line ${line}\n`;
      if (line % 7 === 0) file.look();
      expect(statSync(path).size).toBeLessThan(1200);
    }
    file.look();
    expect(text()).toBe(written);
  });

  test('is not read again by the supervisor after this one', async () => {
    const { path, open, text } = await followed();
    writeFileSync(path, 'before\n');
    const file = open();
    writeFileSync(path, 'after\n', { flag: 'a' });
    file.look();
    expect(text()).toBe('after\n');
    expect(existsSync(path)).toBe(true);
  });
});
