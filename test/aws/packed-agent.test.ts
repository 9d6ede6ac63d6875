import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AgentJob, agentResult } from '../../src/agent/job.js';
import { packAgent } from '../../src/targets/aws/worker/pack-agent.js';
import { prepared } from '../prepared.js';
import { ReleaseJob } from '../release-job.js';
import { addManyInputs } from './many-inputs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-packed-agent-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

test('the packed agent is the same bytes whenever it is packed', async () => {
  const [first, second] = [await packAgent(signal), await packAgent(signal)];
  expect(second.sha256).toBe(first.sha256);
  expect(second.content.equals(first.content)).toBe(true);
});

test('the packed agent, unpacked into an empty folder, prepares a release with nothing but node', async () => {
  await writeFile(join(folder, 'agent.tar.gz'), (await packAgent(signal)).content);
  await mkdir(join(folder, 'agent'));
  execFileSync('tar', ['-xzf', join(folder, 'agent.tar.gz'), '-C', join(folder, 'agent')]);
  const job = new ReleaseJob(join(folder, 'files'));
  await addManyInputs(job);
  const todo: AgentJob = {
    version: 1,
    run: 'run',
    root: join(folder, 'store'),
    task: { kind: 'prepare', plan: job.plan, inputs: job.inputs },
    waitForLock: false,
    deadlineMs: 60_000,
    createdBy: 'prestage 0.0.0',
  };
  const runFolder = join(folder, 'run');
  await mkdir(runFolder);
  await writeFile(join(runFolder, 'job.json'), JSON.stringify(todo));
  const said = await promisify(execFile)(process.execPath, [join(folder, 'agent/agent.js'), runFolder], {
    cwd: '/',
    env: {},
  });
  expect(said).toEqual({ stdout: '', stderr: '' });
  const result = agentResult.parse(JSON.parse(await readFile(join(runFolder, 'result.json'), 'utf8')));
  const here = await prepared(join(folder, 'reference'), job);
  expect(result.ok && result.record?.packages).toEqual(here.packages);
});
