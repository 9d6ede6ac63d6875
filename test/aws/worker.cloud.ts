import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import { sha256 } from '../../src/core/digest.js';
import { agentKey, jobKey, runKeys } from '../../src/targets/aws/bucket/layout.js';
import { openContext } from '../../src/targets/aws/environment/context.js';
import { renderWorkerScript } from '../../src/targets/aws/scripts/worker.js';
import { followWorker } from '../../src/targets/aws/worker/follow-worker.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';
import { bucketOf } from './bucket.js';
import { SmallEnvironment } from './small-environment.js';
import { someInfrastructure } from './template-inputs.js';

/** An agent that writes its job to the store; and, where that says so, then waits to be told to end. */
const AGENT = `
const { readFileSync, writeFileSync } = require('node:fs');
const job = JSON.parse(readFileSync(process.argv[2] + '/job.json', 'utf8'));
writeFileSync('/mnt/prestage/' + job.run, process.env.UV_THREADPOOL_SIZE);
if (job.waits) {
  process.on('SIGTERM', () => { writeFileSync('/mnt/prestage/' + job.run, 'told to end'); process.exit(1); });
  setInterval(() => {}, 1000);
} else process.exitCode = job.status;
`;

describe.skipIf(lacks('moto', 'awscli', 'namespaces'))('a worker, on a machine', () => {
  let it: SmallEnvironment;
  let agent = '';
  beforeAll(async () => {
    it = await SmallEnvironment.start();
    const folder = mkdtempSync(join(tmpdir(), 'prestage-agent-'));
    writeFileSync(join(folder, 'agent.js'), AGENT);
    const archive = execFileSync('tar', ['-czC', folder, 'agent.js']);
    agent = sha256(archive);
    await it.put(agentKey(agent), archive);
  });
  afterAll(async () => it?.stop());

  async function launch(
    run: string,
    {
      files = 'Files',
      job = {},
      mountSeconds = 20,
      deadlineSeconds = 300,
    }: {
      files?: 'Files' | 'Nowhere' | 'Closed' | 'Denied';
      job?: object;
      mountSeconds?: number;
      deadlineSeconds?: number;
    } = {},
  ): Promise<string> {
    const text = JSON.stringify({ run, status: 0, ...job });
    await it.put(jobKey(sha256(text)), text);
    const inputs = { ...it.inputs(files), agent, job: sha256(text), run, deadlineSeconds };
    return it.launch(
      renderWorkerScript(inputs).replace('\n', `\nMOUNT_SECONDS=${mountSeconds} MOUNT_PAUSE=1\n`),
      'WriterProfile',
    );
  }

  async function ended(run: string, instance: string) {
    await until(`the end of ${run}`, async () => (await it.stateOf(instance)) === 'terminated', 180_000);
    const json = async (key: string): Promise<{ status?: number; stage?: string; detail?: string }> =>
      JSON.parse((await it.get(key)) ?? '{}');
    const keys = runKeys(run);
    return { ...(await json(keys.ended)), ...(await json(keys.stage)), log: await it.get(keys.bootLog) };
  }

  const inStore = (name: string) => join(it.guests.fileSystem(it.id('Files')), 'prestage', name);

  test('runs the agent on its job, once the store can be mounted, and ends its machine', async () => {
    it.guests.faults({ mountFailures: 2 });
    const found = await ended('good', await launch('good'));
    it.guests.faults({});
    expect(found).toMatchObject({ status: 0, stage: 'working', detail: '' });
    expect(found.log).toContain('mount failed: Failed to resolve');
    expect(Number(readFileSync(inStore('good'), 'utf8'))).toBeGreaterThan(0);
  });

  test('says what an agent that ends unexpectedly printed', async () => {
    const found = await ended('broken', await launch('broken', { job: { status: 7 } }));
    expect(found).toMatchObject({
      status: 7,
      stage: 'failed',
      detail: expect.stringMatching(/^the agent ended with status 7/),
    });
  });

  test.each([
    [
      'Nowhere',
      /^The store \(fs-\w+\) cannot be mounted: the name fs-\w+\.efs\.eu-central-1\.amazonaws\.com does not resolve\. Either/,
    ],
    ['Closed', /^The store \(fs-\w+\) cannot be mounted: fs-\S+ does not answer at port 2049\. The security group/],
    ['Denied', /^The store \(fs-\w+\) cannot be mounted: access is denied by the file system's policy or by IAM\./],
  ] as const)('says why the store cannot be mounted (%s)', async (files, reason) => {
    const run = `mount-${files}`;
    const found = await ended(run, await launch(run, { files, mountSeconds: 1 }));
    expect(found).toMatchObject({ status: 1, stage: 'failed', detail: expect.stringMatching(reason) });
    expect(found.detail).toContain('The mount helper said: ');
    expect(found.detail).not.toContain('botocore');
  });

  test('says why its tunnel ends, which the mount helper writes to its log alone', async () => {
    it.guests.faults({ tunnelDies: 'error: unable to read CA file' });
    const found = await ended('tunnel', await launch('tunnel', { mountSeconds: 1 }));
    it.guests.faults({});
    expect(found.detail).toMatch(
      /please check mount\.log for the failure reason\. Its log said: .*unable to read CA file/,
    );
    expect(found.log).toContain('ERROR - Failed to start tunnel');
  });

  test('says that it still tries to mount, so that its diagnosis comes before somebody takes it for dead', async () => {
    const instance = await launch('long', { files: 'Nowhere', mountSeconds: 15 });
    for (const [key, value] of Object.entries(it.region.env)) vi.stubEnv(key, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const context = openContext('sample', normalizeAwsEnvironment('dev', { target: 'aws', region: it.region.name }));
    const { foundation: outputs } = someInfrastructure();
    const place = { scope: await context.scope(), outputs, bucket: bucketOf(it.region, it.id('Bucket')) };
    const stages: string[] = [];
    const result = await followWorker(
      context,
      place,
      { run: 'long', instance },
      {
        emit: (event) => event.type === 'machine.stage' && stages.push(`${event.stage}: ${event.detail}`),
        signal: new AbortController().signal,
        wait: false,
        patience: { pollMs: 200, startMs: 30_000, silenceMs: 8000, goneMs: 5000, unknownMs: 5000 },
      },
    );
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'WORKER_SETUP', message: expect.stringContaining('does not resolve') },
    });
    expect(stages).toContainEqual(expect.stringMatching(/^mounting: Failed to resolve/));
  });

  test('ends its agent and its machine when it is told to end', async () => {
    const instance = await launch('told', { job: { waits: true } });
    await until('the agent', () => existsSync(inStore('told')), 120_000);
    await it.guests.find(instance)?.run("kill -TERM $(pgrep -of '/part-001$')");
    const found = await ended('told', instance);
    expect(found).toMatchObject({
      status: 143,
      stage: 'failed',
      detail: 'the worker was told to end before it was done',
    });
    expect(readFileSync(inStore('told'), 'utf8')).toBe('told to end');
  });

  test('ends its machine when it is told to end while it mounts, and when it is killed', async () => {
    const mounting = await launch('mounting', { files: 'Nowhere', mountSeconds: 60 });
    const killed = await launch('killed', { job: { waits: true } });
    await until('the mounting', async () => (await it.get(runKeys('mounting').stage))?.includes('mounting'));
    await it.guests.find(mounting)?.run("kill -TERM $(pgrep -of '/part-001$')");
    await until('the agent', () => existsSync(inStore('killed')), 120_000);
    await it.guests.find(killed)?.run("kill -KILL $(pgrep -of '/part-001$')");
    expect(await ended('mounting', mounting)).toMatchObject({ status: 143, stage: 'failed' });
    expect(await ended('killed', killed)).toMatchObject({ stage: 'working' });
  });

  test('ends its machine at its deadline', async () => {
    const found = await ended('slow', await launch('slow', { job: { waits: true }, deadlineSeconds: 8 }));
    expect(found).toMatchObject({ status: 143, stage: 'failed' });
  });
});
