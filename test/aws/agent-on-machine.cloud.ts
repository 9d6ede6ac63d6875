import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentJob, followRemoteRun } from '../../src/agent/index.js';
import { sha256 } from '../../src/core/digest.js';
import type { PrestageEvent } from '../../src/core/events.js';
import { readIndex } from '../../src/targets/aws/bucket/index-of-store.js';
import { agentKey, indexKeys, jobKey, runKeys } from '../../src/targets/aws/bucket/layout.js';
import { uploadInputs } from '../../src/targets/aws/bucket/upload-inputs.js';
import { renderWorkerScript } from '../../src/targets/aws/scripts/worker.js';
import { packAgent } from '../../src/targets/aws/worker/pack-agent.js';
import { prepared } from '../prepared.js';
import { ReleaseJob } from '../release-job.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';
import { bucketOf } from './bucket.js';
import { addManyInputs } from './many-inputs.js';
import { ACCESS_KEY } from './region.js';
import { SmallEnvironment } from './small-environment.js';

describe.skipIf(lacks('moto', 'awscli', 'namespaces'))('the agent on a machine of AWS', () => {
  let it: SmallEnvironment;
  let folder: string;
  beforeAll(async () => {
    it = await SmallEnvironment.start();
    folder = await mkdtemp(join(tmpdir(), 'prestage-on-machine-'));
  }, 60_000);
  afterAll(async () => {
    await it?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('prepares what a preparation here gives, by the role of its machine, and is followed to its end', async () => {
    const { signal } = new AbortController();
    const bucket = bucketOf(it.region, it.id('Bucket'));
    const job = new ReleaseJob(join(folder, 'files'));
    await addManyInputs(job);
    const here = await prepared(join(folder, 'store'), job);
    const agent = await packAgent(signal);
    await bucket.put(agentKey(agent.sha256), agent.content);
    const files = it.id('Files');
    const todo: AgentJob = {
      version: 1,
      run: 'on-machine',
      root: '/mnt/prestage',
      task: {
        kind: 'prepare',
        plan: job.plan,
        inputs: await uploadInputs(bucket, job, { emit: () => {}, signal, wait: false }),
      },
      report: {
        bucket: bucket.name,
        region: it.region.name,
        run: runKeys('on-machine').prefix,
        index: indexKeys(files).prefix,
      },
      waitForLock: false,
      deadlineMs: 60_000,
      createdBy: 'prestage 0.0.0',
    };
    const text = JSON.stringify(todo);
    await bucket.put(jobKey(sha256(text)), text);
    const script = renderWorkerScript({
      ...it.inputs(),
      agent: agent.sha256,
      job: sha256(text),
      run: 'on-machine',
      deadlineSeconds: 90,
    });
    const instance = await it.launch(script, 'WriterProfile');
    const events: PrestageEvent[] = [];
    const result = await followRemoteRun({
      bucket: { get: (key) => bucket.getText(key), list: (prefix) => bucket.list(prefix) },
      prefix: runKeys('on-machine').prefix,
      emit: (event) => events.push(event),
      signal: AbortSignal.timeout(90_000),
    });
    expect(result.ok ? result.record?.packages : result).toEqual(here.packages);
    expect(events.at(-1)?.type).toBe('worker.finished');
    const calls = await it.region.calls({ service: 's3', action: 'PutObject' });
    const wrote = calls.filter(({ path }) => path.endsWith('/result.json'));
    expect(wrote).toEqual([expect.objectContaining({ accessKey: expect.not.stringMatching(ACCESS_KEY) })]);
    const { trees, releases } = await readIndex(bucket, files);
    expect([...trees].sort()).toEqual(here.packages.map(({ tree }) => tree).sort());
    expect(releases.map(({ release }) => release)).toEqual([job.plan.release]);
    await until('its end', async () => (await it.stateOf(instance)) === 'terminated', 60_000);
    expect(await bucket.getText(runKeys('on-machine').ended)).toContain('"status":0');
    const store = join(it.guests.fileSystem(files), 'prestage');
    expect(await readFile(join(store, 'releases', job.plan.release, 'opt/app/NOTICE'), 'utf8')).toBe('mine\n');
  }, 120_000);
});
