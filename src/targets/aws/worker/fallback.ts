import * as z from 'zod';
import type { CommandContext } from '../../../core/command-context.js';
import type { Deployment, PrepareJob } from '../../target.js';
import { fallbackKeys } from '../bucket/layout.js';
import { reachOf, uploadInputs } from '../bucket/upload-inputs.js';
import type { AwsContext, Place } from '../environment/context.js';
import { PREPARE_SECONDS } from '../infrastructure/host-inputs.js';
import type { AgentInputs } from '../scripts/inputs.js';
import { provideAgent, provideJob } from './job.js';

const pointer: z.ZodType<AgentInputs> = z.object({ agent: z.string(), job: z.string() });

/** As long as other hosts wait for it. */
const DEADLINE_MS = PREPARE_SECONDS * 1000;

/** For a release that somebody prepared without us: there is nothing to fetch, and a jump host then says so. */
const NONE: AgentInputs = { agent: '0'.repeat(64), job: '0'.repeat(64) };

/**
 * Keeps how a release is prepared from the bucket, for jump hosts of this and of later deployments of it.
 * @param inputs as machines reach them
 */
export async function recordFallback(
  place: Place,
  { plan, inputs }: PrepareJob,
  signal: AbortSignal,
): Promise<AgentInputs> {
  const { pointer: key, prefix } = fallbackKeys(plan.release);
  const made: AgentInputs = {
    agent: await provideAgent(place.bucket, signal),
    job: await provideJob(place, {
      run: `fallback-${plan.release}`,
      task: { kind: 'prepare', plan, inputs },
      prefix,
      waitForLock: true,
      deadlineMs: DEADLINE_MS,
    }),
  };
  await place.bucket.putJson(key, made);
  return made;
}

/** What a jump host is given: where no worker ran, the files are uploaded for it now. */
export async function provideFallback(
  { environment }: Pick<AwsContext, 'environment'>,
  place: Place,
  { release, fallback }: Deployment,
  options: CommandContext,
): Promise<AgentInputs> {
  if (fallback !== undefined) {
    const inputs = await uploadInputs(place.bucket, fallback, { ...options, ...reachOf(environment) });
    return recordFallback(place, { plan: fallback.plan, inputs }, options.signal);
  }
  return (await place.bucket.getJson(fallbackKeys(release.release).pointer, pointer))?.value ?? NONE;
}
