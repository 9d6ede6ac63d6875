import type { AgentJob, AgentTask } from '../../../agent/index.js';
import { sha256 } from '../../../core/digest.js';
import { version } from '../../../core/installation.js';
import type { Bucket } from '../bucket/bucket.js';
import { agentKey, indexKeys, jobKey } from '../bucket/layout.js';
import type { Place } from '../environment/context.js';
import { STORE_ROOT } from '../environment/names.js';
import { packAgent } from './pack-agent.js';

/** Puts the installed agent into the bucket, where it is not there yet. @returns its digest */
export async function provideAgent(bucket: Bucket, signal: AbortSignal): Promise<string> {
  const agent = await packAgent(signal);
  const key = agentKey(agent.sha256);
  if ((await bucket.sizeOf(key)) !== agent.content.length) await bucket.put(key, agent.content);
  return agent.sha256;
}

export interface NewJob {
  run: string;
  task: AgentTask;
  /** The prefix of the objects in which the agent reports. */
  prefix: string;
  waitForLock: boolean;
  deadlineMs: number;
}

/** Puts a job for an agent into the bucket. @returns its digest */
export async function provideJob(
  { scope, bucket, outputs }: Place,
  { run, task, prefix, waitForLock, deadlineMs }: NewJob,
): Promise<string> {
  const job: AgentJob = {
    version: 1,
    run,
    root: STORE_ROOT,
    task,
    report: { bucket: bucket.name, region: scope.region, run: prefix, index: indexKeys(outputs.FileSystemId).prefix },
    waitForLock,
    deadlineMs,
    createdBy: `prestage ${version}`,
  };
  const text = JSON.stringify(job);
  const digest = sha256(text);
  await bucket.put(jobKey(digest), text);
  return digest;
}
