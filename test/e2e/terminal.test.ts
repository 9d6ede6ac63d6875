import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { finished, prestage, type Run, repository, start } from '../prestage.js';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';
import { until } from '../until.js';

const command = join(repository, 'dist/cli.cjs');

/** A project whose jump host boots until a file named `go` is there, so that a test sees it at work. */
function waitingProject(): Promise<Sample> {
  return sampleProject((config) => {
    config.services = { jump: { role: 'jump', boot: 'hosts/wait.sh' } };
  }).then(async (sample) => {
    const go = join(sample.folder, 'go');
    await sample.write('hosts/wait.sh', `#!/bin/sh\nuntil [ -e ${go} ]; do sleep 0.05; done\n`, 0o755);
    return sample;
  });
}

const go = (sample: Sample) => writeFileSync(join(sample.folder, 'go'), '');

describe.skipIf(lacks('tmux'))('on a terminal', () => {
  /** A terminal of that size; `screen` is what one sees on it. */
  function terminal(sample: Sample, columns: number, env: Record<string, string> = {}) {
    const tmux = (...args: string[]) =>
      execFileSync('tmux', ['-L', `prestage-${process.pid}-${columns}`, '-f', '/dev/null', ...args], {
        encoding: 'utf8',
      });
    const variables = Object.entries({ LANG: 'C.UTF-8', ...env }).map(([name, value]) => `${name}=${value}`);
    tmux(
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      '24',
      '-c',
      sample.folder,
      `env -u NO_COLOR ${variables.join(' ')} sh`,
    );
    onTestFinished(() => void tmux('kill-server'));
    return {
      run: (line: string) => tmux('send-keys', `'${process.execPath}' '${command}' ${line}; echo "exit $?"`, 'Enter'),
      press: (key: string) => tmux('send-keys', key),
      screen: () => tmux('capture-pane', '-p').trimEnd(),
      cursorIsShown: () => tmux('display-message', '-p', '#{cursor_flag}').trim() === '1',
    };
  }

  test.each([140, 60])(
    '%d columns wide, prestage deploy draws what is at work, takes it away and shows the cursor',
    async (columns) => {
      const sample = await waitingProject();
      const { run, screen, cursorIsShown } = terminal(sample, columns);
      run('deploy');
      await until('the row of the jump host', () => /^jump-0 +booting +\d+ s$/m.test(screen()));
      expect(cursorIsShown()).toBe(false);
      go(sample);
      await until('the end', () => screen().includes('exit 0'), 60_000);
      expect(screen()).toMatch(/^jump-0: healthy/m);
      expect(screen()).not.toMatch(/booting/);
      expect(cursorIsShown()).toBe(true);
    },
  );

  test('Ctrl-C ends prestage deploy with 130, and the terminal is as it was', async () => {
    const sample = await waitingProject();
    const { run, press, screen, cursorIsShown } = terminal(sample, 80);
    run('deploy');
    await until('the row of the jump host', () => /^jump-0 +booting/m.test(screen()));
    press('C-c');
    await until('the end', () => screen().includes('exit 130'), 60_000);
    expect(screen()).toMatch(/^error INTERRUPTED/m);
    expect(screen()).not.toMatch(/^jump-0 +booting/m);
    expect(cursorIsShown()).toBe(true);
  });

  test('prestage destroy --purge asks for the name of what is lost', async () => {
    const sample = await waitingProject();
    go(sample);
    await sample.run('deploy');
    const { run, press, screen } = terminal(sample, 100);
    run('destroy --purge');
    await until('the question', () => screen().includes('Type sample/local to go on'));
    press('y');
    press('Enter');
    await until('the end', () => screen().includes('exit 2'));
    expect((await sample.run('status --json')).result.hosts).toHaveLength(1);
  });
});

test('into a pipe, prestage deploy writes a line an event and draws nothing', async () => {
  const sample = await waitingProject();
  go(sample);
  const { status, stdout, stderr } = await sample.run('deploy', { env: { NO_COLOR: '' } });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^[0-9a-f]{16}\n$/);
  expect(stderr).not.toContain('\u001b');
  expect(stderr).toMatch(/^jump-0: starting[\s\S]*^jump-0: healthy/m);
});

test('prestage logs -f | head -1: ends when its reader does, without an error', async () => {
  const sample = await waitingProject();
  go(sample);
  await sample.run('deploy');
  const child = start('logs -f', { cwd: sample.folder });
  const done = once(child, 'close');
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  await once(child.stdout ?? child, 'data');
  child.stdout?.destroy();
  // Something must be said for the command to notice that nobody listens.
  await sample.run('deploy --prepare-files-only');
  const ended = once(child, 'exit');
  await until('its end', async () => {
    if (child.exitCode !== null) return true;
    writeFileSync(join(sample.root, 'hosts/jump-0/host.log'), 'more\n', { flag: 'a' });
    return false;
  });
  await Promise.race([ended, done]);
  expect([child.exitCode, stderr]).toEqual([0, '']);
});

test('SIGTERM ends prestage deploy --json with 143, and the last line is its result', async () => {
  const sample = await waitingProject();
  const child = start('deploy --json', { cwd: sample.folder });
  let seen = '';
  child.stdout?.on('data', (text) => {
    seen += text;
  });
  const done = finished(child);
  await until('the host to boot', () => seen.includes('host.files'));
  child.kill('SIGTERM');
  const { status, stdout } = await done;
  expect(status).toBe(143);
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    type: 'result',
    ok: false,
    error: { code: 'TERMINATED' },
  });
});

/** Appends the URL of each module that is loaded to the file that LOADED names; for `node --import`. */
const recorder = `
import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}
`;

/** The files that the built command loads. */
async function loadedBy(line: string): Promise<{ run: Run; files: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-loaded-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [record, loaded] = [join(folder, 'record.mjs'), join(folder, 'loaded')];
  writeFileSync(record, recorder);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(record)}`, LOADED: loaded };
  const run = await prestage(line, { cwd: repository, env });
  const urls = readFileSync(loaded, 'utf8').trim().split('\n');
  return { run, files: urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url)) };
}

const sizeOf = (files: string[]) => files.reduce((sum, file) => sum + statSync(file).size, 0);

test('prestage --version starts with next to nothing, and says one line', async () => {
  const { run, files } = await loadedBy('--version');
  expect([run.status, run.stderr]).toEqual([0, '']);
  expect(run.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(files).toContain(command);
  expect(files.filter((file) => file.includes('/node_modules/'))).toEqual([]);
  expect(sizeOf(files)).toBeLessThan(16 * 1024);

  // The same look sees what a command loads that does more.
  expect(sizeOf((await loadedBy('--help')).files)).toBeGreaterThan(64 * 1024);
});
