import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { PrestageEvent } from '../../src/index.js';
import { sampleProject } from '../sample-project.js';

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('prestage-test-'));
const checks = (events: readonly PrestageEvent[]) => events.filter((event) => event.type === 'check');

test('prestage test --json tries everything while the project itself is deployed, and leaves nothing', async () => {
  const sample = await sampleProject();
  await sample.run('deploy');
  const before = (await sample.run('status --json')).result;
  const { status, result, events } = await sample.run('test --json');
  expect(checks(events).map(({ name, ok, skipped }) => `${skipped ? 'skip' : ok ? 'ok' : 'FAIL'} ${name}`)).toEqual([
    'ok every source is there',
    'ok files are prepared',
    'ok prepared again in a second root, digests are equal',
    'ok a second run finds all files ready',
    'ok every byte is as its manifest says',
    'ok hosts are healthy and find their files',
    'ok a second deployment changes nothing',
    'ok single-phase: the jump host prepares the files, digests are equal',
    'ok rollback puts the first release back',
    'ok nothing is left in staging',
    'ok destroy leaves nothing',
  ]);
  expect([status, result.ok]).toEqual([0, true]);
  expect((await sample.run('status --json')).result).toEqual(before);
  expect(leftovers()).toEqual([]);
});

test('prestage test -TestPhase2Only prints a table, and skips what cannot be tried', async () => {
  const sample = await sampleProject((config) => {
    config.services = { idle: { boot: 'hosts/jump.mjs' } };
  });
  const { status, stdout } = await sample.run('test -TestPhase2Only');
  expect(status, stdout).toBe(0);
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
      'skip - single-phase: the jump host prepares the files, digests are equal (no service has role: jump)',
      'ok - rollback puts the first release back (# and back to #)',
      'ok - nothing is left in staging',
      'ok - destroy leaves nothing',
      '',
    ].join('\n'),
  );
});

test('prestage test exits with 1 where a check fails, names it, and still leaves nothing', async () => {
  const sample = await sampleProject((config) => {
    config.packages.extras = { source: 'files/extras.tar.gz', steps: [{ remove: ['no-such-file'] }] };
  });
  const { status, stdout, stderr } = await sample.run('test --phase1-only');
  expect(status).toBe(1);
  expect(stdout).toMatch(/^FAIL .*files are prepared/m);
  expect(stdout).toMatch(/^skip .*needs: files are prepared/m);
  expect(stdout).toMatch(/^ok .*destroy leaves nothing/m);
  expect(stderr).toMatch(/^error CHECK_FAILED: 1 of 7 checks failed\. First, "files are prepared": STEP_/);
  expect(leftovers()).toEqual([]);
});

test('prestage test with a wrong configuration exits with 2 before any check', async () => {
  const sample = await sampleProject((config) => {
    config.packges = {};
  });
  const { status, stdout, stderr } = await sample.run('test');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error CONFIG_INVALID/);
});
