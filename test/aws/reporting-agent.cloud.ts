import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type AgentJob, type AgentResult, type AgentTask, followRemoteRun } from '../../src/agent/index.js';
import type { RemotePatience } from '../../src/agent/remote/follow-remote-run.js';
import { remoteRun } from '../../src/agent/remote/remote-run.js';
import type { PrestageEvent } from '../../src/core/events.js';
import { installedFile } from '../../src/core/installation.js';
import { readRelease } from '../../src/store/index.js';
import type { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { readIndex } from '../../src/targets/aws/bucket/index-of-store.js';
import { indexKeys, runKeys } from '../../src/targets/aws/bucket/layout.js';
import { uploadInputs } from '../../src/targets/aws/bucket/upload-inputs.js';
import { serve } from '../http-server.js';
import { prepared } from '../prepared.js';
import { ReleaseJob } from '../release-job.js';
import { lacks } from '../requirements.js';
import { tarGz } from '../small-archives.js';
import { until } from '../until.js';
import { newBucket } from './bucket.js';
import { addManyInputs } from './many-inputs.js';
import { type Region, startRegion } from './region.js';

const FILES = 'fs-12345678';
const { signal } = new AbortController();

describe.skipIf(lacks('moto'))('an agent that reports to a bucket', () => {
  let region: Region;
  let folder: string;
  let root: string;
  let bucket: Bucket;
  let job: ReleaseJob;
  let runs = 0;
  beforeAll(async () => {
    region = await startRegion();
  }, 60_000);
  afterAll(() => region?.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prestage-reporting-'));
    root = join(folder, 'store');
    job = new ReleaseJob(join(folder, 'files'));
    bucket = await newBucket(region);
  });
  afterEach(async () => {
    await region.faults();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts the installed agent as the script of a machine does; it is killed when the test ends. */
  async function start(task: AgentTask, more: Partial<AgentJob> = {}) {
    runs += 1;
    const run = `run-${runs}`;
    const todo: AgentJob = {
      version: 1,
      run,
      root,
      task,
      report: { bucket: bucket.name, region: region.name, run: runKeys(run).prefix, index: indexKeys(FILES).prefix },
      waitForLock: false,
      deadlineMs: 120_000,
      createdBy: 'prestage 0.0.0',
      ...more,
    };
    const runFolder = join(folder, run);
    await mkdir(runFolder);
    await writeFile(join(runFolder, 'job.json'), JSON.stringify(todo));
    const agent = spawn(process.execPath, [installedFile('dist/agent/agent.js'), runFolder], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, ...region.env },
    });
    const exited = once(agent, 'exit').then(([status]) => status as number | null);
    onTestFinished(async () => {
      agent.kill('SIGKILL');
      await exited;
    });
    return { run, runFolder, agent, exited };
  }

  function follow(run: string, patience: Partial<RemotePatience> = {}) {
    const events: PrestageEvent[] = [];
    const asked = { requests: 0 };
    const counted = async <T>(answer: Promise<T>) => {
      asked.requests += 1;
      return answer;
    };
    const result = followRemoteRun({
      bucket: { get: (key) => counted(bucket.getText(key)), list: (prefix) => counted(bucket.list(prefix)) },
      prefix: runKeys(run).prefix,
      emit: (event) => events.push(event),
      signal,
      patience: { pollMs: 200, ...patience },
    });
    return { result, events, asked };
  }

  const prepareTask = async (): Promise<AgentTask> => ({
    kind: 'prepare',
    plan: job.plan,
    inputs: await uploadInputs(bucket, job, { emit: () => {}, signal, wait: false }),
  });

  async function did(task: AgentTask): Promise<AgentResult> {
    const { run, exited } = await start(task);
    const { result } = follow(run);
    await exited;
    return result;
  }

  /** A package whose source comes only when it is let through. */
  async function slowPackage() {
    const content = tarGz({ 'slow.txt': 'slow' });
    let letThrough = () => {};
    const held = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    const url = await serve(async (_, response) => {
      await held;
      response.end(content);
    });
    const digest = await job.file('slow.tgz', content);
    job.inputs[digest] = { kind: 'http', url: `${url}/slow.tgz`, size: content.length };
    job.add('slow', { source: { kind: 'file', name: 'slow.tgz', sha256: digest } });
    const task: AgentTask = { kind: 'prepare', plan: job.plan, inputs: job.inputs };
    return { task, letThrough };
  }

  const inStore = async () => (await readdir(join(root, 'trees'))).filter((name) => !name.endsWith('.mtree')).sort();
  const inIndex = async () => {
    const { trees, releases } = await readIndex(bucket, FILES);
    return { trees: [...trees].sort(), releases };
  };

  test('writes where the layout of the bucket says', () => {
    const { events, heartbeat, log, result } = runKeys('r');
    expect(remoteRun(runKeys('r').prefix)).toMatchObject({ events, heartbeat, log, result });
  });

  test('prepares from the bucket what a preparation of local files gives, and tells all of it there', async () => {
    await addManyInputs(job);
    const { packages } = await prepared(join(folder, 'reference'), job);
    const { run, runFolder, exited } = await start(await prepareTask());
    const following = follow(run);
    const result = await following.result;
    expect(await exited).toBe(0);
    expect(result.ok && result.record?.packages).toEqual(packages);
    const local = (await readFile(join(runFolder, 'events.ndjson'), 'utf8')).trim().split('\n');
    expect(following.events).toEqual(local.map((line) => JSON.parse(line)));
    expect(following.events.at(-1)?.type).toBe('worker.finished');
    // One who comes later finds the same.
    const again = follow(run);
    expect(await again.result).toEqual(result);
    expect(again.events).toEqual(following.events);
    expect(again.asked.requests).toBeLessThan(10);
    expect(await bucket.getText(runKeys(run).heartbeat)).toMatch(/^\{"time":"\d{4}-.*Z"\}$/);
    expect(await inIndex()).toEqual({ trees: await inStore(), releases: [await readRelease(root, job.plan.release)] });
  });

  test('tells how it failed', async () => {
    await job.package('bad', 'no archive', { extract: { strip: 0 } });
    await job.package('good', tarGz({ a: 'a' }));
    const result = await did(await prepareTask());
    expect(result).toMatchObject({ ok: false, error: { code: 'ARCHIVE_UNSUPPORTED', context: { package: 'bad' } } });
  });

  test('puts what is published into the index before all is done', async () => {
    const { task, letThrough } = await slowPackage();
    const quick = await job.package('quick', tarGz({ a: 'a' }));
    const { exited } = await start({ ...task, plan: job.plan } as AgentTask);
    await until('the tree in the index', async () => (await inIndex()).trees.length > 0);
    expect(await inIndex()).toEqual({ trees: [quick.tree], releases: [] });
    letThrough();
    expect(await exited).toBe(0);
    expect((await inIndex()).releases).toHaveLength(1);
  });

  test('finds what was changed in the store, and corrects the index', async () => {
    const plan = await job.package('app', tarGz({ 'a.txt': 'a', 'b.txt': 'b' }));
    await did(await prepareTask());
    await writeFile(join(root, 'trees', plan.tree, 'a.txt'), 'x');
    const { trees, release, tree } = indexKeys(FILES);
    await bucket.put(tree('gone-0000'), '');
    await bucket.put(release('0000'), '{}');
    await bucket.delete(`${trees}${plan.tree}`, release(job.plan.release));
    const result = await did({ kind: 'verify', deep: true });
    expect(result).toEqual({
      ok: true,
      report: {
        releases: [job.plan.release],
        checked: expect.any(Number),
        differences: [expect.objectContaining({ package: 'app', path: 'a.txt', kind: 'digest' })],
      },
    });
    expect(await inIndex()).toEqual({ trees: [plan.tree], releases: [await readRelease(root, job.plan.release)] });
    const unknown = await did({ kind: 'verify', release: 'ffffffffffffffff', deep: false });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'RELEASE_UNKNOWN' } });
  });

  test('removes from the store and from the index what it is to prune', async () => {
    await job.package('app', tarGz({ a: 'a' }));
    await did(await prepareTask());
    const old = job.plan;
    const [first] = old.packages;
    job.packages.length = 0;
    const kept = await job.package('app', tarGz({ a: 'b' }));
    await did(await prepareTask());
    expect((await inIndex()).releases).toHaveLength(2);
    const result = await did({
      kind: 'prune',
      plan: {
        keep: [],
        remove: [{ release: old.release, createdAt: '' }],
        trees: [{ tree: first?.tree ?? '', bytes: 1 }],
        aside: [],
        bytes: 1,
      },
    });
    expect(result).toEqual({ ok: true });
    expect(await inStore()).toEqual([kept.tree]);
    expect(await inIndex()).toEqual({ trees: [kept.tree], releases: [await readRelease(root, job.plan.release)] });
  });

  test('works on where the bucket fails for 20 seconds, and then tells everything', async () => {
    const { task, letThrough } = await slowPackage();
    await job.package('quick', tarGz({ a: 'a' }));
    const { run, agent, exited, runFolder } = await start({ ...task, plan: job.plan } as AgentTask);
    await until('the first events', async () => (await bucket.list(runKeys(run).events)).length > 0);
    await region.faults({ service: 's3', path: `/${bucket.name}/`, effect: 'unavailable' });
    letThrough();
    await until('the result in its folder', async () => {
      const events = await readFile(join(runFolder, 'events.ndjson'), 'utf8');
      return events.includes('"worker.finished"');
    });
    await sleep(20_000); // how long the bucket fails is the input of this test
    expect(agent.exitCode).toBeNull();
    await region.faults();
    const { result, events } = follow(run);
    expect(await result).toMatchObject({ ok: true });
    expect(await exited).toBe(0);
    const local = (await readFile(join(runFolder, 'events.ndjson'), 'utf8')).trim().split('\n');
    expect(events).toEqual(local.map((line) => JSON.parse(line)));
    expect((await inIndex()).trees).toEqual(await inStore());
  }, 90_000);

  test('says nothing twice where the bucket took what it wrote and did not answer', async () => {
    await job.package('app', tarGz({ a: 'a' }));
    const task = await prepareTask();
    await region.faults({ service: 's3', path: `/${bucket.name}/runs/.*/events/`, effect: 'lost', times: 3 });
    const { run, runFolder, exited } = await start(task);
    expect(await exited).toBe(0);
    const { result, events } = follow(run);
    await result;
    const local = (await readFile(join(runFolder, 'events.ndjson'), 'utf8')).trim().split('\n');
    expect(events).toEqual(local.map((line) => JSON.parse(line)));
    const calls = await region.calls({ service: 's3', action: 'PutObject' });
    expect(calls.filter(({ fault }) => fault === 'lost')).toHaveLength(3);
  });

  test('that is killed is heard no more', async () => {
    const { task } = await slowPackage();
    const { run, agent } = await start(task);
    const { result, events } = follow(run, { silenceMs: 3000 });
    await until('the beginning', () => events.length > 0);
    await until('a heartbeat', () => bucket.getText(runKeys(run).heartbeat));
    agent.kill('SIGKILL');
    expect(await result).toMatchObject({
      ok: false,
      error: { code: 'WORKER_DIED', message: expect.stringMatching(/^The worker has said nothing for \d s/) },
    });
  });

  test('that is told to end says so before it is gone', async () => {
    const { task } = await slowPackage();
    const { run, agent, exited } = await start(task);
    await until('the beginning', async () => (await bucket.list(runKeys(run).events)).length > 0);
    const told = performance.now();
    agent.kill('SIGTERM');
    expect(await exited).toBe(1);
    expect(performance.now() - told).toBeLessThan(15_000);
    expect(await follow(run).result).toMatchObject({ ok: false, error: { code: 'TERMINATED' } });
  });

  test('whose deadline is over says so', async () => {
    const { task } = await slowPackage();
    const { run, exited } = await start(task, { deadlineMs: 1500 });
    expect(await exited).toBe(1);
    expect(await follow(run).result).toMatchObject({ ok: false, error: { code: 'WORKER_DEADLINE' } });
  });
});
