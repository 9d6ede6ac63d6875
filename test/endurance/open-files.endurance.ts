import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AgentJob, AgentResult } from '../../src/agent/job.js';
import { newRunId } from '../../src/store/paths.js';
import { verifyStore } from '../../src/store/verify.js';
import { mountLatency } from '../latencyfs/mount.js';
import { repository } from '../prestage.js';
import { ReleaseJob } from '../release-job.js';
import { lacks } from '../requirements.js';
import { tarGz } from '../small-archives.js';

test.skipIf(lacks('fuse', 'gcc'))('a worker that may open too few files says so, and how to allow more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-open-files-'));
  // Slow, so that as many files are open at once as the engine dares.
  const mounted = await mountLatency(join(folder, 'backing'), { rttUs: 4000 });
  onTestFinished(async () => {
    await mounted.unmount();
    await rm(folder, { recursive: true });
  });
  const job = new ReleaseJob(join(folder, 'sources'));
  await job.package(
    'many',
    tarGz(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`f${n % 40}/${n}`, `${n}\n`]))),
  );
  const root = join(mounted.folder, 'root');

  const limited = await work(folder, root, job, 'ulimit -n 44');
  expect(limited.result).toMatchObject({
    ok: false,
    error: {
      code: 'STORE_IO',
      message: expect.stringMatching(/^Too many files are open at .*\/root\/\.staging\/.*\(EMFILE from open\)/),
      hint: expect.stringContaining('`ulimit -n`'),
      context: { package: 'many', errno: 'EMFILE' },
    },
  });
  expect(limited.retries).toEqual([1, 2, 3]);

  expect(await work(folder, root, job, 'ulimit -n 1024')).toMatchObject({ result: { ok: true }, retries: [] });
  expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
});

/** Runs the built worker to its end, under a shell's limits. */
async function work(folder: string, root: string, { plan, inputs }: ReleaseJob, limits: string) {
  const run = newRunId();
  const runFolder = join(folder, run);
  const todo: AgentJob = {
    version: 1,
    run,
    root,
    task: { kind: 'prepare', plan, inputs },
    waitForLock: false,
    deadlineMs: 60_000,
    createdBy: 'prestage 0.0.0',
  };
  await mkdir(runFolder);
  await writeFile(join(runFolder, 'job.json'), JSON.stringify(todo));
  const command = `${limits} && exec '${process.execPath}' '${join(repository, 'dist/agent/agent.js')}' '${runFolder}'`;
  const worker = spawn('sh', ['-c', command], { stdio: 'ignore', env: { ...process.env, UV_THREADPOOL_SIZE: '64' } });
  await once(worker, 'exit');
  const events = (await readFile(join(runFolder, 'events.ndjson'), 'utf8')).trim().split('\n');
  return {
    result: JSON.parse(await readFile(join(runFolder, 'result.json'), 'utf8')) as AgentResult,
    retries: events.flatMap((line) => {
      const event = JSON.parse(line) as { type: string; attempt: number };
      return event.type === 'package.retry' ? [event.attempt] : [];
    }),
  };
}
