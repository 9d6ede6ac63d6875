import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { PrestageEvent } from '../../src/index.js';
import { sampleProject } from '../sample-project.js';

/** What a trial left: the paths of files in its folder, which goes when the test ends. */
function leftIn(logs: unknown): string[] {
  const folder = String(logs);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1)).sort();
}
const checks = (events: readonly PrestageEvent[]) => events.filter((event) => event.type === 'check');

test('prestage test --json tries everything while the project itself is deployed, and leaves its logs alone', async () => {
  const sample = await sampleProject();
  await sample.run('deploy');
  const before = (await sample.run('status --json')).result;
  const { status, result, events } = await sample.run('test --json');
  expect(checks(events).map(({ name, ok, skipped }) => `${skipped ? 'skip' : ok ? 'ok' : 'FAIL'} ${name}`)).toEqual([
    'ok every source is there',
    'ok files are prepared',
    'ok a second run finds all files ready',
    'ok every byte is as its manifest says',
    'ok prepared again in a second root, digests are equal',
    'ok hosts are healthy and find their files',
    'ok a second deployment changes nothing',
    'ok rollback puts the first release back',
    'ok single-phase: the jump host prepares the files, digests are equal',
    'ok nothing is left in staging',
    'ok destroy leaves nothing',
  ]);
  expect([status, result.ok]).toEqual([0, true]);
  expect((await sample.run('status --json')).result).toEqual(before);
  const { logs } = result as unknown as { logs: string };
  expect(leftIn(logs).map((path) => path.replace(/runs\/[^/]+/, 'runs/*'))).toEqual([
    '.ended',
    'first/runs/*/events.ndjson',
    'first/runs/*/worker.log',
    ...['api-0', 'api-1', 'jump-0', 'web-0'].map((host) => `second/hosts/${host}/host.log`),
    ...Array(2).fill(['second/runs/*/events.ndjson', 'second/runs/*/worker.log']).flat(),
    ...['api-0', 'api-1', 'jump-0', 'web-0'].map((host) => `single-phase/hosts/${host}/host.log`),
    'single-phase/runs/*/events.ndjson',
  ]);
  expect(readFileSync(`${logs}/second/hosts/api-0/host.log`, 'utf8')).toContain('listening on');
});

test('prestage test names the log of the host that failed, and removes the logs of the trial before', async () => {
  const sample = await sampleProject((config) => {
    config.services = { idle: { boot: 'hosts/idle.sh' } };
  });
  await sample.write('hosts/idle.sh', '#!/bin/sh\necho "no such disk" >&2\nexit 7\n', 0o755);
  const first = (await sample.run('test --phase2-only --json')).result;
  const { error } = (await sample.run('test --phase2-only --json')).result;
  expect(error.message).toContain('HOST_FAILED');
  const path = /(\S+\/first\/hosts\/idle-0\/host\.log) shows/.exec(error.hint ?? '')?.[1] ?? 'no path';
  expect(readFileSync(path, 'utf8')).toContain('no such disk');
  expect(leftIn(error.context.logs)).toContain('first/hosts/idle-0/host.log');
  expect(() => readdirSync(String(first.error.context.logs))).toThrow('ENOENT');
});

test('prestage test -TestPhase2Only prints a table, and skips what cannot be tried', async () => {
  const sample = await sampleProject((config) => {
    config.services = { idle: { boot: 'hosts/jump.mjs' } };
  });
  const { status, stdout, stderr } = await sample.run('test -TestPhase2Only');
  expect(status, stdout).toBe(0);
  expect(leftIn(/Logs: (\S+)/.exec(stderr)?.[1])).toContain('first/hosts/idle-0/host.log');
  expect(
    stdout
      .replace(/\d+(\.\d+)? m?s/g, '-')
      .replace(/[0-9a-f]{16}/g, '#')
      .replace(/ +/g, ' '),
  ).toBe(
    [
      'ok - every source is there (2 packages)',
      'ok - files are prepared (4 files, 55 B)',
      'ok - hosts are healthy and find their files (1 host)',
      'ok - a second deployment changes nothing',
      'ok - rollback puts the first release back (# and back to #)',
      'skip - single-phase: the jump host prepares the files, digests are equal (no service has role: jump)',
      'ok - nothing is left in staging',
      'ok - destroy leaves nothing',
      '',
    ].join('\n'),
  );
});

test('prestage test exits with 1 where a check fails, names it, and still leaves its logs alone', async () => {
  const sample = await sampleProject((config) => {
    config.packages.extras = { source: 'files/extras.tar.gz', steps: [{ remove: ['no-such-file'] }] };
  });
  const { status, stdout, stderr } = await sample.run('test --phase1-only --junit reports/prestage.xml');
  expect(status).toBe(1);
  const junit = readFileSync(`${sample.folder}/reports/prestage.xml`, 'utf8');
  expect(junit).toMatch(
    /<testsuite .*tests="7" failures="1".*\n[\s\S]*<failure type="STEP_\w+" message="[^"]*no-such-file/,
  );
  expect(stdout).toMatch(/^FAIL .*files are prepared/m);
  expect(stdout).toMatch(/^skip .*needs: files are prepared/m);
  expect(stdout).toMatch(/^ok .*destroy leaves nothing/m);
  expect(stderr).toMatch(/^error CHECK_FAILED: 1 of 7 checks failed\. First, "files are prepared": STEP_/);
  const logs = /logs: (\S+)/.exec(stderr)?.[1];
  expect(leftIn(logs)).not.toContainEqual(expect.stringMatching(/trees|releases|job/));
});

test('prestage test with a wrong configuration exits with 2 before any check', async () => {
  const sample = await sampleProject((config) => {
    config.packges = {};
  });
  const { status, stdout, stderr } = await sample.run('test');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error CONFIG_INVALID/);
});
