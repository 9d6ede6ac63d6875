import * as z from 'zod';
import type { Bucket } from '../bucket/bucket.js';
import { RUNS, runKeys } from '../bucket/layout.js';

/**
 * What a run of a worker is, written before anything is launched: anyone who finds it launches the very same machine (its token
 * makes that idempotent), or follows it.
 */
export const runRecord = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  task: z.enum(['prepare', 'verify', 'prune']),
  /** The release that is prepared. */
  release: z.string().optional(),
  launchTemplateId: z.string(),
  /** In the order in which they are tried. */
  subnetIds: z.array(z.string()).min(1),
  userData: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
});

export type RunRecord = z.infer<typeof runRecord>;

export async function recordRun(bucket: Bucket, record: RunRecord): Promise<void> {
  await bucket.putJson(runKeys(record.run).run, record, { ifNoneMatch: '*' });
}

export async function readRun(bucket: Bucket, run: string): Promise<RunRecord | undefined> {
  return (await bucket.getJson(runKeys(run).run, runRecord))?.value;
}

/** The names of all runs, oldest first: they begin with the time. */
export async function listRuns(bucket: Bucket): Promise<string[]> {
  return (await bucket.listNames(RUNS)).sort();
}
