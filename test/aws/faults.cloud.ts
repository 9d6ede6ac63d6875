import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import { PrestageError } from '../../src/core/errors.js';
import type { TimedEvent } from '../../src/index.js';
import { findPlace, openContext } from '../../src/targets/aws/environment/context.js';
import { runTask } from '../../src/targets/aws/worker/run-task.js';
import { finished, type Run } from '../prestage.js';
import { type CloudProject, useCloud, withoutCloud } from './cloud.js';
import { ACCESS_KEY } from './region.js';

/** Resolves at the first event of a command that fits. */
async function seen(child: ChildProcess, fits: (event: TimedEvent) => boolean): Promise<TimedEvent> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const event = line.startsWith('{') ? (JSON.parse(line) as TimedEvent) : undefined;
    if (event !== undefined && fits(event)) return event;
  }
  throw new Error('the command ended before it said so');
}

const types = ({ events }: Run) => events.map(({ type }) => type as string);

describe.skipIf(withoutCloud)('on AWS, where something goes wrong', () => {
  const cloud = useCloud();
  const FILES = 'deploy --yes --prepare-files-only --json';
  afterEach(() => cloud.guests?.faults({}));

  /** What must be true after whatever happened: the same command prepares the files, and no machine is left. */
  async function comesRight(project: CloudProject): Promise<Run> {
    const run = await project.aws(FILES);
    expect(run.result, run.stdout + run.stderr).toMatchObject({ ok: true });
    expect(await project.workers()).toEqual([]);
    return run;
  }

  const launches = async () => (await cloud.region.calls({ action: 'RunInstances' })).length;

  test('a worker that is gone without a word is told of, and the next one does it', async () => {
    const project = await cloud.project('gone');
    const command = project.startAws(FILES);
    const run = finished(command);
    const launched = await seen(command, ({ type }) => type === 'machine.launched');
    await cloud.region.shutDown((launched as { instance?: string }).instance ?? '');
    expect((await run).result.error).toMatchObject({
      code: 'WORKER_DIED',
      message: expect.stringMatching(/ended without a result/),
    });
    expect(await project.workers()).toEqual([]);
    await comesRight(project);
  });

  test('a file system whose name does not resolve for half a minute is waited for', async () => {
    const project = await cloud.project('mount');
    cloud.guests.faults({ mountFailsMs: 30_000 });
    await comesRight(project);
  });

  test('an S3 that is busy and cuts connections is asked again', async () => {
    const project = await cloud.project('busy');
    await cloud.region.faults(
      { service: 's3', effect: 'slow-down', times: 4 },
      { service: 's3', path: 'prestage-sample-busy', effect: 'reset', skip: 15, times: 3 },
      { service: 's3', path: 'prestage-sample-busy', effect: 'unavailable', skip: 40, times: 5 },
    );
    await comesRight(project);
  });

  test('an answer to the launch that is lost does not launch twice', async () => {
    const project = await cloud.project('lost');
    await cloud.region.faults({ action: 'RunInstances', effect: 'lost', times: 1, ms: 100 });
    const before = (await cloud.region.machines()).instances.length;
    await comesRight(project);
    const all = (await cloud.region.machines()).instances.slice(before);
    expect(all).toHaveLength(1);
  });

  test('a command that is killed leaves its worker, which the next one follows', async () => {
    const project = await cloud.project('killed');
    cloud.guests.faults({ mountFailsMs: 8000 });
    const command = project.startAws(FILES);
    await seen(command, ({ type }) => type === 'machine.launched');
    command.kill('SIGKILL');
    const before = await launches();
    const { temporary } = (await project.aws('status --json')).result;
    expect(temporary).toContainEqual(expect.objectContaining({ kind: 'worker' }));
    const run = await comesRight(project);
    expect(types(run)).toContain('worker.attached');
    expect(types(run)).toContain('release.published');
    expect(await launches()).toBe(before);
  });

  test('what is temporary is ended at will', async () => {
    const project = await cloud.project('unwanted');
    cloud.guests.faults({ mountFailsMs: 60_000 });
    const command = project.startAws(FILES);
    await seen(command, ({ type }) => type === 'machine.launched');
    command.kill('SIGKILL');
    const ended = await project.aws('destroy --temporary --yes --json');
    expect(ended.result, ended.stdout).toMatchObject({ ok: true });
    expect(await project.workers()).toEqual([]);
    cloud.guests.faults({});
    await comesRight(project);
  });

  test('an account that is not the pinned one is refused before anything is made', async () => {
    const project = await cloud.project('pinned', (config) => {
      config.environments = { pinned: { target: 'aws', region: cloud.region.name, account: '000000000000' } };
    });
    const run = await project.aws('deploy --yes --json');
    expect(run.result.error).toMatchObject({ code: 'AWS_ACCOUNT', message: expect.stringContaining('000000000000') });
    expect(await project.workers()).toEqual([]);
  });

  test('two at once: one prepares, the other says who does, or waits', async () => {
    const project = await cloud.project('two');
    await comesRight(project);
    await project.archive('extras', { 'data/three.txt': 'three\n' });
    const before = await launches();
    const first = project.startAws(FILES);
    const done = finished(first);
    await seen(first, ({ type }) => type === 'machine.launched');
    const refused = await project.aws(FILES);
    expect(refused.result.error).toMatchObject({ code: 'LOCKED', message: expect.stringContaining('deploy') });
    const [one, other] = await Promise.all([done, project.aws(`${FILES} --wait`)]);
    expect([one.result.ok, other.result.ok]).toEqual([true, true]);
    expect((await launches()) - before).toBe(1);
  });

  test('two at once in a new environment end with one stack and one release', async () => {
    const project = await cloud.project('fresh');
    const runs = await Promise.all([project.aws(`${FILES} --wait`), project.aws(`${FILES} --wait`)]);
    expect(
      runs.map(({ result }) => result.ok),
      runs.map(({ stdout }) => stdout).join(),
    ).toEqual([true, true]);
    expect(await project.workers()).toEqual([]);
  });

  test('credentials that expire in the middle are one line with the command that renews them, and the worker goes on', async () => {
    const project = await cloud.project('expired');
    cloud.guests.faults({ mountFailsMs: 5000 });
    const command = project.startAws(FILES);
    const run = finished(command);
    await seen(command, ({ type }) => type === 'machine.launched');
    const { length } = await cloud.region.calls();
    await cloud.region.faults({ accessKey: ACCESS_KEY, effect: 'expired', times: 60 });
    const { error } = (await run).result;
    expect(error).toMatchObject({ code: 'AWS_SETTINGS' });
    expect(`${error.message} ${error.hint}`).toMatch(/expired.*(aws sso login|AWS_)/s);
    expect(length).toBeGreaterThan(0);
    await vi.waitFor(async () => expect((await project.aws(FILES)).result.ok).toBe(true), {
      timeout: 90_000,
      interval: 1000,
    });
    await comesRight(project);
  });

  test('a source in a bucket of others that is replaced while a worker begins is an error, and never prepared', async () => {
    const { endpoint, name: region } = cloud.region;
    const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'secret' };
    const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
    onTestFinished(() => s3.destroy());
    const location = { LocationConstraint: region as 'eu-central-1' };
    await s3.send(new CreateBucketCommand({ Bucket: 'vendor', CreateBucketConfiguration: location }));
    const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket: 'vendor', Key: 'agent.bin', Body }));
    await put('the first');
    const project = await cloud.project('replaced', (config) => {
      config.packages.vendor = { source: 's3://vendor/agent.bin' };
    });
    const command = project.startAws(FILES);
    const run = finished(command);
    await seen(command, ({ type }) => type === 'machine.launched');
    await put('the other');
    expect((await run).result.error).toMatchObject({ code: 'SOURCE_MOVED' });
    expect(await project.workers()).toEqual([]);
    expect((await project.aws('deploy --yes --prepare-files-only --update-lock --json')).result).toMatchObject({
      ok: true,
    });
  });

  test('a worker that never says anything, and that cannot be ended at once, is given up and gone', async () => {
    const project = await cloud.project('silent');
    await comesRight(project);
    for (const [key, value] of Object.entries(cloud.region.env)) vi.stubEnv(key, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const context = openContext(
      'sample',
      normalizeAwsEnvironment('silent', { target: 'aws', region: cloud.region.name }),
    );
    const place = await findPlace(context);
    if (place === undefined) throw new Error('there is no foundation');
    cloud.guests.faults({ starts: () => false });
    await cloud.region.faults({ action: 'TerminateInstances', effect: 'unavailable', times: 3 });
    const failure = await runTask(
      context,
      place,
      { kind: 'verify', deep: false },
      {
        emit: () => {},
        signal: new AbortController().signal,
        wait: false,
        patience: { pollMs: 300, startMs: 3000, silenceMs: 3000, goneMs: 1000, unknownMs: 3000 },
      },
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PrestageError);
    expect(failure).toMatchObject({ code: 'WORKER_DIED', message: expect.stringContaining('said nothing') });
    expect(await project.workers()).toEqual([]);
  });
});
