import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentJob, AgentResult } from '../../src/agent/job.js';
import { newRunId } from '../../src/store/paths.js';
import { verifyStore } from '../../src/store/verify.js';
import { type Mounted, mountLatency } from '../latencyfs/mount.js';
import { repository } from '../prestage.js';
import { ReleaseJob } from '../release-job.js';
import { lacks } from '../requirements.js';
import { tarGz } from '../small-archives.js';
import { until } from '../until.js';

/**
 * Two workers of two machines: each has the store by a mount of its own, a name of its own for its machine, and process ids
 * that say nothing to the other.
 */
let folder: string;
let mounts: Mounted[];
let job: ReleaseJob;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-two-mounts-'));
  mounts = [];
  job = new ReleaseJob(join(folder, 'sources'));
  for (const id of ['one', 'two', 'three'])
    await job.package(
      id,
      tarGz(Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n % 4}/${n}`, `${id} ${n}\n`]))),
    );
});
afterEach(async () => {
  for (const mounted of mounts) await mounted.unmount();
  await rm(folder, { recursive: true });
});

const backing = () => join(folder, 'backing/root');

/** Runs the built worker on a machine of its own. */
async function workElsewhere(number: number): Promise<AgentResult> {
  const mounted = await mountLatency(join(folder, 'backing'), { rttUs: 10_000 });
  mounts.push(mounted);
  const run = newRunId();
  const runFolder = join(folder, `run-${number}`);
  await rm(runFolder, { recursive: true, force: true });
  const todo: AgentJob = {
    version: 1,
    run,
    root: join(mounted.folder, 'root'),
    task: { kind: 'prepare', plan: job.plan, inputs: job.inputs },
    waitForLock: true,
    deadlineMs: 120_000,
    createdBy: 'prestage 0.0.0',
  };
  await mkdir(runFolder);
  await writeFile(join(runFolder, 'job.json'), JSON.stringify(todo));
  const command = `hostname machine-${number} && exec '${process.execPath}' '${join(repository, 'dist/agent/agent.js')}' '${runFolder}'`;
  const worker = spawn('unshare', ['--pid', '--fork', '--mount-proc', '--uts', 'sh', '-c', command], {
    stdio: 'ignore',
    env: { ...process.env, UV_THREADPOOL_SIZE: '64' },
  });
  await once(worker, 'exit');
  return JSON.parse(await readFile(join(runFolder, 'result.json'), 'utf8'));
}

const said = (number: number) => readFile(join(folder, `run-${number}`, 'events.ndjson'), 'utf8').catch(() => '');

async function expectOneRelease(results: readonly AgentResult[]): Promise<void> {
  const digests = results.map((result) =>
    result.ok ? result.record?.packages.map(({ id, digest }) => `${id} ${digest}`) : result.error,
  );
  expect(digests[0]).toHaveLength(3);
  expect(digests[1]).toEqual(digests[0]);
  expect(await verifyStore(backing(), { deep: true })).toMatchObject({ releases: [job.plan.release], differences: [] });
  expect(await readdir(join(backing(), 'trees'))).toHaveLength(6);
  expect(await readdir(join(backing(), '.staging'))).toEqual([]);
  expect(await readdir(backing())).not.toContain('.lock');
}

const skipped = lacks('fuse', 'gcc', 'root');

test.skipIf(skipped)(
  'two machines that prepare the same release at once both succeed, with one tree each',
  async () => {
    await expectOneRelease(await Promise.all([workElsewhere(1), workElsewhere(2)]));
  },
);

test.skipIf(skipped)('a lock that somebody deletes while both want it costs its holder its work, at most', async () => {
  const first = workElsewhere(1);
  await until('the first to be at work', async () => {
    const runs = await readdir(join(backing(), '.staging')).catch(() => []);
    return runs.length > 0;
  });
  const second = workElsewhere(2);
  await until('the second to wait', async () => (await said(2)).includes('Waiting for run'));
  await unlink(join(backing(), '.lock'));
  const [lost, taken] = await Promise.all([first, second]);
  // Whose staging was collected while it worked there fails, and says so; its tree may have been the first all the same.
  if (!lost.ok) expect(lost.error.code).toBe('LEASE_LOST');
  await expectOneRelease([taken, await workElsewhere(1)]);
});
