import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { finished, type Run } from '../prestage.js';
import { awsTool } from '../requirements.js';
import { type CloudProject, succeeded, useCloud, withoutCloud } from './cloud.js';

const lister = fileURLToPath(new URL('./everything.py', import.meta.url));
const FAILS = '#!/bin/sh\necho no such disk\nexit 7\n';

const checks = ({ events }: Run) =>
  events.flatMap((event) =>
    event.type === 'check' ? [`${event.skipped ? 'skip' : event.ok ? 'ok' : 'FAIL'} ${event.name}`] : [],
  );

const logsOf = ({ result }: Run) => (result as unknown as { logs: string }).logs;

describe.skipIf(withoutCloud)('`prestage test` on AWS', () => {
  const cloud = useCloud();

  /** All that there is in the region, as AWS lists it. */
  async function everything(): Promise<string[]> {
    const { stdout } = await promisify(execFile)(awsTool('python3'), ['-B', lister], {
      env: { ...process.env, ...cloud.region.env },
      maxBuffer: 1e8,
    });
    return stdout.split('\n').filter(Boolean).sort();
  }

  /** A jump host and one more, with a database. */
  async function smallProject(name: string): Promise<CloudProject> {
    return cloud.project(name, (config) => {
      const { jump = {}, api = {} } = config.services;
      config.services = { jump, api: { ...api, count: 1 } };
      config.database = { engine: 'mysql', version: '8.4' };
    });
  }

  /** Reads the logs that a test kept, which go when the test ends. */
  function kept(logs: unknown): Record<string, string> {
    onTestFinished(() => rmSync(String(logs), { recursive: true, force: true }));
    const files = readdirSync(String(logs), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.log'),
    );
    return Object.fromEntries(files.map((path) => [path, readFileSync(`${logs}/${path}`, 'utf8')]));
  }

  test('tries both phases beside an environment that it never asks for, and all that it made is gone', async () => {
    const project = await smallProject('beside');
    const refused = await project.aws('test');
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/^error USAGE: .* a database\.\n.*--create-stacks/s);

    succeeded(await project.aws('deploy --prepare-files-only --yes'));
    const before = await everything();
    const { bucket } = await project.outputs();
    const asked = (await cloud.region.calls()).length;
    const run = await project.aws('test --create-stacks --full-deployment --json');
    expect(checks(run), run.stdout + run.stderr).toEqual([
      'ok every source is there',
      'ok files are prepared',
      'ok a second run finds all files ready',
      'ok every byte is as its manifest says',
      'ok prepared again in a second root, digests are equal',
      'ok hosts are healthy and find their files',
      'ok a second deployment changes nothing',
      'ok rollback puts the first release back',
      'ok single-phase: the jump host prepares the files, digests are equal',
      'skip nothing is left in staging',
      'ok destroy leaves nothing',
    ]);
    expect(run.status).toBe(0);
    const calls = (await cloud.region.calls()).slice(asked);
    expect(await everything()).toEqual(before);
    expect(calls.length).toBeGreaterThan(100);
    expect(calls.filter(({ path }) => path.includes(bucket))).toEqual([]);
    const logs = kept(logsOf(run));
    expect(logs['single-phase/jump-0.log']).toContain('jump on');
    expect(logs['second/api-0.log']).toContain('listening on 8081');
  });

  test('with a host that fails exits with 1, keeps its log, writes the report, and leaves nothing', async () => {
    const project = await smallProject('failing');
    await project.write('hosts/jump.py', FAILS, 0o755);
    const before = await everything();
    const run = await project.aws('test --create-stacks --phase2-only --json --junit junit.xml');
    expect(run.status, run.stdout + run.stderr).toBe(1);
    expect(run.result.error).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining('HOST_FAILED') });
    const path = /(\S+\/first\/jump-0\.log) shows/.exec(run.result.error.hint ?? '')?.[1] ?? 'no path';
    expect(readFileSync(path, 'utf8')).toContain('no such disk');
    kept(run.result.error.context.logs);
    expect(readFileSync(`${project.folder}/junit.xml`, 'utf8')).toContain('<failure type="HOST_FAILED"');
    expect(await everything()).toEqual(before);
  });

  test('killed in the middle is seen by `status`, and removed by the next one; interrupted, it removes all itself', async () => {
    const project = await smallProject('killed');
    const before = await everything();
    /** Begins a test, and sends it a signal once its output has a text. */
    const begun = async (text: string, signal: NodeJS.Signals) => {
      const child = project.startAws('test --create-stacks --phase1-only --json');
      child.stdout?.on('data', (chunk: Buffer) => chunk.includes(text) && child.kill(signal));
      return finished(child);
    };
    expect((await begun('"machine.launched"', 'SIGKILL')).signal).toBe('SIGKILL');
    const { temporary } = succeeded(await project.aws('status --json')).result;
    expect(temporary).toEqual([
      {
        kind: 'test',
        id: expect.stringMatching(/^killed-test-[0-9a-f]{4}$/),
        detail: expect.stringMatching(
          /killed: stack prestage-sample-killed-test-.*instance i-.*file system fs-.*bucket/,
        ),
      },
    ]);
    const next = await project.aws('test --create-stacks --phase1-only --json');
    expect(next.status, next.stdout + next.stderr).toBe(0);
    expect(next.events).toContainEqual(
      expect.objectContaining({
        type: 'notice',
        message: expect.stringMatching(/^Removing what an earlier test left/),
      }),
    );
    expect(await everything()).toEqual(before);
    kept(logsOf(next));

    const interrupted = await begun('"machine.launched"', 'SIGINT');
    expect([interrupted.status, interrupted.result.error]).toEqual([
      130,
      expect.objectContaining({ code: 'INTERRUPTED', hint: 'All that the test made is removed.' }),
    ]);
    expect(await everything()).toEqual(before);
  });

  test('interrupted twice says what is left, which `destroy --temporary` removes', async () => {
    const project = await smallProject('twice');
    const before = await everything();
    const child = project.startAws('test --create-stacks --phase1-only --json');
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('"machine.launched"')) child.kill('SIGINT');
      if (chunk.includes('Removing all')) child.kill('SIGINT');
    });
    const { status, result } = await finished(child);
    expect([status, result.error]).toEqual([
      130,
      expect.objectContaining({
        hint: expect.stringMatching(
          /stack prestage-sample-twice-test-\w+-foundation.*prestage destroy --temporary --env twice`/,
        ),
      }),
    ]);
    expect((await everything()).length).toBeGreaterThan(before.length);
    succeeded(await project.aws('destroy --temporary --yes --json'));
    expect(await everything()).toEqual(before);
  });
});
